"""Translates ``FloatDistribution``, ``IntDistribution``, ``CategoricalDistribution`` and the older ones of Optuna.

Both bounds are included. If they are equal, there is nothing to choose, and the value is a constant.
"""

from __future__ import annotations

from typing import Any

from runlib.space.dialects.base import constant, drawn_by_place, typed
from runlib.space.foreign import class_names, comes_from
from runlib.space.typed.quantities import Float, Integer

__all__ = ["from_distribution", "is_distribution"]

PATH = "optuna"


def is_distribution(value: Any) -> bool:
    """Returns whether ``value`` is a distribution of Optuna."""
    return comes_from(value, "optuna") and "BaseDistribution" in class_names(value)


def from_distribution(given: Any) -> Any:
    """Returns the data of a distribution of Optuna.

    Raises:
        SpaceError: Something in the distribution is wrong.
    """
    if "CategoricalDistribution" in class_names(given):
        return drawn_by_place(list(given.choices), PATH)
    if given.low == given.high:
        return constant(given.low, PATH)
    whole = "IntDistribution" in class_names(given)
    step = None if given.step is None or (whole and given.step == 1) else given.step
    return typed(PATH, Integer if whole else Float, given.low, given.high, log=bool(given.log), step=step)
