"""Moves file descriptors to high numbers and fills the numbers 0 to 2, so that stray writes hit no open file.

Programs print to the descriptors 0 to 2, and some code closes or reuses low descriptors. runlib moves its own open
files near the highest number that a process may use. No other code has held a descriptor there, so a write to a
descriptor that was closed by mistake does not reach a tape or the pipe of a worker. If a program starts without the
descriptors 0 to 2, they are opened on ``/dev/null``. Otherwise the next opened file would get one of these numbers and
receive every stray print.
"""

from __future__ import annotations

import fcntl
import os
import resource

__all__ = ["fill_standard", "move_up"]

HIGHEST = 1024  # This is the usual limit. A higher one only makes the table of the process grow.
ROOM = 64  # So many numbers are reserved for the files that are moved up.


def move_up(fd: int) -> int:
    """Moves an open file to a high descriptor, which started programs do not inherit, and closes ``fd``.

    If no high number is free, ``fd`` stays as it is. Returns the descriptor to use.
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
    """Opens ``/dev/null`` for the closed descriptors among 0 to 2, also for the programs that are started."""
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
    if null == number:  # ``os.open`` returned the lowest free number.
        os.set_inheritable(null, True)
        return
    try:
        if not _is_open(number):  # Another thread may have filled it meanwhile.
            os.dup2(null, number)
    finally:
        os.close(null)
