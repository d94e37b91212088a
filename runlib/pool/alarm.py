"""A time limit without a second process: a signal that raises TimeoutError in what the main thread runs.

It is soft. Code that computes in C without returning to the interpreter hears of it only afterwards, and code that
catches every exception can swallow it; so it is repeated, and what came too late counts as too late.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

__all__ = ["Alarm", "can_ring", "limited"]

REPEAT = 0.5  # seconds


class Alarm:
    """Whether the limit was passed."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.rang = False
        self.active = True

    def ring(self, number: int, frame: FrameType | None) -> None:
        """The handler of the signal."""
        if self.active:
            self.rang = True
            raise TimeoutError(f"exceeded trial_timeout of {self.seconds:g} s")


def can_ring() -> bool:
    """Whether this is the main thread, the only one in which Python handles signals."""
    return threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[Alarm]:
    """After ``seconds`` TimeoutError is raised in here; a timer of somebody else goes on afterwards."""
    alarm = Alarm(seconds)
    handler = signal.signal(signal.SIGALRM, alarm.ring)
    start = time.monotonic()
    left, interval = signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-6), REPEAT)
    try:
        yield alarm
    except TimeoutError:
        if not alarm.rang:
            raise  # otherwise it came after the evaluation had ended, and is known
    finally:
        alarm.active = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - start), 1e-3), interval)
