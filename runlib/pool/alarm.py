"""Limits the time of an evaluation without a second process: a signal raises TimeoutError in the main thread.

The limit is soft. C code that does not return to the interpreter sees the signal only afterwards, and code that catches
every exception can suppress the error. So the signal is repeated, and an evaluation that ends too late counts as timed
out.

Time in which the process was stopped (by SIGSTOP, or in a frozen container) does not count. To detect it, a signal is
sent at short intervals. A process that ran between two signals either computed, or was woken by signals that it could
not handle yet.
"""

from __future__ import annotations

import contextlib
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NamedTuple

__all__ = ["Alarm", "can_ring", "limited"]

REPEAT = 0.5  # seconds between two signals
SLACK = 0.25  # seconds by which a busy machine may deliver a signal late


class Moment(NamedTuple):
    """Describes a moment in the life of this process.

    Attributes:
        clock: The time of a monotonic clock in seconds.
        computed: The computing time of the process in seconds.
        woken: The number of times that the process gave up the processor to wait for something.
    """

    clock: float
    computed: float
    woken: int

    @classmethod
    def now(cls) -> Moment:
        """Returns the present moment."""
        return cls(time.monotonic(), time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw)

    def ran_until(self, later: Moment, expected: float) -> float:
        """Returns the seconds for which the process ran until ``later``, which was due after ``expected`` seconds."""
        passed = later.clock - self.clock
        if passed <= expected + SLACK or later.computed - self.computed > passed / 2:
            return passed
        return passed if later.woken - self.woken > passed / REPEAT / 2 else expected


class Alarm:
    """Determines whether the limit was exceeded.

    Args:
        seconds: The limit in seconds.
        moment: A function that returns the present moment.
    """

    def __init__(self, seconds: float, moment: Callable[[], Moment] = Moment.now) -> None:
        self.seconds = seconds
        self.rang = False
        self.active = True
        self._moment = moment
        self._last = moment()
        self._left = seconds

    @property
    def next(self) -> float:
        """Returns the seconds until the next signal is due."""
        return max(min(self._left, REPEAT), 1e-6)

    def ring(self, number: int, frame: FrameType | None) -> None:
        """Handles the signal, and raises TimeoutError if the limit is exceeded."""
        if self.active and self.is_over():
            self.rang = True
            raise TimeoutError(f"exceeded trial_timeout of {self.seconds:g} s")

    def is_over(self) -> bool:
        """Returns whether the process has run for longer than the limit, and requests the next signal if not."""
        last, self._last = self._last, self._moment()
        self._left -= last.ran_until(self._last, self.next)
        if self._left <= 0:
            return True
        signal.setitimer(signal.ITIMER_REAL, self.next, REPEAT)
        return False


def can_ring() -> bool:
    """Returns whether this is the main thread, the only one in which Python handles signals."""
    return threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[Alarm]:
    """Raises TimeoutError in this context after ``seconds``. A timer of other code continues afterwards."""
    alarm = Alarm(seconds)
    handler = signal.signal(signal.SIGALRM, alarm.ring)
    start = time.monotonic()
    left, interval = signal.setitimer(signal.ITIMER_REAL, alarm.next, REPEAT)
    try:
        yield alarm
    except TimeoutError:
        if not alarm.rang:
            raise  # if it rang, the evaluation had ended before, and the caller sees it in the alarm
    finally:
        alarm.active = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - start), 1e-3), interval)
