"""Checks the settings of a run, and lists the differences between two configs.

Each error names the setting that is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from runlib.engine.data.native import native
from runlib.engine.names import check_name
from runlib.errors import ConfigError
from runlib.pool.settings import read_count, read_memory_limit
from runlib.run.exceptions import check_name_of
from runlib.state.state import Direction, Order

__all__ = [
    "CAUGHT",
    "CHANGEABLE",
    "DEFAULTS",
    "check_bool",
    "check_context",
    "check_direction",
    "check_duration",
    "check_names",
    "check_number",
    "check_objective",
    "check_order",
    "check_retries",
    "check_settings",
    "check_timeout",
    "differences",
    "known_settings",
    "native_context",
]

FOREVER = 1e9  # seconds, about 30 years; clocks and timers accept hardly more


PARTS = ("search", "evaluator", "stop")
CAUGHT = ("TimeoutError", "WorkerLost", "InvalidResult")


CHANGEABLE = ("stop", "trial_timeout", "caught_exceptions", "retries")  # settings that a later session may change


DEFAULTS: Mapping[str, Any] = {
    "objective": "loss",
    "direction": "min",
    "trial_timeout": None,
    "caught_exceptions": list(CAUGHT),
    "retries": {},
    "reuse": True,
    "order": "completed",
    "loss_on_error": None,
    "cost_on_error": None,
    "name": None,
    "description": None,
}


def check_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the settings of a run as they are stored; a setting that is not given has its default."""
    settings = {**DEFAULTS, **{name: native(value) for name, value in given.items()}}
    return {
        "objective": check_objective(settings["objective"]),
        "direction": check_direction(settings["direction"]),
        "trial_timeout": check_timeout(settings["trial_timeout"]),
        "caught_exceptions": check_names(settings["caught_exceptions"]),
        "retries": check_retries(settings["retries"]),
        "reuse": check_bool(settings["reuse"], "reuse"),
        "order": check_order(settings["order"]),
        "loss_on_error": check_number(settings["loss_on_error"], "loss_on_error"),
        "cost_on_error": check_number(settings["cost_on_error"], "cost_on_error"),
        "name": None if settings["name"] is None else check_name(settings["name"]),
        "description": settings["description"],
    }


def known_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the arguments of a run, as its tape records them; a part that is missing is None.

    Raises:
        ConfigError: This version does not know a setting, and so could not respect it.
    """
    for name in config:
        if name not in PARTS and name not in DEFAULTS:
            raise ConfigError("this version does not know this setting; a newer runlib wrote the tape", name[:80])
    return {**dict.fromkeys(PARTS), **config}


def check_timeout(value: Any) -> float | None:
    """Returns ``trial_timeout``: seconds above 0, or None."""
    value = native(value)
    if value is not None and not (_is_number(value) and value > 0):
        raise ConfigError(f"takes seconds above 0, or null, got {value!r}", "trial_timeout")
    return _limit(value)


def check_duration(value: Any) -> float | None:
    """Returns ``duration``: minutes above 0, or None."""
    value = native(value)
    if value is not None and not (_is_number(value) and value > 0):
        raise ConfigError(f"takes minutes above 0, got {value!r}", "duration")
    return _limit(value)


def _limit(value: float | None) -> float | None:
    """Returns a limit as a float; None for a limit that is too large to be reached."""
    return None if value is None or value > FOREVER else float(value)


def check_names(names: Any) -> list[str]:
    """Returns ``caught_exceptions`` as a list of names; takes exception classes, names, or a single one of either."""
    given = [names] if isinstance(names, type) or (isinstance(names, str) and names.isidentifier()) else names
    if isinstance(given, str | Mapping) or not isinstance(given, Collection):
        raise ConfigError(f"takes a list of exceptions or of their names, got {names!r}", "caught_exceptions")
    return [check_name_of(name, f"caught_exceptions.{place}") for place, name in enumerate(given)]


def check_retries(value: Any) -> dict[str, int]:
    """Returns ``retries``: the number of further attempts by the name of the exception; an empty dict for None."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ConfigError(f"takes names with numbers, such as {{WorkerLost: 1}}, got {value!r}", "retries")
    found = {check_name_of(name, "retries"): count for name, count in value.items()}
    for name, count in found.items():
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise ConfigError(f"takes a whole number of more attempts, got {count!r}", f"retries.{name}")
    return found


def check_bool(value: Any, name: str) -> bool:
    """Returns a flag, which must be True or False."""
    if not isinstance(value, bool):
        raise ConfigError(f"takes true or false, got {value!r}", name)
    return value


def check_number(value: Any, name: str) -> float | None:
    """Returns ``loss_on_error`` or ``cost_on_error``: a finite number, or None."""
    if value is None:
        return None
    if not _is_number(value) or not abs(value) < math.inf:
        raise ConfigError(f"takes a finite number, or null, got {value!r}", name)
    return float(value)


def check_order(value: Any) -> Order:
    """Returns ``order``, which says when the search is told of results."""
    if value == "suggested":
        return "suggested"
    if value != "completed":
        raise ConfigError(f"takes completed or suggested, got {value!r}", "order")
    return "completed"


def check_direction(value: Any) -> Direction:
    """Returns ``direction`` as ``"min"`` or ``"max"``; takes also synonyms such as ``"minimize"``."""
    word = str(getattr(value, "name", value)).lower()  # members of other tools' enumerations are named like this
    if word in ("min", "minimize", "minimise", "minimum"):
        return "min"
    if word not in ("max", "maximize", "maximise", "maximum"):
        raise ConfigError(f"takes min or max, got {value!r}", "direction")
    return "max"


def check_objective(value: Any) -> str:
    """Returns ``objective``, which is a key of the result."""
    if not isinstance(value, str) or not value:
        hint = "; what is evaluated is the second argument: Run(search, evaluator, stop)" if callable(value) else ""
        raise ConfigError(f"takes the name of a key of the result, got {value!r}{hint}", "objective")
    return value


def native_context(context: Any, names: Iterable[str]) -> Any:
    """Returns a context with these settings converted to Python's own types.

    All other entries are for components and stay as they are.
    """
    if not isinstance(context, Mapping):
        return context
    return {**context, **{name: native(context[name]) for name in names if name in context}}


def check_context(context: Mapping[str, Any]) -> None:
    """Checks the context of a run.

    Raises:
        ConfigError: A value is wrong; the message names its place.
    """
    if context["sync"] not in ("always", "interval", "never"):
        raise ConfigError(f"takes always, interval or never, got {context['sync']!r}", "context.sync")
    for name, low in (("ahead", 0), ("max_workers", 1)):
        value = context[name]
        optional = value is None and name == "max_workers"
        if not optional and (isinstance(value, bool) or not isinstance(value, int) or value < low):
            raise ConfigError(f"takes a whole number of at least {low}, got {value!r}", f"context.{name}")
    value = context["shutdown_duration"]
    if not (_is_number(value) and value >= 0):
        raise ConfigError(f"takes seconds, got {value!r}", "context.shutdown_duration")
    read_memory_limit(context)
    read_count(context, "max_trials_per_worker")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def differences(ours: Any, theirs: Any, path: str = "") -> Iterator[str]:
    """Yields a sentence for each difference between ``ours`` (the config on the tape) and ``theirs`` (the given)."""
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for key in [*ours, *(key for key in theirs if key not in ours)]:
            inner = f"{path}.{key}" if path else str(key)
            yield from differences(ours.get(key, "(nothing)"), theirs.get(key, "(nothing)"), inner)
    elif ours != theirs:
        yield f"at {path or 'its root'} the tape has {ours!r}, given was {theirs!r}"
