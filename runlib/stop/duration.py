"""Implements ``stop_duration``, which ends a run after a time; pauses between its sessions do not count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runlib.state.state import State
from runlib.stop.arguments import check_positive
from runlib.stop.base import Stop

__all__ = ["StopDuration"]


class StopDuration(Stop):
    """Ends a run once its sessions have lasted ``duration`` in all.

    Args:
        duration: The time in minutes, above 0.
        context: Not used.
    """

    kind = "stop_duration"
    also_called = (
        "timeout",
        "time",
        "max_time",
        "time_limit",
        "time_budget",
        "time_budget_s",
        "walltime",
        "wall_time",
        "runtime",
        "seconds",
        "minutes",
    )

    @classmethod
    def _where_instead(cls, word: str) -> str:
        unit = word.lower().partition("_")[0].rstrip("s")
        how = {
            "second": "seconds / 60",
            "sec": "seconds / 60",
            "hour": "60 * hours",
            "h": "60 * hours",
            "day": "1440 * days",
        }
        return f"it takes minutes: StopDuration({how[unit]})" if unit in how else super()._where_instead(word)

    def __init__(self, duration: float, context: Mapping[str, Any] | None = None) -> None:
        super().__init__(context)
        self.duration = check_positive(duration, "duration")

    def done(self, state: State) -> bool:
        """Returns whether the time is over."""
        return state.runtime >= self.duration * 60

    def short_report(self, state: State) -> str:
        """Returns a sentence like ``Runtime in minutes: 3.2/10.``"""
        return f"Runtime in minutes: {state.runtime / 60:.1f}/{self.duration:g}."
