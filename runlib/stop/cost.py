"""Implements ``stop_cost``, which ends a run when its evaluations have cost enough.

The cost is the sum of the returned ``cost`` values, in any unit. A reused result costs nothing again. Trials that
already run when the limit is reached may still add to the sum.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runlib.state.state import State
from runlib.stop.arguments import check_positive
from runlib.stop.base import Stop

__all__ = ["StopCost"]


class StopCost(Stop):
    """Ends a run once the summed ``cost`` of the evaluations has reached ``limit``.

    Args:
        limit: The limit in the unit of the costs, above 0.
        context: Not used.
    """

    kind = "stop_cost"
    also_called = ("max_cost", "cost_budget", "total_cost")

    def __init__(self, limit: float, context: Mapping[str, Any] | None = None) -> None:
        super().__init__(context)
        self.limit = check_positive(limit, "limit")

    def done(self, state: State) -> bool:
        """Returns whether the limit is reached."""
        return state.total_cost >= self.limit

    def short_report(self, state: State) -> str:
        """Returns a sentence like ``Summed cost: 12.5/100.``"""
        return f"Summed cost: {state.total_cost:g}/{self.limit:g}."
