"""Encodes tuples and dicts whose keys are not text, since a config has only lists and text keys.

``["hp_tuple", item, ...]`` is a tuple. ``["hp_dict", [key, value], ...]`` is a dict whose keys are texts, numbers,
truth values or None. Both may stand wherever data may stand, also in options and constants. Elsewhere their items and
values may vary.
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
    """Returns whether all keys are text."""
    return all(isinstance(key, str) for key in value)


def encoded(value: Any) -> Any:
    """Encodes shaped data as plain data in the form of a space."""
    if isinstance(value, dict):
        inner = {key: encoded(item) for key, item in value.items()}
        return inner if has_texts(value) else [DICT, *map(list, inner.items())]
    if isinstance(value, list | tuple):
        items = [encoded(item) for item in value]
        return [TUPLE, *items] if isinstance(value, tuple) else items
    return value


def decoded(data: Any, depth: int = 0) -> Any:
    """Decodes tuples and keys in the form of a space. Tuples and keys that are decoded already stay unchanged.

    Raises:
        NotPlain: The form of a dict is wrong, or something is not data.
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
    """Returns the dict that an ``hp_dict`` form describes.

    Raises:
        NotPlain: The form is wrong.
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
    """Converts tuples in a config to lists, as they were before tuples had a form of their own."""
    if isinstance(data, dict):
        return {key: without_tuples(item) for key, item in data.items()}
    if isinstance(data, list):
        return [without_tuples(item) for item in (data[1:] if data[:1] == [TUPLE] else data)]
    return data


def pairs_of(value: Mapping[Any, Any]) -> list[Any]:
    """Returns the form of a dict whose values are encoded already.

    Raises:
        NotPlain: It has a key that no form can hold.
    """
    keys = [*shaped(dict.fromkeys(value))]
    return [DICT, *([key, item] for key, item in zip(keys, value.values(), strict=True))]
