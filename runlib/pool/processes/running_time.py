"""Provides a clock that stops while this process is stopped by SIGSTOP, frozen with its container, or starved.

The workers were then most likely stopped too, so the limits of trials are measured by this clock. A wait that takes
longer than planned shows that the process was stopped. Between two waits the manager may have been busy or stopped, and
nothing distinguishes the two for sure; see ``unseen``.
"""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["LOOK", "RunningTime"]

SLACK = 0.25  # seconds by which a busy machine may wake a process late
LOOK = 0.1  # longest wait in seconds while a limit counts; a stop is known to this precision


class RunningTime:
    """Measures the seconds for which this process ran.

    Attributes:
        unseen: The seconds before the latest wait in which the process neither computed nor waited for its workers.

    Args:
        clock: A monotonic clock in seconds.
        computed: A function that returns the computing time of this process in seconds.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, computed: Callable[[], float] = time.process_time
    ) -> None:
        self._clock, self._computed = clock, computed
        self._stood = self.unseen = 0.0
        self._left = clock(), computed()

    def __call__(self) -> float:
        """Returns the time now. Only differences of it have a meaning."""
        return self._clock() - self._stood

    def arrive(self) -> None:
        """Computes ``unseen`` when the process returns to its workers."""
        clock, computed = self._left
        unseen = (self._clock() - clock) - (self._computed() - computed)
        self.unseen = unseen if unseen > SLACK else 0.0

    def waited(self, seconds: float, since: float) -> None:
        """Takes the excess of a wait off the clock. It was to take ``seconds``, and began at ``since``."""
        over = self() - since - seconds
        if over > SLACK:
            self._stood += over

    def leave(self) -> None:
        """Notes that the process turns to other work."""
        self._left = self._clock(), self._computed()
