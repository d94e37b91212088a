"""Implements ``stop_loss``, which ends a run once the best loss is good enough."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runlib.state.state import State
from runlib.stop.arguments import check_number
from runlib.stop.base import Stop

__all__ = ["StopLoss"]


class StopLoss(Stop):
    """Ends a run once a trial has a loss of ``threshold`` or better: less, or more if the run maximises.

    Args:
        threshold: The loss that is good enough, in its own unit.
        context: Not used.
    """

    kind = "stop_loss"
    also_called = ("threshold", "target", "goal", "loss_threshold", "min_loss", "best", "max_score")

    def __init__(self, threshold: float, context: Mapping[str, Any] | None = None) -> None:
        super().__init__(context)
        self.threshold = check_number(threshold, "threshold")

    def done(self, state: State) -> bool:
        """Returns whether the incumbent is as good as the threshold."""
        return state.best is not None and not state.is_better(self.threshold, state.best.loss)

    def short_report(self, state: State) -> str:
        """Returns a sentence like ``Best loss: 0.52, good enough at 0.1.``"""
        best = "none yet" if state.best is None else f"{state.best.loss:g}"
        return f"Best loss: {best}, good enough at {self.threshold:g}."
