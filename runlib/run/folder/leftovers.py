"""Finds and removes the unfinished folders of processes that died while they made a run.

An unfinished folder is called ``.run_<machine>-<process>-<start>-<random>.new``. The machine is a hash of host, boot
and container. The start time of the process distinguishes it from a later process with the same number. The folder is a
leftover if that process ran on this machine and no longer exists. A folder of another machine, or of an older version
of runlib that noted nothing, is a leftover a day after the last change in it, unless a process holds its lock.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import socket
import stat
import time
import uuid
from pathlib import Path

from runlib.engine import disk
from runlib.engine.directory import Directory
from runlib.engine.legible import logger
from runlib.tape.lock import NAME as LOCK

__all__ = ["PREFIX", "find_leftovers", "remove_leftovers", "temporary_name"]

PREFIX = "run_"
OLD = 24 * 3600.0  # seconds, a day
_NAME = re.compile(rf"\.{PREFIX}(?:([0-9a-f]{{12}})-(\d{{1,10}})-(\d{{1,20}})-)?[0-9a-f]{{32}}\.new")

log = logger()


def temporary_name() -> str:
    """Returns a name for the unfinished folder of a run, which identifies this process."""
    pid = os.getpid()
    return f".{PREFIX}{_machine()}-{pid}-{_start_of(pid) or 0}-{uuid.uuid4().hex}.new"


@functools.cache
def _machine() -> str:
    """Returns a hash that differs for every machine, every boot of it, and every container on it."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return hashlib.blake2b("/".join(parts).encode("utf-8", "surrogateescape"), digest_size=6).hexdigest()


def _start_of(pid: int) -> int | None:
    """Returns when a process began, in units of the system; None if there is none, 0 if the system does not tell."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except (OSError, OverflowError) as error:  # the process belongs to another user
        log.debug("process %d: %s", pid, error)
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return None if fields[0] in b"ZX" else int(fields[19])
    except (OSError, IndexError):
        return 0


def _is_left(directory: Directory, name: str) -> bool:
    match = _NAME.fullmatch(name)
    if match is None or not stat.S_ISDIR(directory.stat(name).st_mode):
        return False
    machine, pid, start = match.groups()
    if machine != _machine():
        return _is_old(directory, name)
    began = _start_of(int(pid))
    return began is None or (0 not in (began, int(start)) and began != int(start))


def _is_old(directory: Directory, name: str) -> bool:
    """Returns whether nothing in a folder was changed for a day and no process holds its lock."""
    with directory.inside(name) as made:
        times = [os.fstat(made.fd).st_mtime, *(made.stat(inner).st_mtime for inner in made.names())]
        return time.time() - max(times) > OLD and not (made.has(LOCK) and _is_held(made))


def _is_held(made: Directory) -> bool:
    fd = made.open(LOCK, os.O_RDWR)
    try:
        return not disk.current.lock(fd)
    finally:
        disk.current.close(fd)


def find_leftovers(parent: Path) -> list[Path]:
    """Returns the folders that dead processes left in ``parent`` while they made a run."""
    with Directory(parent) as directory:
        return [parent / name for name in sorted(directory.names()) if _was_left(directory, name)]


def _was_left(directory: Directory, name: str) -> bool:
    try:
        return _is_left(directory, name)
    except OSError as error:  # another process is removing the folder, or this user may not read it
        log.debug("%s: %s", directory.path / name, error)
        return False


def remove_leftovers(parent: Path) -> list[Path]:
    """Removes the leftovers in ``parent`` and returns them; logs a warning for each one that cannot be removed."""
    removed = []
    with Directory(parent) as directory:
        for path in find_leftovers(parent):
            try:
                directory.remove(path.name)
            except FileNotFoundError:
                continue  # another process has removed it
            except OSError as error:
                log.warning(
                    "%s was left behind by a process that died, and cannot be taken away: %s", path, error.strerror
                )
            else:
                removed.append(path)
    return removed
