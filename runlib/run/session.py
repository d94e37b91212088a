"""What a tape says about who wrote it: its metadata, and the ``session`` event of each writer."""

from __future__ import annotations

import functools
import os
import platform
import socket
import time
import uuid
from typing import Any

from runlib.engine import registry
from runlib.engine.extras import load
from runlib.tape.codec import FORMAT

__all__ = ["make_metadata", "session_info", "versions"]

_LIBRARIES = ("runlib", "numpy", "scipy", "hyperopt")


@functools.cache
def versions() -> dict[str, str]:
    """The versions that a suggestion may depend on."""
    metadata = load("importlib.metadata")
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "unknown"
    return found


def make_metadata(config: dict[str, Any]) -> dict[str, Any]:
    """The first line of a new tape.

    Args:
        config: ``{"run": {...}}``.
    """
    return {
        **config,
        "format": FORMAT,
        "id": uuid.uuid4().hex,
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "versions": versions(),
    }


def session_info(extra: dict[str, Any]) -> dict[str, Any]:
    """Who writes from here on.

    Args:
        extra: What the run knows of it: pool, observers, slots, fingerprint, changed settings.
    """
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "versions": versions(),
        "plugins": registry.plugins(),
        "paths": registry.paths(),
        **extra,
    }
