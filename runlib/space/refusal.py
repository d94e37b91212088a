"""Explains what a space cannot hold, such as a class, a function, a path or a date, and what to write instead."""

from __future__ import annotations

import datetime
import enum
import inspect
from pathlib import PurePath
from typing import Any

from runlib.engine.data.native import is_numpy
from runlib.engine.data.plain import NotPlain
from runlib.errors import SpaceError

__all__ = ["refused", "told"]

NAMED = "give it a name, and look the name up in your function"
WAYS: tuple[tuple[tuple[type, ...], str], ...] = (
    ((PurePath,), "write it as text, and make the path of it in your function"),
    ((datetime.date, datetime.time), "write its isoformat(), and read that in your function"),
    ((datetime.timedelta,), "write its total_seconds(), and make the timedelta of it in your function"),
    ((set, frozenset), "write a sorted list, and make the set of it in your function"),
    ((bytes, bytearray), "write it as text, and encode that in your function"),
    ((complex,), "write a list of its real and its imaginary part"),
)


def refused(error: NotPlain, path: str = "") -> SpaceError:
    """Returns the error that a space raises for a value that is not data."""
    found = SpaceError(told(error), error.path)
    return found.under(path) if path else found


def told(error: NotPlain) -> str:
    """Returns the reason in terms of a user who writes a space."""
    value = error.value
    if value is None or is_numpy(value) or isinstance(value, enum.Enum):
        return error.reason
    if callable(getattr(value, "to_data", None)) and not isinstance(value, type):
        return f"is no data, but a parameter, {value!r}; for options that vary take Choice([...])"
    return f"is {_named(value)}, and a space holds data: {_way(value)}"


def _named(value: Any) -> str:
    name = str(getattr(value, "__name__", ""))
    if isinstance(value, type):
        return f"the class {name}"
    if inspect.isroutine(value):
        return "a lambda" if name == "<lambda>" else f"the function {name}"
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'AEIOaeio' else 'a'} {kind}"


def _way(value: Any) -> str:
    return next((way for kinds, way in WAYS if isinstance(value, kinds)), NAMED)
