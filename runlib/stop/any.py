"""Stop as soon as one of several stops is satisfied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runlib.state.state import State
from runlib.stop.base import Stop
from runlib.stop.nested import build_stops, report_stops

__all__ = ["StopAny"]


class StopAny(Stop):
    """Stop once any of ``stops`` is done.

    Args:
        stops: At least one stop, each an object or a config.
        context: Passed on to them.
    """

    kind = "stop_any"

    def __init__(self, stops: Sequence[Any], context: Mapping[str, Any] | None = None) -> None:
        super().__init__(context)
        self.stops = build_stops(self, stops)

    def done(self, state: State) -> bool:
        """Whether one of them is done."""
        return any(stop.done(state) for stop in self.stops)

    def room(self, state: State) -> float:
        """The least room: more results than that are of no use to the first that is reached."""
        return 0 if self.done(state) else min(stop.room(state) for stop in self.stops)

    def short_report(self, state: State) -> str:
        """``Any of (Counted trials: 17/100; Best loss: 0.52, good enough at 0.1).``"""
        return report_stops("Any of", self.stops, state)
