"""Folders of runs that were being made when their maker died: known by their names, and taken away.

A folder that is being made is called ``.run_<machine>-<process>-<start>-<random>.new``: the machine (host, boot and
container, hashed), the number of the process, and when that began, so that another process with the same number is told
apart. It was left behind if that process of this machine is gone. One that another machine made, or an older version of
runlib, which noted nothing, counts as left behind a day after anything in it was made, unless somebody holds its lock.
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
OLD = 24 * 3600.0  # seconds
_NAME = re.compile(rf"\.{PREFIX}(?:([0-9a-f]{{12}})-(\d{{1,10}})-(\d{{1,20}})-)?[0-9a-f]{{32}}\.new")

log = logger()


def temporary_name() -> str:
    """A name for the folder of a run until it is whole, which says who makes it."""
    pid = os.getpid()
    return f".{PREFIX}{_machine()}-{pid}-{_start_of(pid) or 0}-{uuid.uuid4().hex}.new"


@functools.cache
def _machine() -> str:
    """Different for every machine, every boot of it, and every container in it."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return hashlib.blake2b("/".join(parts).encode("utf-8", "surrogateescape"), digest_size=6).hexdigest()


def _start_of(pid: int) -> int | None:
    """When a process began, in the units of its system; None if there is none, 0 if the system does not tell."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except (OSError, OverflowError) as error:  # of another user
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
    """Whether nothing was made in a folder for a day, and nobody holds its lock."""
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
    """What was left behind in a folder by processes that died while they made a run."""
    with Directory(parent) as directory:
        return [parent / name for name in sorted(directory.names()) if _was_left(directory, name)]


def _was_left(directory: Directory, name: str) -> bool:
    try:
        return _is_left(directory, name)
    except OSError as error:  # another process takes it away just now, or it is not for this user to see
        log.debug("%s: %s", directory.path / name, error)
        return False


def remove_leftovers(parent: Path) -> list[Path]:
    """Take it away; returns what is gone. What cannot be taken away is said."""
    removed = []
    with Directory(parent) as directory:
        for path in find_leftovers(parent):
            try:
                directory.remove(path.name)
            except FileNotFoundError:
                continue  # another process was quicker
            except OSError as error:
                log.warning(
                    "%s was left behind by a process that died, and cannot be taken away: %s", path, error.strerror
                )
            else:
                removed.append(path)
    return removed
