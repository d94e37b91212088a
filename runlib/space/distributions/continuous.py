"""Uniform and normal numbers with hyperopt's arguments: bounds of the logarithm, rounding beyond the bounds.

What is rounded is a multiple of ``q``, half to even, as numpy rounds. The raw number is that multiple as floats
multiply, as hyperopt has it; the suggestion shows it with its decimals (``runlib.space.distributions.steps``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from runlib.space.distributions.bell import quantile
from runlib.space.distributions.numbers import CLOSE, exp, listable, number, on_grid, shown
from runlib.space.distributions.ranges import Rng
from runlib.space.distributions.steps import multiple, nearest

__all__ = ["Normal", "Uniform"]


@dataclass(frozen=True, slots=True)
class Uniform:
    """Uniform on [low, high]; with ``log`` the exponential of that; with ``q`` rounded to its multiples.

    Attributes:
        low: Lower bound, of the logarithm if ``log``.
        high: Upper bound, likewise; above ``low``.
        q: The step, positive, or None. Rounding may lead up to q/2 beyond the bounds.
        log: Whether the exponential is taken (before rounding).
        integer: Whether the value is an int.
    """

    low: float
    high: float
    q: float | None = None
    log: bool = False
    integer: bool = False

    memorable = False

    @property
    def whole(self) -> bool:
        """Whether raw numbers are integers."""
        return self.integer

    @property
    def size(self) -> int | None:
        """The number of points that can be drawn; None if there is no end of them."""
        if self.q is None:
            return None
        first, last = self._multiples(self.q)
        return last - first + 1

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest value."""
        if self.q is None:
            return (exp(self.low), exp(self.high)) if self.log else (self.low, self.high)
        first, last = self._multiples(self.q)
        return multiple(first * self.q, self.q), multiple(last * self.q, self.q)

    def _multiples(self, q: float) -> tuple[int, int]:
        """The least and the greatest k that k * q is drawn of: a mere point of the interval does not count."""
        low, high = (exp(self.low), exp(self.high)) if self.log else (self.low, self.high)
        first = math.floor(low / q + 0.5)
        return first, max(first, math.ceil(high / q - 0.5))

    def value(self, raw: float) -> Any:
        """The number in the suggestion."""
        if self.integer:
            return int(raw)
        return float(raw) + 0.0 if self.q is None else multiple(float(raw), self.q)  # + 0.0: a rounded -0.0 is 0.0

    def raw(self, value: Any) -> float | None:
        """The draw that shows as ``value``."""
        found = number(value, self.integer)
        return None if found is None or not self._within(found) else self.settled(found)

    def settled(self, found: float) -> float:
        """The raw number that a number in a suggestion stands for."""
        return found if self.q is None else nearest(found, self.q)

    def _within(self, found: float) -> bool:
        low, high = (math.exp(self.low), math.exp(self.high)) if self.log else (self.low, self.high)
        if self.q is not None:
            low, high = round(low / self.q) * self.q, round(high / self.q) * self.q
        slack = CLOSE * max(abs(low), abs(high))
        return low - slack <= found <= high + slack and on_grid(found, self.q)

    def from_unit(self, u: float) -> float:
        """The raw number below which the share ``u`` of all draws lies."""
        x = self.low + u * (self.high - self.low)
        if x > self.high:
            x = self.high
        if self.log:
            x = exp(x)
        return x if self.q is None else round(x / self.q) * self.q + 0.0

    def to_unit(self, raw: float) -> float:
        """The inverse of ``from_unit``; of a rounded number a share that leads to it."""
        if self.log:
            # What was rounded to 0 lies at the lower end.
            raw = math.log(raw) if raw > 0 else self.low
        return min(max((raw - self.low) / (self.high - self.low), 0.0), 1.0)

    def draw(self, rng: Rng) -> float:
        """A random raw number."""
        return self.from_unit(rng.random())

    def grid(self, resolution: int) -> Sequence[float]:
        """All multiples of q, or ``resolution`` raw numbers evenly spaced between the bounds, these included."""
        if self.q is not None:
            first, _ = self._multiples(self.q)
            return [k * self.q + 0.0 for k in range(first, first + listable(self.size or 0))]
        gaps = listable(resolution) - 1
        return [self.from_unit(k / gaps if gaps else 0.5) for k in range(gaps + 1)]

    def describe(self) -> str:
        """What is admissible, for people."""
        low, high = self.bounds
        noun = "an integer" if self.integer else "a number"
        multiples = "" if self.q is None or self.integer else f", a multiple of {shown(self.q)}"
        return f"{noun} from {shown(low)} to {shown(high)}{multiples}"


@dataclass(frozen=True, slots=True)
class Normal:
    """Normal with mean ``mu`` and standard deviation ``sigma``; ``log`` and ``q`` as in ``Uniform``."""

    mu: float
    sigma: float
    q: float | None = None
    log: bool = False

    memorable = False
    whole = False
    size = None

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest value."""
        return (0.0 if self.log else -math.inf), math.inf

    def value(self, raw: float) -> float:
        """The number in the suggestion."""
        return float(raw) + 0.0 if self.q is None else multiple(float(raw), self.q)

    def raw(self, value: Any) -> float | None:
        """The draw that shows as ``value``."""
        found = number(value, integer=False)
        if found is None or not on_grid(found, self.q):
            return None
        positive = found > 0 or (found == 0 and self.q is not None)
        return self.settled(found) if positive or not self.log else None

    def settled(self, found: float) -> float:
        """The raw number that a number in a suggestion stands for."""
        return found if self.q is None else nearest(found, self.q)

    def from_unit(self, u: float) -> float:
        """The raw number below which the share ``u`` of all draws lies."""
        x = self.mu + self.sigma * quantile(u)
        if self.log:
            x = exp(x)
        return x if self.q is None else round(x / self.q) * self.q + 0.0

    def to_unit(self, raw: float) -> float:
        """The inverse of ``from_unit``; of a rounded number a share that leads to it."""
        if self.log:
            if raw <= 0:  # it was rounded: from the middle of what becomes 0
                raw = (self.q or 0.0) / 4
            raw = math.log(raw)
        return NormalDist(self.mu, self.sigma).cdf(raw)

    def draw(self, rng: Rng) -> float:
        """A random raw number."""
        return self.from_unit(rng.random())

    def grid(self, resolution: int) -> Sequence[float]:
        """``resolution`` raw numbers, each in the middle of an equal share of all draws; of equal ones the first."""
        count = listable(resolution)
        return list(dict.fromkeys(self.from_unit((k + 0.5) / count) for k in range(count)))

    def describe(self) -> str:
        """What is admissible, for people."""
        multiples = "" if self.q is None else f", a multiple of {shown(self.q)}"
        positive = " above 0" if self.log and self.q is None else " from 0 on" if self.log else ""
        return f"a finite number{positive}{multiples}"
