"""Translates spaces of Maggy: ``{name: (TYPE, [...])}`` and its ``Searchspace``.

``DOUBLE`` and ``INTEGER`` take two bounds, both included, the lower below the upper. All integers are equally likely.
``CATEGORICAL`` takes options, and ``DISCRETE`` takes options in their order. The case of the type does not matter, and
a list may replace the tuple. The source is ``maggy/searchspace.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runlib.engine.arguments import known_arguments
from runlib.engine.data.native import native
from runlib.errors import SpaceError
from runlib.space.dialects.base import canonical, is_number, is_own, options, own, source, table, typed
from runlib.space.typed.alternatives import Categorical, Ordinal
from runlib.space.typed.quantities import Float, Integer

__all__ = ["from_maggy"]

WRITTEN = "a dict {name: (TYPE, [...])} or a Searchspace"
TYPES = {"CATEGORICAL": Categorical, "DISCRETE": Ordinal, "DOUBLE": Float, "INTEGER": Integer}


@known_arguments
def from_maggy(space: Any) -> Any:
    """Returns the canonical form of a space of Maggy.

    Args:
        space: A dict ``{name: (TYPE, [...])}``, a ``maggy.Searchspace`` (or any object with its ``to_dict`` or
            ``items``), or a file that holds such a dict.

    Raises:
        SpaceError: Something in the space is wrong. The path names the place.
    """
    return canonical(table(native(_pairs(source(space, "maggy"))), "maggy", _parameter, WRITTEN))


def _pairs(space: Any) -> Any:
    if isinstance(space, Mapping):
        return space
    if callable(getattr(space, "to_dict", None)):
        return space.to_dict()
    if not callable(getattr(space, "items", None)):
        return space
    # The items of a Searchspace are dicts {"name", "type", "values"}. Those of other objects are pairs.
    items = [(i["name"], (i["type"], i["values"])) if isinstance(i, Mapping) else tuple(i) for i in space.items()]
    return dict(items)


def _parameter(given: Any, path: str) -> Any:
    if is_own(given):
        return own(given, path)
    if not isinstance(given, list | tuple) or len(given) != 2 or not isinstance(given[0], str):
        raise SpaceError(f"is written (TYPE, [...]), TYPE being one of {', '.join(TYPES)}, got {given!r}", path)
    name, values = given[0].upper(), given[1]
    if name not in TYPES:
        raise SpaceError(f"unknown type {given[0]!r}; known are {', '.join(TYPES)}", path)
    if name in ("CATEGORICAL", "DISCRETE"):
        return typed(path, TYPES[name], options(values, path, name))
    return typed(path, TYPES[name], *_bounds(name, values, path))


def _bounds(name: str, values: Any, path: str) -> tuple[Any, Any]:
    if not isinstance(values, list | tuple) or len(values) != 2:
        raise SpaceError(f"{name} takes two bounds, [lower, upper], got {values!r}", path)
    for value in values:
        if not is_number(value) or (name == "INTEGER" and not isinstance(value, int)):
            noun = "integers" if name == "INTEGER" else "numbers"
            raise SpaceError(f"the bounds of {name} are {noun}, got {value!r}", path)
    if not values[0] < values[1]:
        raise SpaceError(
            f"the lower bound of {name} must be below the upper, got {values[0]!r} and {values[1]!r}", path
        )
    return values[0], values[1]
