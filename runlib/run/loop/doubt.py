"""Delays errors that may be caused by a signal that ends the whole job, until it is clear whether the run ends too.

All processes of a job get such a signal, one after the other, and SIGKILL may follow. So a worker may be lost, or an
evaluation fail, before the manager gets the signal. An error that was put on the tape then would count as a failed
trial, which is never tried again. So such an error becomes a result only if the run still continues a moment later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from runlib.pool.base import Finished

__all__ = ["Doubtful"]

HOLD = 1.0  # seconds for which an error is delayed


class Doubtful:
    """Holds the errors that are delayed.

    Args:
        clock: A monotonic clock in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: deque[tuple[float, Finished]] = deque()

    def hold(self, message: Finished) -> None:
        """Delays an error."""
        self._held.append((self._clock() + HOLD, message))

    def ripe(self) -> list[Finished]:
        """Returns the errors that were delayed for long enough, and forgets them."""
        ripe = []
        while self._held and self._held[0][0] <= self._clock():
            ripe.append(self._held.popleft()[1])
        return ripe
