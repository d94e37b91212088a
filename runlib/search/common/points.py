"""Numbers all points of a grid: point *i* is found without making those before it, however many there are.

The variables are in the order of their labels, and the last one changes fastest. Variables inside an option of a choice
are counted only there: the options follow one another, each with all of its own points.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate

from runlib.errors import SpaceError
from runlib.search.common.units import by_label
from runlib.space.distributions.distribution import Distribution, Integers, Options, Range
from runlib.space.nodes import INACTIVE, Row, Variable
from runlib.space.tree import Space

__all__ = ["Points"]


class Points:
    """Holds the points of a grid.

    Attributes:
        count: The number of points; points with equal suggestions count separately.

    Args:
        space: The search space.
        resolution: The number of raw numbers for a variable with infinitely many.
        given: The same number for single variables, by label; it also thins out variables with finitely many numbers.

    Raises:
        SpaceError: A variable has more points than can be listed.
    """

    def __init__(self, space: Space, resolution: int, given: Mapping[str, int] | None = None) -> None:
        self._blank = [INACTIVE] * len(space.variables)
        inside: dict[tuple[int, int], list[Variable]] = {}
        for variable in by_label(space):
            for parent in [(choice.index, option) for choice, option in variable.places] or [(-1, 0)]:
                inside.setdefault(parent, []).append(variable)
        raw = {v.index: _raw_numbers(v, resolution, (given or {}).get(v.label)) for v in space.variables}
        self._root = _Group(inside, raw, (-1, 0))
        self.count = self._root.count

    def row(self, number: int) -> Row:
        """Returns the raw numbers of a point, NaN where inactive; ``number`` is from 0 to ``count`` - 1."""
        row = self._blank[:]
        self._root.put(number, row)
        return row


class _Axis:
    """Holds the points of one variable, including those of the variables that depend on it."""

    def __init__(
        self, inside: Mapping[tuple[int, int], list[Variable]], raw: Mapping[int, Sequence[float]], variable: Variable
    ) -> None:
        self._index, self._raw = variable.index, raw[variable.index]
        self.count = len(self._raw)
        self._groups: list[_Group] = []
        if any(parent == variable.index for parent, _ in inside):
            self._groups = [_Group(inside, raw, (variable.index, int(option))) for option in self._raw]
            self._ends = list(accumulate(group.count for group in self._groups))
            self.count = self._ends[-1]

    def put(self, number: int, row: Row) -> None:
        """Writes the raw numbers of a point into a row."""
        if not self._groups:
            row[self._index] = self._raw[number]
            return
        place = bisect_right(self._ends, number)
        row[self._index] = self._raw[place]
        self._groups[place].put(number - (self._ends[place - 1] if place else 0), row)


class _Group:
    """Holds variables that stand side by side."""

    def __init__(
        self,
        inside: Mapping[tuple[int, int], list[Variable]],
        raw: Mapping[int, Sequence[float]],
        parent: tuple[int, int],
    ) -> None:
        # The last one comes first, because the number of a point is divided in this order.
        self._axes = [_Axis(inside, raw, variable) for variable in reversed(inside.get(parent, []))]
        self.count = math.prod(axis.count for axis in self._axes)

    def put(self, number: int, row: Row) -> None:
        """Writes the raw numbers of a point into a row."""
        for axis in self._axes:
            number, own = divmod(number, axis.count)
            axis.put(own, row)


def _raw_numbers(variable: Variable, resolution: int, wanted: int | None) -> Sequence[float]:
    try:
        return _listed(variable.distribution, resolution, wanted)
    except SpaceError as error:
        raise error.under(variable.path) from None


def _listed(distribution: Distribution, resolution: int, wanted: int | None) -> Sequence[float]:
    """Returns the raw numbers that stand for a variable, in their order."""
    if distribution.size is None:
        return distribution.grid(wanted or resolution)
    if isinstance(distribution, Options):
        return distribution.grid(1)
    if isinstance(distribution, Range):
        every: Sequence[float] = range(int(distribution.least), int(distribution.most) + 1)
    elif isinstance(distribution, Integers):
        every = range(distribution.low, distribution.high)
    else:
        every = distribution.grid(1)
    return every if wanted is None or wanted >= len(every) else _thinned(distribution, every, wanted)


def _thinned(distribution: Distribution, every: Sequence[float], count: int) -> Sequence[float]:
    """Returns ``count`` of the numbers, evenly spaced with both ends, in log space if log; fewer if they coincide."""
    if count == 1:
        return [every[len(every) // 2]]
    if isinstance(distribution, Range) and distribution.log:
        low, high = math.log(distribution.least), math.log(distribution.most)
        even = (distribution.settle(math.exp(low + (high - low) * k / (count - 1))) for k in range(count))
        return list(dict.fromkeys(even))
    return [every[round(k * (len(every) - 1) / (count - 1))] for k in range(count)]
