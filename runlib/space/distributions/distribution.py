"""Defines distributions, which connect the raw numbers of a search with the values in a suggestion.

A search handles a variable as one *raw* number: the draw itself, the index of an option, or the exponent of a power.
``value`` turns it into the value in the suggestion, which is always plain Python. ``raw`` goes back, and returns None
for a value that the distribution cannot have made.

Every search gets raw numbers in the same way: ``from_unit`` turns the share u in [0, 1) of all draws into the raw
number below which they lie. ``draw`` passes it a random u, and a quasi-random search passes a number of its sequence.
``to_unit`` is the inverse. ``grid`` lists raw numbers, and lists all of them if ``size`` is not None.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from runlib.space.distributions.continuous import Normal, Uniform
from runlib.space.distributions.numbers import CLOSE, listable, number, shown
from runlib.space.distributions.quantile import Quantile
from runlib.space.distributions.ranges import Range, Rng
from runlib.space.distributions.steps import multiple, nearest

__all__ = ["Distribution", "Integers", "Normal", "Options", "Power", "Quantile", "Range", "Uniform"]


@dataclass(frozen=True, slots=True)
class Integers:
    """Draws each integer from ``low`` to below ``high`` equally likely. Neighbours do not count as similar."""

    low: int
    high: int

    memorable = False
    whole = True

    @property
    def size(self) -> int:
        """Returns the number of points."""
        return self.high - self.low

    @property
    def bounds(self) -> tuple[float, float]:
        """Returns the least and the greatest value."""
        return self.low, self.high - 1

    def value(self, raw: float) -> int:
        """Returns the integer in the suggestion."""
        return int(raw)

    def raw(self, value: Any) -> float | None:
        """Returns the raw number that shows as ``value``; None if there is none."""
        found = number(value, integer=True)
        return found if found is not None and self.low <= found < self.high else None

    def from_unit(self, u: float) -> float:
        """Returns the raw number below which the share ``u`` of all draws lies."""
        return min(self.low + int(u * (self.high - self.low)), self.high - 1)

    def to_unit(self, raw: float) -> float:
        """Returns the middle of the shares that lead to ``raw``."""
        return (raw - self.low + 0.5) / (self.high - self.low)

    def draw(self, rng: Rng) -> float:
        """Returns a random raw number."""
        return self.from_unit(rng.random())

    def grid(self, resolution: int) -> Sequence[float]:
        """Returns all raw numbers."""
        return range(self.low, self.low + listable(self.size))

    def describe(self) -> str:
        """Returns a description of the allowed values for messages."""
        return f"an integer from {self.low} to {self.high - 1}"


@dataclass(frozen=True, slots=True)
class Power:
    """Draws a power of ``base`` with an exponent from ``exponent``. A suggestion does not show the exponent exactly."""

    base: float
    exponent: Uniform

    memorable = True
    whole = False

    @property
    def inner(self) -> Uniform:
        """Returns the distribution of the raw number."""
        return self.exponent

    @property
    def size(self) -> int | None:
        """Returns the number of points; None if it is infinite."""
        return self.exponent.size

    @property
    def bounds(self) -> tuple[float, float]:
        """Returns the least and the greatest value."""
        low, high = sorted(self.base**exponent for exponent in self.exponent.bounds)
        return low, high

    def value(self, raw: float) -> float:
        """Returns the power in the suggestion."""
        q = self.exponent.q
        return float(self.base ** (float(raw) + 0.0 if q is None else multiple(float(raw), q)))

    def raw(self, value: Any) -> float | None:
        """Returns the exponent of ``value``; None if the distribution cannot have made it."""
        found = number(value, integer=False)
        if found is None or found <= 0:
            return None
        exponent = math.log(found) / math.log(self.base)
        if self.exponent.q is not None:
            exponent = nearest(exponent, self.exponent.q)
        near = math.isclose(self.value(exponent), found, rel_tol=CLOSE)
        return self.exponent.raw(exponent) if near else None

    def from_unit(self, u: float) -> float:
        """Returns the exponent below which the share ``u`` of all draws lies."""
        return self.exponent.from_unit(u)

    def to_unit(self, raw: float) -> float:
        """Returns the inverse of ``from_unit``; for a rounded exponent, a share that leads to it."""
        return self.exponent.to_unit(raw)

    def draw(self, rng: Rng) -> float:
        """Returns a random exponent."""
        return self.exponent.from_unit(rng.random())

    def grid(self, resolution: int) -> Sequence[float]:
        """Returns all exponents, or ``resolution`` of them evenly spaced."""
        return self.exponent.grid(resolution)

    def describe(self) -> str:
        """Returns a description of the allowed values for messages."""
        return f"{shown(self.base)} to the power of {self.exponent.describe()}"


@dataclass(frozen=True, slots=True)
class Options:
    """Draws the index of one of ``count`` options, equally likely or with the given weights."""

    count: int
    weights: tuple[float, ...] | None = None
    _ends: tuple[float, ...] = field(init=False, repr=False, compare=False)

    memorable = True
    whole = True

    def __post_init__(self) -> None:
        ends = list(accumulate(self.weights or ()))
        object.__setattr__(self, "_ends", tuple(end / ends[-1] for end in ends))

    @property
    def possible(self) -> list[int]:
        """Returns the options whose probability is not 0."""
        return [k for k in range(self.count) if self.weights is None or self.weights[k] > 0]

    @property
    def size(self) -> int:
        """Returns the number of options that can be drawn."""
        return len(self.possible)

    def from_unit(self, u: float) -> float:
        """Returns the index below which the share ``u`` of all draws lies."""
        if self.weights is None:
            return min(int(u * self.count), self.count - 1)
        found = bisect_right(self._ends, u)
        return found if found < self.count else self.possible[-1]

    def to_unit(self, raw: float) -> float:
        """Returns the middle of the shares that lead to ``raw``."""
        if self.weights is None:
            return (raw + 0.5) / self.count
        k = int(raw)
        return ((self._ends[k - 1] if k else 0.0) + self._ends[k]) / 2

    def draw(self, rng: Rng) -> float:
        """Returns a random index."""
        return self.from_unit(rng.random())

    def grid(self, resolution: int) -> Sequence[float]:
        """Returns all indices that can be drawn."""
        return self.possible


Distribution = Uniform | Normal | Integers | Power | Options | Quantile | Range
