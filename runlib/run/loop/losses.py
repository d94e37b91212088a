"""Lost workers in a row: the run pauses, for longer with each of them, and ends only if it is to no purpose.

Memory that others take, a device that hangs or a machine in trouble kill workers for a while. So a run that has
succeeded before goes on after a pause. It ends where nothing succeeded since it was opened, or where one trial kills
its worker every time. Workers that are lost at one moment are one loss: of trials that began before the first one,
nothing is learned.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

__all__ = ["Losses"]

MOST = 5  # losses in a row before something is done about it
LONGEST = 60.0  # seconds

log = logging.getLogger("runlib")


class Losses:
    """The losses in a row of one session.

    Args:
        clock: A monotonic clock in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = float("-inf")
        self._succeeded = False
        self._clear()

    def _clear(self) -> None:
        self._count = 0
        self._trials: list[int] = []
        self._slots: set[int] = set()
        self._before: set[int] = set()

    @property
    def pause(self) -> float:
        """Seconds for which nothing is to be started; 0 if there is no pause."""
        return max(0.0, self._until - self._clock())

    def survived(self, ok: bool) -> None:
        """A worker reported a result."""
        self._succeeded |= ok
        self._until = float("-inf")
        self._clear()

    def lost_with_trial(self, tid: int, running: set[int], reason: str) -> str | None:
        """A worker was lost with its trial; returns why the run is to end, if it is.

        Args:
            tid: The trial.
            running: The trials that were handed over, this one among them.
            reason: How the worker ended, for people.
        """
        if not self._count:
            self._before = running - {tid}
        counts = tid not in self._before
        self._before.discard(tid)
        if counts:
            self._trials.append(tid)
        return self._count_one(reason, counts)

    def lost_alone(self, slot: int, running: set[int], reason: str) -> str | None:
        """The same for a worker that had no trial, in a slot."""
        if not self._count:
            self._before = set(running)
        counts = not self._count or slot in self._slots
        self._slots.add(slot)
        return self._count_one(reason, counts)

    def _count_one(self, reason: str, counts: bool) -> str | None:
        log.warning("a worker was lost: %s", reason)
        self._count += counts
        if self._count < MOST or not counts:
            return None
        if len(self._trials) >= MOST and len(set(self._trials[-MOST:])) == 1:
            return f"trial {self._trials[-1]} killed its worker {MOST} times in a row, the last time: {reason}; void it"
        if not self._succeeded:
            return f"{self._count} workers in a row were lost without a result, the last one: {reason}"
        seconds = min(LONGEST, 2.0 ** (self._count - MOST))
        self._until = self._clock() + seconds
        log.warning("%d workers in a row were lost: the next trial starts in %g s", self._count, seconds)
        return None
