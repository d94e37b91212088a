"""Simplifies values of other libraries, recognised by the names and methods of classes; nothing is imported.

| value | becomes |
|---|---|
| array, tensor, index, column | list; the value itself if it has no dimensions; null if masked; text for times |
| series, data frame | list, dict of lists; a dict by index if it has an index of its own |
| date, time, timestamp | text in the form of ISO 8601; seconds for a span of time; null for no time |
| path, UUID, period, interval | text |
| decimal, fraction | float |
| complex number | ``{"real": ..., "imag": ...}`` |
| set, deque, range, view of a dict | list, sorted for a set |
| dataclass, member of an Enum | dict of its fields; its value |
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import fractions
import os
import sys
import uuid
from collections import deque
from collections.abc import Callable, Set
from typing import Any

from runlib.engine.data.plain import NotPlain

__all__ = ["simpler"]

_TEXTS = {"Period", "Interval", "DateOffset"}  # types of pandas


def simpler(value: Any) -> Any:
    """Returns something closer to data, to be converted further; the value itself if its type is not known here.

    Raises:
        NotPlain: The type is known, and the value is no data nevertheless.
        Exception: The error that the value's class raises when it is read.
    """
    if isinstance(value, type):
        return value
    return next((convert(value) for sort, convert in _SORTS if sort(value)), value)


def _is_of(value: Any, library: str) -> bool:
    """Returns whether a class of the value belongs to a library, by the name of its module."""
    return any(cls.__module__.partition(".")[0] == library for cls in type(value).__mro__)


# -- time -----------------------------------------------------------------------------------------


def _is_time(value: Any) -> bool:
    return isinstance(value, datetime.date | datetime.time | datetime.timedelta)


def _of_time(value: Any) -> Any:
    if value != value:  # NaT of pandas differs from itself.
        return None
    return value.total_seconds() if isinstance(value, datetime.timedelta) else value.isoformat()


# -- arrays ---------------------------------------------------------------------------------------


def _is_numpy(value: Any) -> bool:
    return _is_of(value, "numpy") and hasattr(value, "dtype") and hasattr(value, "tolist")


def _of_numpy(value: Any) -> Any:
    kind = value.dtype.kind
    if value.dtype.names:
        return {name: value[name] for name in value.dtype.names}
    if kind == "M":  # tolist() would give nanoseconds as integers.
        return _without_text(value.astype(str).tolist(), "NaT")
    if kind == "m":
        return (value / value.dtype.type(1, "s")).tolist()
    found = value.tolist()
    if kind == "S":
        return _decoded(found)
    if kind == "V":
        raise NotPlain("is no data, but bytes of a form that numpy knows; call .tobytes() to keep them")
    return found


def _without_text(value: Any, text: str) -> Any:
    if isinstance(value, list):
        return [_without_text(item, text) for item in value]
    return None if value == text else value


def _decoded(value: Any) -> Any:
    return [_decoded(item) for item in value] if isinstance(value, list) else value.decode()


def _is_pandas(value: Any) -> bool:
    return _is_of(value, "pandas")


def _of_pandas(value: Any) -> Any:
    name = type(value).__name__
    if name == "NAType":
        return None
    if name in _TEXTS:
        return str(value)
    if hasattr(value, "columns"):
        return _of_frame(value)
    if hasattr(value, "index") and not callable(value.index):
        return _by_index(value.index, value.tolist())
    return value.tolist() if hasattr(value, "tolist") else value


def _of_frame(value: Any) -> dict[Any, Any]:
    """Returns the columns by their names; if two share a name, all get a number, so that the caller loses none."""
    columns = [" ".join(map(str, name)) if isinstance(name, tuple) else name for name in value.columns]
    values = [value.iloc[:, place].tolist() for place in range(len(columns))]
    if len(set(columns)) < len(columns):
        columns = [f"{name} ({place})" for place, name in enumerate(columns)]
    return {name: _by_index(value.index, column) for name, column in zip(columns, values, strict=True)}


def _by_index(index: Any, values: list[Any]) -> Any:
    """Returns a list if the index only counts, else a dict; pairs if an index occurs twice."""
    keys = index.tolist()
    if keys == list(range(len(keys))):
        return values
    names = [" ".join(map(str, key)) if isinstance(key, tuple) else key for key in keys]
    if len(set(names)) < len(names):
        return [[key, value] for key, value in zip(keys, values, strict=True)]
    return dict(zip(names, values, strict=True))


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "shape") and any(hasattr(value, name) for name in ("tolist", "numpy", "__array__"))


def _of_tensor(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "numpy"):
        return value.numpy()
    return sys.modules["numpy"].asarray(value)


def _is_polars(value: Any) -> bool:
    return _is_of(value, "polars") and (hasattr(value, "to_list") or hasattr(value, "to_dict"))


def _of_polars(value: Any) -> Any:
    return value.to_list() if hasattr(value, "to_list") else value.to_dict(as_series=False)


# -- Python's own ---------------------------------------------------------------------------------


def _of_set(value: Any) -> list[Any]:
    items = list(value)
    try:
        return sorted(items)
    except TypeError:  # The items have several types.
        return sorted(items, key=lambda item: (type(item).__name__, repr(item)))


def _of_dataclass(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


_NUMBERS = (decimal.Decimal, fractions.Fraction)

_SORTS: list[tuple[Callable[[Any], bool], Callable[[Any], Any]]] = [
    (lambda value: isinstance(value, enum.Enum), lambda value: value.value),
    (_is_time, _of_time),
    (_is_numpy, _of_numpy),
    (_is_pandas, _of_pandas),
    (_is_polars, _of_polars),
    (_is_tensor, _of_tensor),
    (lambda value: isinstance(value, os.PathLike), lambda value: os.fsdecode(os.fspath(value))),
    (lambda value: isinstance(value, uuid.UUID), str),
    (lambda value: isinstance(value, _NUMBERS), float),
    (lambda value: isinstance(value, complex), lambda value: {"real": value.real, "imag": value.imag}),
    (lambda value: isinstance(value, Set), _of_set),
    (lambda value: isinstance(value, deque | range), list),
    (dataclasses.is_dataclass, _of_dataclass),
]
