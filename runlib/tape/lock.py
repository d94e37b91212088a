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
        self._fd: int | None = None
        try:
            self._fd = disk.current.open(folder / NAME, os.O_RDWR | os.O_CREAT)
            self._take(self._fd, folder)
        except OSError as error:
            self.release()
            reason = error.strerror or str(error)
            raise FolderError(f"{folder} cannot be written: {reason}; check it out to read it", folder) from error
        except RunLocked:
            self.release()
            raise

    def _take(self, fd: int, folder: Path) -> None:
        if not disk.current.lock(fd):
            raise RunLocked(f"{folder} is being written by {_holder(folder / NAME)}", folder)
        disk.current.truncate(fd, 0)
        disk.write_all(fd, _describe())

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
        if (holder["pid"], holder["host"]) == (os.getpid(), socket.gethostname()):
            return f"this very process since {holder['since']}; close() the Run that has it, or check it out to read it"
        return f"process {holder['pid']} on {holder['host']} since {holder['since']}; check it out to read it"
    except (ValueError, KeyError, TypeError, OSError):
        return "another process (which has not yet said its name); check it out to read it"
