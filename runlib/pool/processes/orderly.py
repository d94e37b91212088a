"""Handles the signals that end a run in order: they do not end a worker, unless its manager asks it to end.

Batch queues and service managers send them to all processes of a job. The manager then ends the run. A worker that died
of such a signal would leave a failed trial although nothing failed. So a worker goes on, and remembers that it received
a signal, because an error that follows may be due to it: a process that the trial had started may have died of the same
signal. That process may have received the signal first. So if processes of the trial have ended, an error waits for a
moment.

The manager also asks by SIGTERM, so that an evaluator may handle it in its own way. The last message on the worker's
line of tasks distinguishes this request from a SIGTERM of another sender. It is there before the signal is.

Signals are handled and not ignored, because the processes that a trial starts would inherit ignored signals, and the
trial could not end them.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # its wrapper ``signal`` takes longer than a quick trial
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
FATAL = frozenset({*ORDERLY, signal.SIGQUIT, signal.SIGKILL})  # the signals by which others end processes
RECENT = 2.0  # seconds for which a signal may be the reason of an error
BEHIND = 0.2  # seconds by which a signal may reach the worker later than the processes of its trial
LOOK = 0.01  # seconds between checks whether the signal came


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Blocks the orderly signals in this context, for this thread and for a new process until that unblocks them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ORDERLY)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _children_that_ended() -> object:
    """Returns a value that changes when one more child has ended and was waited for."""
    return resource.getrusage(resource.RUSAGE_CHILDREN)


class Requests:
    """Distinguishes the manager's request to end from other signals, in the main thread of a worker.

    Args:
        is_last: A function that returns whether the next message on the line of tasks is the last one.
        clock: A monotonic clock in seconds.
        sleep: A function that waits for a number of seconds.
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
        """Handles the signals from now on, except those that were ignored when the run was started."""
        for number in ORDERLY:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self.handle)
        os.register_at_fork(after_in_child=self._restore_defaults)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])  # see ``held_back``

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Ends the process as by default if the manager asks for it or if this is not the worker; else goes on."""
        if os.getpid() != self._worker or (number == signal.SIGTERM and self._is_asked()):
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        else:
            self._heard = self._clock()

    def _is_asked(self) -> bool:
        return not self._reporting and self._is_last()  # a worker that reports reads that message by itself

    @property
    def signalled(self) -> bool:
        """Returns whether a foreign signal came a moment ago, or may have reached a handler of a failed evaluator."""
        if self._heard is not None and self._clock() - self._heard < RECENT:
            return True
        return self._failed and any(map(self._is_taken, ORDERLY))

    def _is_taken(self, number: signal.Signals) -> bool:
        handler = _signal.getsignal(number)
        return callable(handler) and handler != self._own

    @property
    def is_late(self) -> bool:
        """Returns whether the evaluator went on after the manager's request, by a handler of its own."""
        return self._is_taken(signal.SIGTERM) and self._is_last()

    def begin_report(self) -> None:
        """Notes that the evaluator has ended, by an error if one is being handled.

        From now on, a request to end waits until the result is reported.
        """
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
        """Notes that the result is reported."""
        self._reporting = False

    def _restore_defaults(self) -> None:
        """Restores the default handlers in a process that a worker forked, so that signals act there as usual."""
        for number in ORDERLY:
            if signal.getsignal(number) == self.handle:
                default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
                signal.signal(number, default)
