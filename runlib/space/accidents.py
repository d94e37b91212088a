"""Detects parts of a space that look as if they varied but would silently be constant.

A tuple of two numbers in the place of a parameter is refused, since other tools read it as a range. For a list of two
numbers in such a place, and for a space in which nothing varies, the searches issue a warning. The options of a choice
are structure, so they are not checked. The same holds for a space with expressions of hyperopt, in which tuples and
lists are values.
"""

from __future__ import annotations

import contextlib
import contextvars
import reprlib
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from runlib.engine.data.native import is_numpy, native
from runlib.engine.legible import legible_line
from runlib.errors import SpaceError, SpaceWarning
from runlib.space.arithmetic.expression import Term
from runlib.space.foreign import holds, is_frozen, is_graph
from runlib.space.scikit_learn import is_scikit_learn

__all__ = ["Meant", "as_meant", "quiet", "refuse_ranges", "warn", "warn_of_constants", "warn_of_lists"]

DEPTH = 200
_silent = contextvars.ContextVar("silent", default=False)


class Meant(list[Any]):
    """Marks a list of two numbers that is known to be intended as such."""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Suppresses warnings while an earlier search is made again, since the user has seen them before."""
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)


def warn(path: str, reason: str) -> None:
    """Warns of something in a space, with the line outside of runlib that led to it."""
    if not _silent.get():
        with contextlib.suppress(OSError, ValueError):  # Standard error may be closed.
            warnings.warn(SpaceWarning(legible_line(f"{path}: {reason}")), stacklevel=_outside())


def _outside() -> int:
    """Returns the number of calls from ``warn`` up to the first one outside of runlib."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] == "runlib":
        level, frame = level + 1, frame.f_back
    return level


def refuse_ranges(space: Any, path: str = "", *, option: bool = False) -> None:
    """Raises an error if a tuple of two numbers stands in the place of a parameter.

    Args:
        space: The space as the user gave it, before its conversion to data.
        path: The path to its place.
        option: Whether ``space`` is the list of the options of a choice.

    Raises:
        SpaceError: There is such a tuple. The path names its place.
    """
    if holds(space, is_graph):
        return
    for place, low, high in _pairs(space, tuple, path, option):
        raise SpaceError(
            f"({low!r}, {high!r}) is no range here: write Float({low!r}, {high!r}) or Integer(...), "
            f"{{'amltk': ...}} around a space in which tuples are ranges, or Constant(({low!r}, {high!r})) for the "
            "two numbers themselves",
            place,
        )


def warn_of_lists(space: Any, path: str) -> None:
    """Warns of each list in the place of a parameter that the user may have intended as a parameter."""
    if holds(space, is_graph):
        return
    for place, low, high in _pairs(space, list, path, False):
        warn(
            place,
            f"[{low!r}, {high!r}] is no range but a list of two numbers, the same in every suggestion: write "
            f"Float({low!r}, {high!r}) or Integer(...) for a range, Categorical([{low!r}, {high!r}]) for a choice, or "
            f"Constant([{low!r}, {high!r}]) if it is meant",
        )
    _warn_beside_frozen(space, path)


def warn_of_constants(space: Any, path: str) -> None:
    """Warns of a space in which nothing varies. For a grid of scikit-learn it shows how to write that here."""
    table = space[0] if isinstance(space, list) and space else space
    values = {key: native(item) for key, item in table.items()} if isinstance(table, dict) else {}
    listed = next((key for key, item in values.items() if isinstance(item, list) and len(item) > 1), None)
    way = "put a parameter in: Float(0, 1)"
    if listed is not None:
        shown = reprlib.repr(values[listed])
        way = f"a list stands for itself, and a choice is {{{listed!r}: Categorical({shown})}}"
        if isinstance(space, list):
            way += ", a choice between dicts Choice([{...}, {...}])"
    warn(path, f"nothing in it varies, so every trial is the same; {way}")


def _pairs(
    space: Any, kind: type[Any], path: str, option: bool, depth: int = 0
) -> Iterator[tuple[str, int | float, int | float]]:
    """Yields the place and the numbers of each list or tuple of two numbers that is not an option."""
    if depth > DEPTH or (kind is tuple and isinstance(space, Term)):  # A Term has checked its tuples when it was made.
        return
    if isinstance(space, kind) and not option and not isinstance(space, Meant) and _is_pair(space):
        yield path, native(space[0]), native(space[1])
        return
    for key, item, is_option in _parts(space, option):
        yield from _pairs(item, kind, f"{path}.{key}" if path else str(key), is_option, depth + 1)


def _parts(space: Any, option: bool) -> Iterator[tuple[Any, Any, bool]]:
    """Yields the parts of a part of a space, with their keys and whether they are options. Pure data has no parts."""
    if isinstance(space, Term):
        options = getattr(space, "options", ()) if getattr(space, "name", "") == "hp_choice" else ()
        yield from ((place, item, True) for place, item in enumerate(options))
    elif isinstance(space, dict):
        beside = any(map(is_frozen, space.values()))  # Beside these, a list is a choice or gets its own warning.
        yield from ((key, item, beside and isinstance(item, list)) for key, item in space.items())
    elif isinstance(space, list | tuple):
        name = space[0] if space and isinstance(space[0], str) and space[0].startswith("hp_") else ""
        if not name:
            yield from ((place, item, option) for place, item in enumerate(space))
        elif name in ("hp_choice", "hp_pchoice", "hp_merge"):
            inner = [item.get("options", ()) if isinstance(item, dict) else item for item in space[1:]]
            yield from ((place, item, True) for place, item in enumerate(inner, 1))


def _warn_beside_frozen(space: Any, path: str, depth: int = 0) -> None:
    """Warns of lists beside scipy distributions that scikit-learn would read as choices, but runlib as lists."""
    beside = isinstance(space, dict) and any(map(is_frozen, space.values())) and not is_scikit_learn(space)
    for key, item, _ in _parts(space, False) if depth <= DEPTH else ():
        place = f"{path}.{key}" if path else str(key)
        if beside and isinstance(item, list) and not holds(item, lambda part: not _is_data(part)):
            warn(
                place,
                "stays a list in every suggestion, since there are not only distributions of scipy and lists in this "
                "dict: write Categorical([...]) for a choice, or Constant([...]) if it is meant",
            )
        _warn_beside_frozen(item, place, depth + 1)


def _is_data(value: Any) -> bool:
    if isinstance(value, str):
        return not value.startswith("hp_")
    return value is None or isinstance(value, int | float) or is_numpy(value)


def as_meant(data: Any, option: bool = False) -> Any:
    """Returns a copy of canonical data in which lists of two numbers in the place of a parameter are ``Meant``."""
    if isinstance(data, dict):
        return {key: as_meant(item) for key, item in data.items()}
    if not isinstance(data, list):
        return data
    if not data or not isinstance(data[0], str) or not data[0].startswith("hp_"):
        return Meant(data) if not option and _is_pair(data) else [as_meant(item, option) for item in data]
    if data[0] not in ("hp_choice", "hp_pchoice", "hp_merge"):
        return list(data)
    typed = isinstance(data[-1], dict) and "options" in data[-1]
    last = {**data[-1], "options": as_meant(data[-1]["options"], True)} if typed else as_meant(data[-1], True)
    return [*data[:-1], last]


def _is_pair(items: Any) -> bool:
    return len(items) == 2 and all(map(_is_number, items))


def _is_number(value: Any) -> bool:
    found = native(value)
    return isinstance(found, int | float) and not isinstance(found, bool)
