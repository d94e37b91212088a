"""Kills the worker's whole process group when the manager's end of the life line closes.

On Linux the kernel does it: the pipe sends a signal when it changes, the signal is SIGKILL, and it goes to the group
(``F_SETSIG`` and ``F_SETOWN`` in fcntl(2)). This costs nothing, needs no thread, and reaches a worker that computes in
C without ever releasing the interpreter. On other systems a thread waits for the end of the pipe.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import threading

__all__ = ["hold"]


def hold(life: int) -> None:
    """Ties the life of this process group, which this process leads, to the pipe ``life``."""
    if not _ask_kernel(life):
        threading.Thread(target=_wait, args=(life,), name="runlib-life", daemon=True).start()
    elif _has_ended(life):  # the pipe ended before the kernel was asked
        _die()


def _ask_kernel(life: int) -> bool:
    if not hasattr(fcntl, "F_SETSIG"):
        return False
    try:
        fcntl.fcntl(life, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(life, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(life, fcntl.F_SETFL, fcntl.fcntl(life, fcntl.F_GETFL) | os.O_ASYNC)
    except OSError:
        return False
    return True


def _has_ended(life: int) -> bool:
    poll = select.poll()
    poll.register(life, select.POLLIN)
    return bool(poll.poll(0))


def _wait(life: int) -> None:
    os.read(life, 1)
    _die()


def _die() -> None:
    os.killpg(os.getpgrp(), signal.SIGKILL)
