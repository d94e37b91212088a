"""Implements ``stop_no_progress``, which ends a run when the incumbent has not changed for a number of trials.

The number is exact for any number of workers: no more trials run than would complete the count if none of them were
better. With more workers than ``count``, some are therefore idle.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runlib.state.state import State
from runlib.stop.arguments import check_whole
from runlib.stop.base import Stop

__all__ = ["StopNoProgress"]


class StopNoProgress(Stop):
    """Ends a run once ``count`` trials in a row finished without a loss better than the best one.

    Failed trials count, because they bring no progress either.

    Args:
        count: The number of trials, at least 1.
        context: Not used.
    """

    kind = "stop_no_progress"
    also_called = (
        "patience",
        "early_stopping",
        "early_stop",
        "no_improvement",
        "plateau",
        "stagnation",
        "convergence",
        "stall",
    )

    def __init__(self, count: int, context: Mapping[str, Any] | None = None) -> None:
        super().__init__(context)
        self.count = check_whole(count, "count")

    def done(self, state: State) -> bool:
        """Returns whether enough trials passed since the incumbent was found."""
        return state.since_best >= self.count

    def room(self, state: State) -> float:
        """Returns how many more trials without progress end the run."""
        return max(0, self.count - state.since_best)

    def short_report(self, state: State) -> str:
        """Returns a sentence like ``Trials without progress: 7/50.``"""
        return f"Trials without progress: {state.since_best}/{self.count}."
