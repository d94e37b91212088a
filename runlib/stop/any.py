"""Implements ``stop_any``, which ends a run as soon as one of several stops is satisfied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runlib.engine.arguments import listed
from runlib.engine.component import to_config
from runlib.state.state import State
from runlib.stop.base import Stop
from runlib.stop.nested import build_stops, report_stops

__all__ = ["StopAny"]


class StopAny(Stop):
    """Ends a run once any of ``stops`` is done.

    Args:
        stops: The stops, at least one, each an object or a config: in a list, or one by one.
        more: The further stops.
        context: The context for the stops.
    """

    kind = "stop_any"
    also_called = ("or", "either")

    def __init__(self, stops: Any, *more: Any, context: Mapping[str, Any] | None = None) -> None:
        super().__init__(context)
        self.stops = build_stops(self, listed("stops", stops, more))

    def _get_config(self) -> dict[str, Any]:
        return {"stops": to_config(self.stops)}

    def done(self, state: State) -> bool:
        """Returns whether one of them is done."""
        return any(stop.done(state) for stop in self.stops)

    def room(self, state: State) -> float:
        """Returns the least room, because more results are of no use to the stop that is reached first."""
        return 0 if self.done(state) else min(stop.room(state) for stop in self.stops)

    def short_report(self, state: State) -> str:
        """Returns a sentence like ``Any of (Counted trials: 17/100; Best loss: 0.52, good enough at 0.1).``"""
        return report_stops("Any of", self.stops, state)
