"""Handles workers that are lost in a row: the run pauses, longer each time, and ends only if going on is pointless.

Memory that other programs use, a device that hangs, or a machine in trouble may kill workers for a while. So a run that
has succeeded before continues after a pause. It ends if nothing succeeded since it was opened, or if one trial kills
its worker every time. Workers that are lost at the same moment count as one loss, because trials that began before the
first loss tell nothing new.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

__all__ = ["Losses"]

MOST = 5  # losses in a row before the run pauses or ends
LONGEST = 60.0  # seconds of a pause, at most

log = logging.getLogger("runlib")


class Losses:
    """Counts the losses in a row of one session.

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
        """Returns the seconds for which nothing may be started; 0 if there is no pause."""
        return max(0.0, self._until - self._clock())

    def survived(self, ok: bool) -> None:
        """Ends the row of losses, as a worker reported a result."""
        self._succeeded |= ok
        self._until = float("-inf")
        self._clear()

    def lost_with_trial(self, tid: int, running: set[int], reason: str) -> str | None:
        """Counts a worker that was lost with its trial; returns the reason to end the run, or None.

        Args:
            tid: The number of the trial.
            running: The trials that were handed to the pool, including this one.
            reason: A text for the user that says how the worker ended.
        """
        if not self._count:
            self._before = running - {tid}
        counts = tid not in self._before
        self._before.discard(tid)
        if counts:
            self._trials.append(tid)
        return self._count_one(reason, counts)

    def lost_alone(self, slot: int, running: set[int], reason: str) -> str | None:
        """Counts a worker without a trial that was lost in a slot; returns the reason to end the run, or None."""
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
