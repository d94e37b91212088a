"""Stop once the evaluations cost enough: the sum of what they returned as ``cost``, in whatever unit.

A reused result costs nothing again. Trials that run already when the limit is reached may still add to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runlib.state.state import State
from runlib.stop.arguments import check_positive
from runlib.stop.base import Stop

__all__ = ["StopCost"]


class StopCost(Stop):
    """Stop once the summed ``cost`` of the evaluations is at ``limit``.

    Args:
        limit: In the unit of the costs, above 0.
        context: Not used.
    """

    kind = "stop_cost"
    also_called = ("max_cost", "cost_budget", "total_cost")

    def __init__(self, limit: float, context: Mapping[str, Any] | None = None) -> None:
        super().__init__(context)
        self.limit = check_positive(limit, "limit")

    def done(self, state: State) -> bool:
        """Whether the limit is reached."""
        return state.total_cost >= self.limit

    def short_report(self, state: State) -> str:
        """``Summed cost: 12.5/100.``"""
        return f"Summed cost: {state.total_cost:g}/{self.limit:g}."
