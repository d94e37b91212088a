"""Pauses a run while the disk is full, and continues it by itself once there is space.

During the pause nothing is suggested, and results are kept in memory. The pause happens in the middle of a write, so
that it does not change the order of the tape. Reports of workers that arrive meanwhile are handled after the
interrupted turn, as if they had arrived then. A signal or the end of the duration ends the pause, and the error says
which finished trials are not on the tape.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from runlib.engine.legible import logger
from runlib.errors import TapeError
from runlib.observe.status import format_seconds
from runlib.pool.base import Finished, Lost, Pool
from runlib.run.loop.signals import Interrupt
from runlib.tape.writer import listed

__all__ = ["Arrivals", "warn"]

PATIENCE = 0.5  # seconds between two attempts to write

log = logger("runlib.pause")


def warn(text: str, *values: object) -> None:
    """Logs a warning about a full disk."""
    # A handler may write to a file on the full disk; its error is no reason to end the run.
    with contextlib.suppress(OSError):
        log.warning(text, *values)


@dataclass
class Arrivals:
    """Holds the reports of the pool that the loop has not handled yet.

    Args:
        tape: The path of the tape.
        pool: The pool that sends the reports.
        interrupt: The interrupt, which tells whether the run is asked to end by a signal.
        running: The trials that are being evaluated; the loop keeps the set up to date.
        left: A function that returns the seconds until the end of the duration.
        clock: A monotonic clock in seconds.
        sleep: A function that waits some seconds, used if the pool returns early.
    """

    tape: Path
    pool: Pool
    interrupt: Interrupt
    running: Set[int]
    left: Callable[[], float]
    clock: Callable[[], float]
    sleep: Callable[[float], None] = time.sleep
    _messages: deque[Finished | Lost] = field(default_factory=deque)
    _paused_at: float | None = None

    def turn(self, patience: float) -> Iterator[Finished | Lost]:
        """Yields the reports of one turn; each counts as handled when the next one is requested.

        Args:
            patience: The seconds to wait for the first report.

        Raises:
            KeyboardInterrupt: A second SIGINT came meanwhile.
        """
        insisted = None if self._messages else self._fetch(self.pool.collect, patience)
        yield from self._deal_with(len(self._messages))  # leaves out reports that a pause adds
        if insisted is not None:
            raise insisted

    def rest(self, patience: float) -> Iterator[Finished | Lost]:
        """Yields all reports that are left after the last turn, in the way of ``turn``.

        Args:
            patience: The seconds that workers get to end by themselves.

        Raises:
            KeyboardInterrupt: A second SIGINT came meanwhile.
        """
        insisted = self._fetch(self.pool.drain, patience)
        while self._messages:
            yield from self._deal_with(len(self._messages))
        if insisted is not None:
            raise insisted

    def _fetch(self, source: Callable[[float], list[Finished | Lost]], patience: float) -> KeyboardInterrupt | None:
        """Takes reports from the pool; returns the error of a second SIGINT, which ends the waiting."""
        try:
            with self.interrupt.waiting():
                self._messages.extend(source(patience))
        except KeyboardInterrupt as error:
            self._messages.extend(self.pool.drain(0.0))
            return error
        return None

    def _deal_with(self, count: int) -> Iterator[Finished | Lost]:
        for _ in range(count):
            yield self._messages[0]
            self._messages.popleft()

    def wait_for_room(self, error: OSError) -> None:
        """Waits a moment, and keeps the reports that arrive; after that, the write may be tried again.

        Args:
            error: The error of the full disk.

        Raises:
            TapeError: The run has to end, by a signal or because its duration is over.
            KeyboardInterrupt: A second SIGINT came meanwhile.
        """
        self._refuse_to_wait(error)
        self.pause(error)

    def pause(self, error: OSError) -> None:
        """Waits as ``wait_for_room`` does, but for a run that may end meanwhile because no record is half written.

        Raises:
            KeyboardInterrupt: A second SIGINT came meanwhile.
        """
        if self._paused_at is None:
            self._paused_at = self.clock()
            warn(
                "%s: %s: the run pauses, keeping what finishes in memory, and goes on by itself when there is room",
                self.tape.parent,
                error.strerror,
            )
        until = self.clock() + max(0.0, min(PATIENCE, self.left()))
        with self.interrupt.waiting():
            reports = self.pool.collect(max(0.0, until - self.clock()))
            self._messages.extend(reports)
            if not reports and (rest := until - self.clock()) > 0:
                self.sleep(rest)

    def _refuse_to_wait(self, error: OSError) -> None:
        ended_by = self.interrupt.name or ("the end of its duration" if self.left() <= 0 else "")
        if not ended_by:
            return
        kept = [m.tid for m in self._messages if isinstance(m, Finished) and m.tid in self.running]
        raise TapeError(
            f"{self.tape}: {error.strerror}, and {ended_by} does not wait for room: {_loss(kept)}; make room, then "
            "restore the run",
            path=self.tape,
        )

    def over(self) -> None:
        """Ends the pause, if there was one, as a write succeeded."""
        if self._paused_at is not None:
            seconds, self._paused_at = self.clock() - self._paused_at, None
            warn(
                "%s: there is room again: the run goes on after a pause of %s",
                self.tape.parent,
                format_seconds(seconds),
            )


def _loss(tids: Sequence[int]) -> str:
    """Returns a text that says what happens to the results of these trials, which are only in memory."""
    if not tids:
        return "all that finished is on the tape"
    what, them = ("the results of trials", "them") if len(tids) > 1 else ("the result of trial", "it")
    return f"{what} {listed(tids)} could not be written, and a restore evaluates {them} again"
