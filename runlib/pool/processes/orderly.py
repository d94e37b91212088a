"""Signals that end a run in task, and what a worker makes of them: nothing, unless its manager asks it to end.

Batch queues and service managers send them to all processes of a job. The manager then ends the run; a worker that
died of them would leave a failed trial where there is none. So a worker goes on, and only remembers that it was
signalled: an error that follows may come of that (a process that the trial had started died of the same signal).
As that process may have been the first to get it, an error after processes of the trial have ended waits for a moment.

The manager, too, asks by SIGTERM, so that an evaluator may handle it in its own way. What tells that from a SIGTERM of
somebody else is the last message on the worker's line of tasks, which is there before the signal is.

Signals are handled, not ignored: what a trial starts would ignore them as well, and could not be ended by it.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # what ``signal`` wraps, in more time than a quick trial takes
import contextlib
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType

__all__ = ["FATAL", "ORDERLY", "RECENT", "Requests", "held_back"]

ORDERLY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
FATAL = frozenset({*ORDERLY, signal.SIGQUIT, signal.SIGKILL})  # those by which others end processes
RECENT = 2.0  # seconds for which a signal may be the reason of an error
BEHIND = 0.2  # seconds by which a signal may come later to the worker than to what a trial started
LOOK = 0.01  # seconds between looks whether it came


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """In here this thread gets no orderly signal; a process that is started gets none before it asks for them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ORDERLY)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _children_that_ended() -> object:
    """Something that is another when one more child has ended and was waited for."""
    return resource.getrusage(resource.RUSAGE_CHILDREN)


class Requests:
    """Tells the manager's request to end from the signals of others, in the main thread of a worker.

    Args:
        is_last: Whether the next message on the line of tasks is the last one.
        clock: A monotonic clock in seconds.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        is_last: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._is_last, self._clock, self._sleep = is_last, clock, sleep
        self._worker = os.getpid()
        self._own = self.handle
        self._ended = _children_that_ended()
        self._heard: float | None = None
        self._reporting = self._failed = False

    def listen(self) -> None:
        """Handle the signals from now on, but for those that whoever started the run has ignored."""
        for number in ORDERLY:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self.handle)
        os.register_at_fork(after_in_child=self._let_go)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])  # see ``held_back``

    def handle(self, number: int, frame: FrameType | None) -> None:
        """End as by default if the manager asks for it, or if this is not the worker; go on if not."""
        if os.getpid() != self._worker or (number == signal.SIGTERM and self._is_asked()):
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        else:
            self._heard = self._clock()

    def _is_asked(self) -> bool:
        return not self._reporting and self._is_last()  # who reports comes to that message by itself

    @property
    def signalled(self) -> bool:
        """Whether a signal came of somebody else a moment ago, or may have come to a handler of a failed evaluator."""
        if self._heard is not None and self._clock() - self._heard < RECENT:
            return True
        return self._failed and any(map(self._is_taken, ORDERLY))

    def _is_taken(self, number: signal.Signals) -> bool:
        handler = _signal.getsignal(number)
        return callable(handler) and handler != self._own

    @property
    def is_late(self) -> bool:
        """Whether the evaluator went on after the manager had asked, by a handler of its own."""
        return self._is_taken(signal.SIGTERM) and self._is_last()

    def begin_report(self) -> None:
        """The evaluator has ended, by an error if one is handled: a request to end now waits until that is told."""
        self._reporting = True
        self._failed = sys.exception() is not None
        before, self._ended = self._ended, _children_that_ended()
        if self._failed and self._ended != before:
            self._await_signal()

    def _await_signal(self) -> None:
        end = self._clock() + BEHIND
        while not self.signalled and self._clock() < end:
            self._sleep(LOOK)

    def end_report(self) -> None:
        """It is told."""
        self._reporting = False

    def _let_go(self) -> None:
        """What is forked off a worker takes signals as any process does."""
        for number in ORDERLY:
            if signal.getsignal(number) == self.handle:
                default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
                signal.signal(number, default)
