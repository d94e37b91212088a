"""What looks as if it varied, and would be a constant without a word.

A tuple of two numbers where a parameter could stand is refused, since other tools take it for a range. A list of two
numbers there, and a space in which nothing varies, are warned of by the searches. An option of a choice is structure,
and so is all that stands in a space with expressions of hyperopt, where tuples and lists are values.
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
    """A list of two numbers that is known to be meant as that."""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """A search that was made before is made again in here: what there is to say was said."""
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)


def warn(path: str, reason: str) -> None:
    """Warn of something in a space, at the line outside of runlib that led to it."""
    if not _silent.get():
        with contextlib.suppress(OSError, ValueError):  # of a standard error that is gone
            warnings.warn(SpaceWarning(legible_line(f"{path}: {reason}")), stacklevel=_outside())


def _outside() -> int:
    """How many calls up from ``warn`` the first is that is not one of runlib."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] == "runlib":
        level, frame = level + 1, frame.f_back
    return level


def refuse_ranges(space: Any, path: str = "", *, option: bool = False) -> None:
    """Nothing, unless a tuple of two numbers stands where a parameter could stand.

    Args:
        space: As it was given, before it is data.
        path: Where it stands.
        option: Whether ``space`` is the list of the options of a choice.

    Raises:
        SpaceError: One does, with its place.
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
    """Warn of each list that stands where a parameter could stand, and is likely to be taken for one."""
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
    """Warn of a space in which nothing varies; of a grid of scikit-learn with what it is here."""
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
    """The place and the numbers of each list or tuple of two numbers that is no option."""
    if depth > DEPTH or (kind is tuple and isinstance(space, Term)):  # which looked at its tuples as it was made
        return
    if isinstance(space, kind) and not option and not isinstance(space, Meant) and _is_pair(space):
        yield path, native(space[0]), native(space[1])
        return
    for key, item, is_option in _parts(space, option):
        yield from _pairs(item, kind, f"{path}.{key}" if path else str(key), is_option, depth + 1)


def _parts(space: Any, option: bool) -> Iterator[tuple[Any, Any, bool]]:
    """What stands in a part of a space by key, and whether it is an option; what is data alone has no parts."""
    if isinstance(space, Term):
        options = getattr(space, "options", ()) if getattr(space, "name", "") == "hp_choice" else ()
        yield from ((place, item, True) for place, item in enumerate(options))
    elif isinstance(space, dict):
        beside = any(map(is_frozen, space.values()))  # where a list is a choice, or warned of
        yield from ((key, item, beside and isinstance(item, list)) for key, item in space.items())
    elif isinstance(space, list | tuple):
        name = space[0] if space and isinstance(space[0], str) and space[0].startswith("hp_") else ""
        if not name:
            yield from ((place, item, option) for place, item in enumerate(space))
        elif name in ("hp_choice", "hp_pchoice", "hp_merge"):
            inner = [item.get("options", ()) if isinstance(item, dict) else item for item in space[1:]]
            yield from ((place, item, True) for place, item in enumerate(inner, 1))


def _warn_beside_frozen(space: Any, path: str, depth: int = 0) -> None:
    """With scikit-learn a list beside distributions of scipy is a choice; beside parameters of runlib it is a list."""
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
    """A copy of canonical data in which each list of two numbers where a parameter could stand is ``Meant``."""
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
