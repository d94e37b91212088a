"""Makes the stops inside another stop, and reports on them in one sentence."""

from __future__ import annotations

from typing import Any

from runlib.engine.component import Component
from runlib.errors import ConfigError
from runlib.state.state import State
from runlib.stop.base import Stop

__all__ = ["build_stops", "report_stops"]


def build_stops(owner: Component, stops: Any) -> list[Stop]:
    """Returns the nested stops, given as objects or configs, made with the context of their owner.

    Raises:
        ConfigError: The value is no list, an empty one, or one of its items is no stop; the path says which.
    """
    if not isinstance(stops, list | tuple):
        raise ConfigError(f"must be a list of stops, got {stops!r}", "stops")
    if not stops:
        raise ConfigError("must hold at least one stop, got an empty list", "stops")
    return [owner.build(f"stops.{index}", stop, Stop) for index, stop in enumerate(stops)]


def report_stops(title: str, stops: list[Stop], state: State) -> str:
    """Returns the reports of several stops as one sentence."""
    reports = [stop.short_report(state).rstrip(".") for stop in stops]
    return f"{title} ({'; '.join(reports)})."
