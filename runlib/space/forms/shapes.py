"""Tuples, and dicts whose keys are no text, as a space writes them down: a config has lists and text keys alone.

``["hp_tuple", item, ...]`` is a tuple and ``["hp_dict", [key, value], ...]`` a dict with any keys that are texts,
numbers, truth values or None. They may stand wherever data may stand, in options and constants too; items and values
outside of these may vary.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runlib.engine.data.plain import MAX_DEPTH, NotPlain
from runlib.engine.data.shape import shaped

__all__ = ["DICT", "SHAPES", "TUPLE", "as_dict", "decoded", "encoded", "has_texts", "pairs_of", "without_tuples"]

TUPLE, DICT = "hp_tuple", "hp_dict"
SHAPES = (TUPLE, DICT)


def has_texts(value: Mapping[Any, Any]) -> bool:
    """Whether all keys are texts."""
    return all(isinstance(key, str) for key in value)


def encoded(value: Any) -> Any:
    """Shaped data as a space writes them down: plain data."""
    if isinstance(value, dict):
        inner = {key: encoded(item) for key, item in value.items()}
        return inner if has_texts(value) else [DICT, *map(list, inner.items())]
    if isinstance(value, list | tuple):
        items = [encoded(item) for item in value]
        return [TUPLE, *items] if isinstance(value, tuple) else items
    return value


def decoded(data: Any, depth: int = 0) -> Any:
    """Data with the shape that is written down in them; tuples and keys that are there already stay.

    Raises:
        NotPlain: A dict is written wrongly, or something is no data.
    """
    if depth > MAX_DEPTH:
        raise NotPlain(f"is nested deeper than {MAX_DEPTH} levels, or contains itself")
    if isinstance(data, dict):
        return shaped({key: _inner(item, key, depth) for key, item in data.items()})
    if not isinstance(data, list | tuple):
        return shaped(data)
    if isinstance(data, list) and data and isinstance(data[0], str) and data[0] in SHAPES:
        name, *rest = data
        if name == TUPLE:
            return tuple(_inner(item, place, depth) for place, item in enumerate(rest))
        return shaped({key: _inner(item, key, depth) for key, item in as_dict(rest).items()})
    items = [_inner(item, place, depth) for place, item in enumerate(data)]
    return tuple(items) if isinstance(data, tuple) else items


def _inner(data: Any, place: Any, depth: int) -> Any:
    try:
        return decoded(data, depth + 1)
    except NotPlain as error:
        raise error.under(str(place)) from None


def as_dict(pairs: Any) -> dict[Any, Any]:
    """The dict that stands behind ``hp_dict``.

    Raises:
        NotPlain: It is written wrongly.
    """
    found: dict[Any, Any] = {}
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2 or isinstance(pair[0], list | dict):
            raise NotPlain(f'is written ["{DICT}", [key, value], ...], got {repr(pair)[:80]} for a pair')
        if pair[0] in found:
            raise NotPlain(f"has the key {pair[0]!r} twice")
        found[pair[0]] = pair[1]
    return found


def without_tuples(data: Any) -> Any:
    """A config in which tuples are lists, as all of them were before they had a form."""
    if isinstance(data, dict):
        return {key: without_tuples(item) for key, item in data.items()}
    if isinstance(data, list):
        return [without_tuples(item) for item in (data[1:] if data[:1] == [TUPLE] else data)]
    return data


def pairs_of(value: Mapping[Any, Any]) -> list[Any]:
    """The form of a dict whose values are written down already.

    Raises:
        NotPlain: It has a key that none of the forms can hold.
    """
    keys = [*shaped(dict.fromkeys(value))]
    return [DICT, *([key, item] for key, item in zip(keys, value.values(), strict=True))]
