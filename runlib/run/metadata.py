"""What a tape says about who wrote it: its metadata, and the ``session`` event of each writer."""

from __future__ import annotations

import functools
import os
import platform
import socket
import time
import uuid
from pathlib import Path
from typing import Any

from runlib.engine import registry
from runlib.engine.extras import load
from runlib.engine.legible import logger
from runlib.tape.codec import FORMAT

__all__ = ["make_metadata", "readable", "session_info", "texts", "versions"]

log = logger()

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


def texts(paths: list[str]) -> list[str]:
    """Those that a tape can hold, which is text; one with other bytes is said, and a restore is told of it again."""
    kept = [path for path in paths if readable(path) == path]
    for path in paths:
        if path not in kept:
            log.warning("%s is no UTF-8, so the tape does not note it: name it again for a restore", readable(path))
    return kept


def readable(path: str | Path) -> str:
    """A path as text that can be written anywhere: bytes that are no UTF-8 are shown by their numbers."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def session_info(extra: dict[str, Any]) -> dict[str, Any]:
    """Who writes from here on.

    Args:
        extra: What the run knows of it: pool, observers, slots, fingerprint, changed settings.
    """
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "versions": versions(),
        "plugins": texts(registry.plugins()),
        "paths": texts(registry.paths()),
        **extra,
    }
