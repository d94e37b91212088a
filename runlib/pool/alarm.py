"""A time limit without a second process: a signal that raises TimeoutError in what the main thread runs.

It is soft. Code that computes in C without returning to the interpreter hears of it only afterwards, and code that
catches every exception can swallow it; so it is repeated, and what came too late counts as too late.

Time in which the process stood still (SIGSTOP, a container that is frozen) does not count. It is told by signals that
come now and then: between two of them the process computed, or was woken by those that could not be dealt with yet.
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
SLACK = 0.25  # seconds: a machine that is merely busy delivers a signal later than it was asked for


class Moment(NamedTuple):
    """A moment in the life of this process.

    Attributes:
        clock: Seconds of a monotonic clock.
        computed: Seconds of computing.
        woken: How often the process gave up the processor to wait for something.
    """

    clock: float
    computed: float
    woken: int

    @classmethod
    def now(cls) -> Moment:
        """This one."""
        return cls(time.monotonic(), time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw)

    def ran_until(self, later: Moment, expected: float) -> float:
        """Seconds that the process ran until a later moment, which was to come after so many seconds."""
        passed = later.clock - self.clock
        if passed <= expected + SLACK or later.computed - self.computed > passed / 2:
            return passed
        return passed if later.woken - self.woken > passed / REPEAT / 2 else expected


class Alarm:
    """Whether the limit was passed.

    Args:
        seconds: The limit.
        moment: Says which moment it is.
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
        """Seconds until the next signal is to come."""
        return max(min(self._left, REPEAT), 1e-6)

    def ring(self, number: int, frame: FrameType | None) -> None:
        """The handler of the signal."""
        if self.active and self.is_over():
            self.rang = True
            raise TimeoutError(f"exceeded trial_timeout of {self.seconds:g} s")

    def is_over(self) -> bool:
        """Whether the process ran for longer than it may, by now; the next signal is asked for."""
        last, self._last = self._last, self._moment()
        self._left -= last.ran_until(self._last, self.next)
        if self._left <= 0:
            return True
        signal.setitimer(signal.ITIMER_REAL, self.next, REPEAT)
        return False


def can_ring() -> bool:
    """Whether this is the main thread, the only one in which Python handles signals."""
    return threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[Alarm]:
    """After ``seconds`` TimeoutError is raised in here; a timer of somebody else goes on afterwards."""
    alarm = Alarm(seconds)
    handler = signal.signal(signal.SIGALRM, alarm.ring)
    start = time.monotonic()
    left, interval = signal.setitimer(signal.ITIMER_REAL, alarm.next, REPEAT)
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
