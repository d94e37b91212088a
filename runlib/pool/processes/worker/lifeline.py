"""The worker's end of the life line: when the manager's end closes, its whole process group dies.

On Linux the kernel does it: the pipe is set to send a signal when it changes, the signal is SIGKILL and goes to
the group (``F_SETSIG`` and ``F_SETOWN`` in fcntl(2)). That costs nothing, needs no thread and reaches a worker
that computes in C without ever letting go of the interpreter. Elsewhere a thread waits for the end of the pipe.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import threading

__all__ = ["hold"]


def hold(life: int) -> None:
    """Tie the life of this process group, of which this process is the leader, to the pipe ``life``."""
    if not _ask_kernel(life):
        threading.Thread(target=_wait, args=(life,), name="runlib-life", daemon=True).start()
    elif _has_ended(life):  # before the kernel was asked
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
