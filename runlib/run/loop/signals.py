"""Signals end a run in order: a handler only sets a flag, which the loop sees within half a second.

A second SIGINT raises ``KeyboardInterrupt`` while the loop waits for the pool, which ends the workers at once. It never
cuts a step of the loop in two: a record that is being written is written and applied, and what is being closed is
closed. Handlers can be set in the main thread only; elsewhere signals stay what they were.

A signal that is ignored stays ignored: whoever started this process (``nohup``, ``trap '' INT``, a shell that runs it
in the background) or the user's program wants it so.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from runlib.pool.processes.orderly import ORDERLY

__all__ = ["Interrupt", "listening"]

# Batch queues announce the end by SIGTERM, or by a signal that the user chose; a terminal that goes away, by SIGHUP.
OWN = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP)  # those for which programs have uses of their own


class Interrupt:
    """Whether somebody wants the run to end.

    Attributes:
        signum: The signal; None as long as there was none.
        insisted: Whether a second SIGINT came.
    """

    def __init__(self) -> None:
        self.signum: int | None = None
        self.insisted = False
        self._may_raise = False

    def handle(self, signum: int, frame: FrameType | None) -> None:
        """Note a signal; a second SIGINT does not wait for what ``waiting`` encloses."""
        if self.signum == signal.SIGINT == signum:
            self.insisted = True
            if self._may_raise:
                raise KeyboardInterrupt
        self.signum = signum

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """In here, and only in here, a second SIGINT raises; one that came before does so at once.

        Raises:
            KeyboardInterrupt: A second SIGINT came.
        """
        self._may_raise = True
        try:
            if self.insisted:
                raise KeyboardInterrupt
            yield
        finally:
            self._may_raise = False

    @property
    def name(self) -> str:
        """Its name, such as ``SIGINT``; empty as long as there was none."""
        return "" if self.signum is None else signal.Signals(self.signum).name


@contextlib.contextmanager
def listening() -> Iterator[Interrupt]:
    """Signals set the flag of an ``Interrupt`` in here, and do afterwards what they did before."""
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    before = {signum: signal.signal(signum, interrupt.handle) for signum in ORDERLY if not _is_spoken_for(signum)}
    try:
        yield interrupt
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler if handler is not None else signal.SIG_DFL)


def _is_spoken_for(signum: signal.Signals) -> bool:
    """Whether a signal is ignored, or one of which the user's program makes a use of its own."""
    handler = signal.getsignal(signum)
    if handler is signal.SIG_IGN:
        return True
    return signum in OWN and handler is not signal.SIG_DFL
