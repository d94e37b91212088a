"""Makes the data by which a tape identifies its writers: its metadata, and the ``session`` event of each writer."""

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
    """Returns the versions of Python and of the libraries that a suggestion may depend on."""
    metadata = load("importlib.metadata")
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "unknown"
    return found


def make_metadata(config: dict[str, Any]) -> dict[str, Any]:
    """Returns the metadata that form the first line of a new tape.

    Args:
        config: The config of the run, ``{"run": {...}}``.
    """
    return {
        **config,
        "format": FORMAT,
        "id": uuid.uuid4().hex,
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "versions": versions(),
    }


def texts(paths: list[str]) -> list[str]:
    """Returns the paths that a tape can hold, which are those in UTF-8.

    Logs a warning for each other path, because a restore has to be given it again.
    """
    kept = [path for path in paths if readable(path) == path]
    for path in paths:
        if path not in kept:
            log.warning("%s is no UTF-8, so the tape does not note it: name it again for a restore", readable(path))
    return kept


def readable(path: str | Path) -> str:
    """Returns a path as text that can be written anywhere; bytes that are not UTF-8 become backslash escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def session_info(extra: dict[str, Any]) -> dict[str, Any]:
    """Returns the data of the ``session`` event of this process, which writes from here on.

    Args:
        extra: The data that the run adds: pool, observers, slots, fingerprint, changed settings.
    """
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "versions": versions(),
        "plugins": texts(registry.plugins()),
        "paths": texts(registry.paths()),
        **extra,
    }
