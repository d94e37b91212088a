"""Signals end a run in order: a handler only sets a flag, which the loop sees within half a second.

A second SIGINT raises ``KeyboardInterrupt`` where the program stands, which ends the workers at once. Handlers can be
set in the main thread only; elsewhere signals stay what they were.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

__all__ = ["Interrupt", "listening"]

ORDERLY = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """Whether somebody wants the run to end.

    Attributes:
        signum: The signal; None as long as there was none.
    """

    def __init__(self) -> None:
        self.signum: int | None = None

    def handle(self, signum: int, frame: FrameType | None) -> None:
        """Note a signal; a second SIGINT does not wait."""
        if self.signum == signal.SIGINT == signum:
            raise KeyboardInterrupt
        self.signum = signum

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
    before = {signum: signal.signal(signum, interrupt.handle) for signum in ORDERLY}
    try:
        yield interrupt
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler if handler is not None else signal.SIG_DFL)
