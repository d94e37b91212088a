"""One writer: the lock of a run folder.

The lock is that of an open file (``flock``), so that it ends with its holder, however that dies. The file is never
deleted and names the holder; that text is for people, the lock itself is what counts.
"""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from typing import Any

from runlib.engine import disk
from runlib.errors import FolderError, RunLocked

__all__ = ["FolderLock"]

NAME = "run.lock"


class FolderLock:
    """The right to write to a run, from its making until ``release``.

    Raises:
        RunLocked: Another process has it; the message names it.
        FolderError: The folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / NAME
        try:
            self._fd: int | None = disk.current.open(path, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise FolderError(
                f"{folder} cannot be written: {error.strerror}; check it out to read it", folder
            ) from error
        if not disk.current.lock(self._fd):
            disk.current.close(self._fd)
            raise RunLocked(f"{folder} is being written by {_holder(path)}; check it out to read it", folder)
        disk.current.truncate(self._fd, 0)
        disk.write_all(self._fd, _describe())

    def release(self) -> None:
        """Let another write; a second call does nothing."""
        if self._fd is not None:
            disk.current.close(self._fd)
            self._fd = None


def _describe() -> bytes:
    holder = {"host": socket.gethostname(), "pid": os.getpid(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
    return json.dumps(holder).encode() + b"\n"


def _holder(path: Path) -> str:
    try:
        holder: dict[str, Any] = json.loads(path.read_text())
        return f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (ValueError, KeyError, TypeError, OSError):
        return "another process (which has not yet said its name)"
