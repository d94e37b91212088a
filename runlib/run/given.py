"""Defines the types that a run accepts for its settings; ``settings`` reduces them to plainer ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from numbers import Real
from typing import Any, Literal

from runlib.engine.component import Component
from runlib.errors import ConfigError
from runlib.evaluator.base import Evaluator
from runlib.search.base import Search
from runlib.state.state import Direction
from runlib.stop.base import Stop

__all__ = ["AnyDirection", "AnyStop", "Exceptional", "Exceptions", "check_places"]

Exceptional = str | type[BaseException]
Exceptions = Collection[Exceptional] | Exceptional
AnyDirection = Direction | Literal["minimize", "maximize"]
AnyStop = Stop | Mapping[str, Any] | int | Sequence[Any]

PLACES = ("search", "evaluator", "stop")
ORDER = "Run(search, evaluator, stop), such as Run(Hyperopt(space), evaluate, StopMax(100))"


def check_places(search: Any, evaluator: Any, stop: Any) -> None:
    """Checks that the three parts of a run are given, each in its own place.

    Raises:
        ConfigError: A part is missing, or is clearly meant for another place; the message shows the right order.
    """
    for place, given in zip(PLACES, (search, evaluator, stop), strict=True):
        if given is ...:
            by_hand = "; None is for a run that is driven by hand" if place == "evaluator" else ""
            raise ConfigError(f"is missing{by_hand}: {ORDER}", place)
        meant = _meant_as(given)
        if meant not in (None, place):
            raise ConfigError(f"got what is meant as the {meant}, {_shown(given)}: it is {ORDER}", place)


def _meant_as(given: Any) -> str | None:
    """Returns the place that the given value is meant for; None where that is in doubt."""
    families = ((Search, "search"), (Stop, "stop"), (Evaluator, "evaluator"))
    if isinstance(given, Component):
        return next((place for family, place in families if isinstance(given, family)), None)
    if isinstance(given, Real):
        return "stop"
    is_name = isinstance(given, str) and ":" in given and " " not in given and "{" not in given
    return "evaluator" if is_name or (callable(given) and not isinstance(given, type)) else None


def _shown(given: Any) -> str:
    name = getattr(given, "__name__", None)
    return name if isinstance(name, str) else repr(given)[:80]
