"""Defines uniform and normal numbers with hyperopt's arguments: bounds of the logarithm, rounding beyond the bounds.

Rounded values are multiples of ``q``, half to even, as in numpy. The raw number is that multiple by float
multiplication, as in hyperopt. The suggestion shows it with its decimals (``runlib.space.distributions.steps``).
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
    """Draws uniformly from [low, high]. ``log`` takes the exponential, and ``q`` rounds to its multiples.

    Attributes:
        low: The lower bound, of the logarithm if ``log``.
        high: The upper bound, of the logarithm if ``log``; above ``low``.
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
        """Returns whether raw numbers are integers."""
        return self.integer

    @property
    def size(self) -> int | None:
        """Returns the number of points that can be drawn; None if it is infinite."""
        if self.q is None:
            return None
        first, last = self._multiples(self.q)
        return last - first + 1

    @property
    def bounds(self) -> tuple[float, float]:
        """Returns the least and the greatest value."""
        if self.q is None:
            return (exp(self.low), exp(self.high)) if self.log else (self.low, self.high)
        first, last = self._multiples(self.q)
        return multiple(first * self.q, self.q), multiple(last * self.q, self.q)

    def _multiples(self, q: float) -> tuple[int, int]:
        """Returns the least and the greatest k for which k * q is drawn from an interval, not from a single point."""
        low, high = (exp(self.low), exp(self.high)) if self.log else (self.low, self.high)
        first = math.floor(low / q + 0.5)
        return first, max(first, math.ceil(high / q - 0.5))

    def value(self, raw: float) -> Any:
        """Returns the number in the suggestion."""
        if self.integer:
            return int(raw)
        return float(raw) + 0.0 if self.q is None else multiple(float(raw), self.q)  # Adding 0.0 turns -0.0 into 0.0.

    def raw(self, value: Any) -> float | None:
        """Returns the raw number that shows as ``value``; None if there is none."""
        found = number(value, self.integer)
        return None if found is None or not self._within(found) else self.settled(found)

    def settled(self, found: float) -> float:
        """Returns the raw number for a number in a suggestion."""
        return found if self.q is None else nearest(found, self.q)

    def _within(self, found: float) -> bool:
        low, high = (math.exp(self.low), math.exp(self.high)) if self.log else (self.low, self.high)
        if self.q is not None:
            low, high = round(low / self.q) * self.q, round(high / self.q) * self.q
        slack = CLOSE * max(abs(low), abs(high))
        return low - slack <= found <= high + slack and on_grid(found, self.q)

    def from_unit(self, u: float) -> float:
        """Returns the raw number below which the share ``u`` of all draws lies."""
        x = self.low + u * (self.high - self.low)
        if x > self.high:
            x = self.high
        if self.log:
            x = exp(x)
        return x if self.q is None else round(x / self.q) * self.q + 0.0

    def to_unit(self, raw: float) -> float:
        """Returns the inverse of ``from_unit``; for a rounded number, a share that leads to it."""
        if self.log:
            # A number that was rounded to 0 is placed at the lower end.
            raw = math.log(raw) if raw > 0 else self.low
        return min(max((raw - self.low) / (self.high - self.low), 0.0), 1.0)

    def draw(self, rng: Rng) -> float:
        """Returns a random raw number."""
        return self.from_unit(rng.random())

    def grid(self, resolution: int) -> Sequence[float]:
        """Returns all multiples of q, or ``resolution`` raw numbers evenly spaced from bound to bound."""
        if self.q is not None:
            first, _ = self._multiples(self.q)
            return [k * self.q + 0.0 for k in range(first, first + listable(self.size or 0))]
        gaps = listable(resolution) - 1
        return [self.from_unit(k / gaps if gaps else 0.5) for k in range(gaps + 1)]

    def describe(self) -> str:
        """Returns a description of the allowed values for messages."""
        low, high = self.bounds
        noun = "an integer" if self.integer else "a number"
        multiples = "" if self.q is None or self.integer else f", a multiple of {shown(self.q)}"
        return f"{noun} from {shown(low)} to {shown(high)}{multiples}"


@dataclass(frozen=True, slots=True)
class Normal:
    """Draws from a normal of mean ``mu`` and standard deviation ``sigma``. ``log`` and ``q`` act as in ``Uniform``."""

    mu: float
    sigma: float
    q: float | None = None
    log: bool = False

    memorable = False
    whole = False
    size = None

    @property
    def bounds(self) -> tuple[float, float]:
        """Returns the least and the greatest value."""
        return (0.0 if self.log else -math.inf), math.inf

    def value(self, raw: float) -> float:
        """Returns the number in the suggestion."""
        return float(raw) + 0.0 if self.q is None else multiple(float(raw), self.q)

    def raw(self, value: Any) -> float | None:
        """Returns the raw number that shows as ``value``; None if there is none."""
        found = number(value, integer=False)
        if found is None or not on_grid(found, self.q):
            return None
        positive = found > 0 or (found == 0 and self.q is not None)
        return self.settled(found) if positive or not self.log else None

    def settled(self, found: float) -> float:
        """Returns the raw number for a number in a suggestion."""
        return found if self.q is None else nearest(found, self.q)

    def from_unit(self, u: float) -> float:
        """Returns the raw number below which the share ``u`` of all draws lies."""
        x = self.mu + self.sigma * quantile(u)
        if self.log:
            x = exp(x)
        return x if self.q is None else round(x / self.q) * self.q + 0.0

    def to_unit(self, raw: float) -> float:
        """Returns the inverse of ``from_unit``; for a rounded number, a share that leads to it."""
        if self.log:
            if raw <= 0:  # The number was rounded to 0. It is placed in the middle of the numbers that round to 0.
                raw = (self.q or 0.0) / 4
            raw = math.log(raw)
        return NormalDist(self.mu, self.sigma).cdf(raw)

    def draw(self, rng: Rng) -> float:
        """Returns a random raw number."""
        return self.from_unit(rng.random())

    def grid(self, resolution: int) -> Sequence[float]:
        """Returns different raw numbers from the middles of ``resolution`` equal shares of all draws."""
        count = listable(resolution)
        return list(dict.fromkeys(self.from_unit((k + 0.5) / count) for k in range(count)))

    def describe(self) -> str:
        """Returns a description of the allowed values for messages."""
        multiples = "" if self.q is None else f", a multiple of {shown(self.q)}"
        positive = " above 0" if self.log and self.q is None else " from 0 on" if self.log else ""
        return f"a finite number{positive}{multiples}"
