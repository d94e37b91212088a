"""A clock that stands still while this process does: stopped by SIGSTOP, frozen with its container, or starved.

Then most likely its workers stood still too, so the limits of trials count on this clock. What tells it is a wait that
took longer than it was to take. Between two waits the manager may be busy or may have stood still, which nothing tells
apart for sure; see ``unseen``.
"""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["LOOK", "RunningTime"]

SLACK = 0.25  # seconds: a machine that is merely busy wakes a process later than it asked for
LOOK = 0.1  # seconds that a wait takes at most while a limit counts, so that little is unknown of when it stood still


class RunningTime:
    """The seconds for which this process ran.

    Attributes:
        unseen: Seconds before the latest wait in which the process neither computed nor waited for its workers.

    Args:
        clock: A monotonic clock in seconds.
        computed: Seconds of computing by this process.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, computed: Callable[[], float] = time.process_time
    ) -> None:
        self._clock, self._computed = clock, computed
        self._stood = self.unseen = 0.0
        self._left = clock(), computed()

    def __call__(self) -> float:
        """The time now; it has a meaning in comparison only."""
        return self._clock() - self._stood

    def arrive(self) -> None:
        """The process looks after its workers again."""
        clock, computed = self._left
        unseen = (self._clock() - clock) - (self._computed() - computed)
        self.unseen = unseen if unseen > SLACK else 0.0

    def waited(self, seconds: float, since: float) -> None:
        """A wait of ``seconds`` has ended that began at ``since``, on this clock."""
        over = self() - since - seconds
        if over > SLACK:
            self._stood += over

    def leave(self) -> None:
        """The process turns to something else."""
        self._left = self._clock(), self._computed()
