"""A disk without room pauses a run: nothing is suggested, what finishes is kept in memory, and it goes on by itself.

The pause happens in the middle of a write, so that the order of the tape knows nothing of it: what the workers report
meanwhile is dealt with after the turn that was interrupted, as if it had arrived then. A signal or the end of the
duration ends the waiting, and it is said which finished trials are not on the tape.
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

PATIENCE = 0.5  # seconds between two tries to write

log = logger("runlib.pause")


def warn(text: str, *values: object) -> None:
    """Log a warning about a full disk."""
    # A handler may print to a file on that very disk; what it does not take is no reason to end the run.
    with contextlib.suppress(OSError):
        log.warning(text, *values)


@dataclass
class Arrivals:
    """What the pool reported and the loop has not dealt with yet.

    Args:
        tape: The file that is written.
        pool: Where the reports come from.
        interrupt: Whether somebody wants the run to end.
        running: The trials that are being evaluated, as the loop keeps them.
        left: Seconds until the end of the duration.
        clock: A monotonic clock in seconds.
        sleep: Waits so many seconds, where the pool does not.
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
        """The reports of one turn; each counts as dealt with when the next one is asked for.

        Args:
            patience: Seconds to wait for the first one.

        Raises:
            KeyboardInterrupt: A second SIGINT came meanwhile.
        """
        insisted = None if self._messages else self._fetch(self.pool.collect, patience)
        yield from self._deal_with(len(self._messages))  # not with those that a pause adds behind them
        if insisted is not None:
            raise insisted

    def rest(self, patience: float) -> Iterator[Finished | Lost]:
        """All that is left when the loop has turned for the last time, as with ``turn``.

        Args:
            patience: Seconds that workers get to end by themselves.

        Raises:
            KeyboardInterrupt: A second SIGINT came meanwhile.
        """
        insisted = self._fetch(self.pool.drain, patience)
        while self._messages:
            yield from self._deal_with(len(self._messages))
        if insisted is not None:
            raise insisted

    def _fetch(self, source: Callable[[float], list[Finished | Lost]], patience: float) -> KeyboardInterrupt | None:
        """Take reports; a second SIGINT does not wait, and is returned."""
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
        """Wait a moment, keeping what the pool reports; then it is worth trying again.

        Args:
            error: How the disk said that it is full.

        Raises:
            TapeError: The run is to end, by a signal or because its duration is over.
            KeyboardInterrupt: A second SIGINT came meanwhile.
        """
        self._refuse_to_wait(error)
        self.pause(error)

    def pause(self, error: OSError) -> None:
        """The same where the run may as well end meanwhile, as nothing is half written.

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
        """A record was written; if there was a pause it has ended."""
        if self._paused_at is not None:
            seconds, self._paused_at = self.clock() - self._paused_at, None
            warn(
                "%s: there is room again: the run goes on after a pause of %s",
                self.tape.parent,
                format_seconds(seconds),
            )


def _loss(tids: Sequence[int]) -> str:
    """What becomes of the results of these trials, which nothing but the memory holds."""
    if not tids:
        return "all that finished is on the tape"
    what, them = ("the results of trials", "them") if len(tids) > 1 else ("the result of trial", "it")
    return f"{what} {listed(tids)} could not be written, and a restore evaluates {them} again"
