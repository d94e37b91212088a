"""Errors that may come of a signal by which somebody ends the whole job: they wait until it is clear that nobody does.

All processes of a job get such a signal, one after the other, and SIGKILL may follow: a worker may be lost, or the
evaluation fail, before the manager hears of anything. What is put on the tape then would count as a failed trial, and
be never tried again. So such an error is a result only if the run still goes on a moment later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from runlib.pool.base import Finished

__all__ = ["Doubtful"]

HOLD = 1.0  # seconds


class Doubtful:
    """The errors that wait.

    Args:
        clock: A monotonic clock in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: deque[tuple[float, Finished]] = deque()

    def hold(self, message: Finished) -> None:
        """Let one wait."""
        self._held.append((self._clock() + HOLD, message))

    def ripe(self) -> list[Finished]:
        """Those that waited for long enough; they wait no more."""
        ripe = []
        while self._held and self._held[0][0] <= self._clock():
            ripe.append(self._held.popleft()[1])
        return ripe
