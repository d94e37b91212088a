"""Translates spaces of AMLTK: tuples are ranges, lists are options, dicts are nested, and all else is constant.

A range of two integers gives integers, and any other range gives floats. Both bounds are included, and the lower is
below the upper. As YAML has no tuples, ``{range: [a, b]}`` below the root means a range. Options are data. A dict among
them is a sub-space, whose parameters exist only if it was chosen.
"""

from __future__ import annotations

from typing import Any

from runlib.engine.arguments import known_arguments
from runlib.errors import SpaceError
from runlib.space.dialects.base import (
    canonical,
    check_data,
    constant,
    is_number,
    is_own,
    options,
    own,
    source,
    table,
    typed,
)
from runlib.space.typed.alternatives import Categorical, Choice
from runlib.space.typed.quantities import Float, Integer

__all__ = ["from_amltk"]

WRITTEN = "a dict {name: (low, high) or [option, ...]}"


@known_arguments
def from_amltk(space: Any) -> Any:
    """Returns the canonical form of a space of AMLTK.

    Args:
        space: A dict of parameters, ``{"x": (-10.0, 10.0), "y": ["cat", "dog"], "z": 3}``, or a file that holds one.

    Raises:
        SpaceError: Something in the space is wrong. The path names the place.
    """
    return canonical(table(source(space, "amltk"), "amltk", _parameter, WRITTEN))


def _parameter(given: Any, path: str) -> Any:
    if is_own(given):
        return own(given, path)
    if isinstance(given, tuple):
        return _range(given, path)
    if isinstance(given, dict):
        is_range = given.keys() == {"range"} and isinstance(given["range"], list | tuple)
        return _range(given["range"], path) if is_range else table(given, path, _parameter, WRITTEN)
    if isinstance(given, list):
        return _options(options(given, path, "a list of options"), path)
    return constant(given, path)


def _range(given: Any, path: str) -> Any:
    if len(given) != 2 or not all(map(is_number, given)):
        raise SpaceError(f"a range takes two numbers, (low, high), got {given!r}; options are a list", path)
    low, high = given
    if not low < high:
        raise SpaceError(f"the low end of a range must be below the high one, got {low!r} and {high!r}", path)
    return typed(path, Integer if isinstance(low, int) and isinstance(high, int) else Float, low, high)


def _options(given: list[Any], path: str) -> Any:
    if not any(isinstance(option, dict) or is_own(option) for option in given):
        return typed(path, Categorical, given)
    return typed(path, Choice, [_option(option, f"{path}.{place}") for place, option in enumerate(given)])


def _option(given: Any, path: str) -> Any:
    varies = isinstance(given, dict) or is_own(given)
    return _parameter(given, path) if varies else constant(check_data(given, path), path)
