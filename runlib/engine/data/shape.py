"""Stores the differences that Python makes in data and JSON does not: tuples and lists, the key 0 and the key "0".

A suggestion reaches the evaluator as the search space defines it: ``(1, 2)`` as a tuple, ``{0: 1}`` with a number as
its key. On the tape it is plain data, with lists and text keys. If it differs from that, its *shape* is stored beside
it: a list of ``[place, "tuple"]`` and ``[place, [key, ...]]``, the inner entries first. A place is the list of the keys
and numbers that lead to a value. A reader that does not know shapes skips the shape and sees lists. The shape does not
affect whether two suggestions count as the same evaluation.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from runlib.engine.data.native import is_column, listed
from runlib.engine.data.plain import MAX_DEPTH, NotPlain, plain

__all__ = ["Shape", "flat", "key_text", "rekeyed", "reshaped", "shape_of", "shaped"]

Shape = list[list[Any]]

_SCALARS = frozenset({str, int, float, bool, type(None)})
TUPLE = "tuple"
WAY_OUT = "write a list of [key, value], and make the dict of it in your function"


def shaped(value: Any, depth: int = 0) -> Any:
    """Returns a deep copy of ``value`` as plain data, except that tuples and keys that are not text stay as they are.

    Raises:
        NotPlain: The value holds something that is not data, or a key that is not text, a number, a truth value or
            None. The message names the place and the type.
    """
    kind = type(value)
    if kind is float or kind is bool or value is None:
        return value
    if kind is str or kind is int:
        return plain(value)
    if depth > MAX_DEPTH:
        raise NotPlain(f"is nested deeper than {MAX_DEPTH} levels, or contains itself")
    if isinstance(value, dict):
        return _dict(value, depth)
    if isinstance(value, list | tuple):
        items = _items(value, depth)
        return tuple(items) if isinstance(value, tuple) else items
    return _items(listed(value), depth) if is_column(value) else plain(value)


def _items(items: Iterable[Any], depth: int) -> list[Any]:
    found = []
    for place, item in enumerate(items):
        try:
            found.append(shaped(item, depth + 1))
        except NotPlain as error:
            raise error.under(str(place)) from None
    return found


def _dict(value: dict[Any, Any], depth: int) -> dict[Any, Any]:
    found = {}
    for key, item in value.items():
        own = key if type(key) is str and key.isascii() else _key(key)
        try:
            found[own] = shaped(item, depth + 1)
        except NotPlain as error:
            raise error.under(str(own)) from None
    if any(type(key) is not str for key in found) and len({key_text(key) for key in found}) < len(value):
        raise NotPlain(f"has two keys that are written alike, got {', '.join(map(repr, value))[:80]}; {WAY_OUT}")
    return found


def _key(key: Any) -> Any:
    try:
        found = key if isinstance(key, tuple) else plain(key)
    except NotPlain:
        found = key
    if type(found) not in _SCALARS or (isinstance(found, float) and not math.isfinite(found)):
        raise NotPlain(f"keys must be text or numbers, got {repr(key)[:80]} of type {type(key).__name__}; {WAY_OUT}")
    return found


def key_text(key: Any) -> str:
    """Returns the text of a key on the tape.

    Raises:
        TypeError: The key cannot stand on a tape.
    """
    if isinstance(key, str):
        return key
    if type(key) not in _SCALARS:
        raise TypeError(f"a key of type {type(key).__name__} is no data")
    return {True: "true", False: "false"}[key] if isinstance(key, bool) else "null" if key is None else repr(key)


def flat(value: Any) -> Any:
    """Converts a result of ``shaped`` to plain data, with tuples as lists and keys as text."""
    kind = type(value)
    if kind is dict:
        return {key_text(key): item if type(item) in _SCALARS else flat(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [item if type(item) in _SCALARS else flat(item) for item in value]
    return value


def shape_of(value: Any) -> Shape | None:
    """Returns what ``flat`` loses of ``value``; None if it loses nothing."""
    if not _has_shape(value):
        return None
    found: Shape = []
    _note(value, [], found)
    return found


def _has_shape(value: Any) -> bool:
    """Returns whether ``value`` has a shape. It must be fast, since it runs for every suggestion that is written."""
    kind = type(value)
    if kind is dict:
        for key, item in value.items():
            if type(key) is not str or (type(item) not in _SCALARS and _has_shape(item)):
                return True
        return False
    return kind is tuple or (kind is list and any(type(item) not in _SCALARS and _has_shape(item) for item in value))


def _note(value: Any, place: list[Any], found: Shape) -> None:
    if type(value) is dict:
        as_they_are = True
        for key, item in value.items():
            as_they_are = as_they_are and type(key) is str
            if type(item) not in _SCALARS:
                _note(item, [*place, key_text(key)], found)
        if not as_they_are:
            found.append([place, list(value)])
    elif type(value) is list or type(value) is tuple:
        for number, item in enumerate(value):
            if type(item) not in _SCALARS:
                _note(item, [*place, number], found)
        if type(value) is tuple:
            found.append([place, TUPLE])


def reshaped(data: Any, shape: Shape | None) -> Any:
    """Restores the shape of plain data. The data is changed in place.

    Raises:
        ValueError: The shape does not fit the data.
    """
    root = [data]
    try:
        for place, what in shape or ():
            inside, last = root, 0
            for step in place:
                inside, last = inside[last], step
            inside[last] = _with(inside[last], what)
    except (LookupError, TypeError) as error:
        raise ValueError(f"the shape does not fit the suggestion ({error})") from error
    return root[0]


def _with(value: Any, what: Any) -> Any:
    if what == TUPLE and isinstance(value, list):
        return tuple(value)
    if isinstance(what, list) and isinstance(value, dict) and [*map(key_text, what)] == [*value]:
        return dict(zip(what, value.values(), strict=True))
    raise TypeError(f"{what!r} is no shape of a {type(value).__name__}")


def rekeyed(value: Any, keys: Iterable[Any]) -> Any:
    """Replaces text keys of a dict by the keys of ``keys`` that are written alike; other values stay unchanged."""
    wanted = {key_text(key): key for key in keys if type(key) is not str}
    if not wanted or not isinstance(value, Mapping):
        return value
    return {wanted.get(key, key) if type(key) is str else key: item for key, item in value.items()}
