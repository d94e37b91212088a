"""Implements ``stop_all``, which ends a run only when all of several stops are satisfied at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runlib.engine.arguments import listed
from runlib.engine.component import to_config
from runlib.state.state import State
from runlib.stop.base import Stop
from runlib.stop.nested import build_stops, report_stops

__all__ = ["StopAll"]


class StopAll(Stop):
    """Ends a run once every one of ``stops`` is done.

    Args:
        stops: The stops, at least one, each an object or a config: in a list, or one by one.
        more: The further stops.
        context: The context for the stops.
    """

    kind = "stop_all"
    also_called = ("and", "both")

    def __init__(self, stops: Any, *more: Any, context: Mapping[str, Any] | None = None) -> None:
        super().__init__(context)
        self.stops = build_stops(self, listed("stops", stops, more))

    def _get_config(self) -> dict[str, Any]:
        return {"stops": to_config(self.stops)}

    def done(self, state: State) -> bool:
        """Returns whether all of them are done."""
        return all(stop.done(state) for stop in self.stops)

    def room(self, state: State) -> float:
        """Returns the largest room among those not yet done, because each of them needs its results."""
        return max((stop.room(state) for stop in self.stops if not stop.done(state)), default=0)

    def short_report(self, state: State) -> str:
        """Returns a sentence like ``All of (Counted trials: 17/100; Best loss: 0.52, good enough at 0.1).``"""
        return report_stops("All of", self.stops, state)
