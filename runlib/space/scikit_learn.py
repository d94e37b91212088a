"""Recognises spaces of ``RandomizedSearchCV``, in which a list beside distributions of scipy is a choice."""

from __future__ import annotations

from typing import Any

from runlib.engine.data.native import is_column
from runlib.space.arithmetic.expression import Term
from runlib.space.foreign import is_frozen

__all__ = ["is_grid", "is_scikit_learn"]


def is_scikit_learn(space: Any) -> bool:
    """Returns whether ``space`` is a dict of data, lists and tuples of data, and at least one scipy distribution."""
    return isinstance(space, dict) and any(map(is_frozen, space.values())) and all(map(_may_stand, space.values()))


def is_grid(space: Any) -> bool:
    """Returns whether ``space`` is a dict of lists of data."""
    values = space.values() if isinstance(space, dict) else [None]
    return all(is_column(value) or (isinstance(value, list) and _may_stand(value)) for value in values)


def _may_stand(value: Any) -> bool:
    if is_frozen(value) or value is None or isinstance(value, str | int | float) or is_column(value):
        return True
    return isinstance(value, list | tuple) and not _varies(value)


def _varies(value: Any) -> bool:
    """Returns whether a value contains a parameter of any kind."""
    if isinstance(value, dict):
        return any(map(_varies, value.values()))
    if isinstance(value, list | tuple):
        return _is_written(value) or any(map(_varies, value))
    return isinstance(value, Term) or is_frozen(value)


def _is_written(value: list[Any] | tuple[Any, ...]) -> bool:
    """Returns whether a list is a variable in text form."""
    return bool(value) and isinstance(value[0], str) and value[0].startswith("hp_")
