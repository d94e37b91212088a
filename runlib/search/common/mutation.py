"""Mutates a row: one active variable changes, and the variables that become active are drawn again.

A number takes a step in the share of all draws that lies below it, so a step means the same on every scale and follows
every prior. Without a step, and for options, the variable is drawn again from its distribution.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from runlib.search.common.units import by_label
from runlib.space.distributions.distribution import Integers, Options
from runlib.space.nodes import INACTIVE, Row, Variable
from runlib.space.tree import Space

__all__ = ["Mutation"]

ATTEMPTS = 20  # attempts to change a variable; one that nearly always has the same value may stay


class Mutation:
    """Changes rows of one search space.

    Args:
        space: The search space.
        scale: The standard deviation of a step, as a share of all draws; None to draw again.
    """

    def __init__(self, space: Space, scale: float | None) -> None:
        self._width = len(space.variables)
        self._scale = scale
        self._by_label = by_label(space)
        # Choices come before the variables that depend on them. At equal depth the labels decide, not the order of
        # keys.
        self._plan = sorted(self._by_label, key=lambda variable: variable.depth)

    def random_row(self, rng: random.Random) -> Row:
        """Returns the raw numbers of a random suggestion, NaN where inactive."""
        return self._completed([INACTIVE] * self._width, rng)

    def child(self, parent: Sequence[float], rng: random.Random) -> Row:
        """Returns the raw numbers of a parent with one active variable changed, if one can be."""
        row = list(parent)
        active = [v for v in self._by_label if _is_active(v, row) and v.distribution.size != 1]
        if not active:
            return row
        variable = rng.choice(active)
        row[variable.index] = self._changed(variable, row[variable.index], rng)
        return self._completed(row, rng)

    def _completed(self, row: Row, rng: random.Random) -> Row:
        """Draws each active variable without a raw number, and drops the numbers of those that are no longer active."""
        for variable in self._plan:
            if not _is_active(variable, row):
                row[variable.index] = INACTIVE
            elif row[variable.index] != row[variable.index]:
                row[variable.index] = variable.distribution.from_unit(rng.random())
        return row

    def _changed(self, variable: Variable, raw: float, rng: random.Random) -> float:
        for _ in range(ATTEMPTS):
            found = variable.distribution.from_unit(self._share(variable, raw, rng))
            if found != raw:
                return found
        return variable.distribution.from_unit(rng.random())

    def _share(self, variable: Variable, raw: float, rng: random.Random) -> float:
        if self._scale is None or isinstance(variable.distribution, Options | Integers):
            return rng.random()
        u = variable.distribution.to_unit(raw) + rng.gauss(0.0, self._scale)
        return _reflected(u)


def _is_active(variable: Variable, row: Sequence[float]) -> bool:
    return variable.active(row)


def _reflected(u: float) -> float:
    """Returns a number in [0, 1); beyond an end it is reflected back."""
    u %= 2.0
    return min(u if u < 1 else 2 - u, 1 - 2.0**-53)
