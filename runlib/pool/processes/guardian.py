"""Kills the workers of a manager that died before it could do so, from a small process of its own: the guardian.

It reads process groups from its standard input, ``+group`` or ``-group`` on each line. When that pipe ends, or when the
manager ends (a fork of the manager may hold the pipe open), every group on the list gets SIGKILL. The guardian imports
almost nothing, because it is started with every pool, and it ignores all signals that ask it to end. There is none if
workers have supervisors (Linux). It does not know of processes that left the group of their worker.

It is run as a script: ``python -I -S guardian.py MANAGER_PID``.
"""

from __future__ import annotations

import os
import select
import signal
import sys

__all__ = ["main"]

STDIN = 0


def main(manager: int) -> None:
    """Waits until the process ``manager`` ends, then kills the groups that are left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    _listen(groups, _handle_of(manager))
    for group in groups:
        _kill(group)


def _handle_of(manager: int) -> int | None:
    """Returns a descriptor that becomes readable when the manager ends, or None if the system has none."""
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        handle = os.pidfd_open(manager)
    except OSError:
        return None
    # The number may have been reused before the descriptor was opened, but not after this check.
    if os.getppid() != manager:
        os.close(handle)
        return None
    return handle


def _listen(groups: set[int], handle: int | None) -> None:
    poll = select.poll()
    poll.register(STDIN, select.POLLIN)
    if handle is not None:
        poll.register(handle, select.POLLIN)
    rest = b""
    while True:
        ready = [number for number, _ in poll.poll()]
        if STDIN in ready:
            piece = os.read(STDIN, 65536)
            if not piece:
                return
            rest = _note(groups, rest + piece)
        elif handle in ready:
            return


def _note(groups: set[int], text: bytes) -> bytes:
    *lines, rest = text.split(b"\n")
    for line in lines:
        change = groups.add if line[:1] == b"+" else groups.discard
        change(int(line[1:]))
    return rest


def _kill(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return  # the group ended by itself


if __name__ == "__main__":
    main(int(sys.argv[1]))
