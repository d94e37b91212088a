"""Descriptors out of the way of what writes by number: prints to 0 to 2, and code that closes or reuses low ones.

What runlib holds open lies near the top of the numbers that a process may have: there nobody else's descriptor was
before, and a write to one that is closed by mistake does not meet a tape or a worker's line. 0 to 2 belong to the
program: where it began without them, they are ``/dev/null``, for any file that is opened would get these numbers, and
each stray print would go into it.
"""

from __future__ import annotations

import fcntl
import os
import resource

__all__ = ["fill_standard", "move_up"]

HIGHEST = 1024  # the usual limit; above it the table of a process only grows
ROOM = 64  # numbers that are kept for what is moved up


def move_up(fd: int) -> int:
    """The same open file under a high number, which no program that is started inherits; ``fd`` is closed.

    It stays where it is if there is no room.
    """
    try:
        moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _floor())
    except (OSError, ValueError):
        return fd
    os.close(fd)
    return moved


def _floor() -> int:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = HIGHEST if limit == resource.RLIM_INFINITY else min(limit, HIGHEST)
    return max(3, highest - ROOM)


def fill_standard() -> None:
    """Let those of the descriptors 0 to 2 that are closed be ``/dev/null``, also for the programs that are started."""
    for number in range(3):
        if not _is_open(number):
            _become_null(number)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _become_null(number: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    if null == number:  # the lowest that is free
        os.set_inheritable(null, True)
        return
    try:
        if not _is_open(number):  # another thread may have filled it meanwhile
            os.dup2(null, number)
    finally:
        os.close(null)
