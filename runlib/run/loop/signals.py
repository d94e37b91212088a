"""Lets signals end a run in order: a handler only sets a flag, which the loop sees within half a second.

A second SIGINT raises ``KeyboardInterrupt`` while the loop waits for the pool, which ends the workers at once. It never
interrupts a step of the loop: a record that is being written is written and applied, and a close that has begun is
completed. Handlers can be set only in the main thread; in other threads signals keep their effect.

An ignored signal stays ignored, because the process that started this one (``nohup``, ``trap '' INT``, a shell that
runs it in the background) or the user's program wants it so.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from runlib.pool.processes.orderly import ORDERLY

__all__ = ["Interrupt", "listening"]

# Job queues announce the end by SIGTERM, or by a signal that the user chose. A closed terminal sends SIGHUP.
OWN = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP)  # signals that programs may use for their own purposes


class Interrupt:
    """Records whether a signal asked the run to end.

    Attributes:
        signum: The number of the signal; None as long as there was none.
        insisted: Whether a second SIGINT came.
    """

    def __init__(self) -> None:
        self.signum: int | None = None
        self.insisted = False
        self._may_raise = False

    def handle(self, signum: int, frame: FrameType | None) -> None:
        """Records a signal; a second SIGINT raises at once inside ``waiting``."""
        if self.signum == signal.SIGINT == signum:
            self.insisted = True
            if self._may_raise:
                raise KeyboardInterrupt
        self.signum = signum

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Allows a second SIGINT to raise in this context, and only there; one that came before raises at once.

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
        """Returns the name of the signal, such as ``SIGINT``; empty as long as there was none."""
        return "" if self.signum is None else signal.Signals(self.signum).name


@contextlib.contextmanager
def listening() -> Iterator[Interrupt]:
    """Makes signals set the flag of an ``Interrupt`` in this context, and restores their handlers afterwards."""
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
    """Returns whether a signal is ignored, or is one that the user's program handles itself."""
    handler = signal.getsignal(signum)
    if handler is signal.SIG_IGN:
        return True
    return signum in OWN and handler is not signal.SIG_DFL
