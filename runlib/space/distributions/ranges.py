"""Defines numbers between two bounds that are values themselves. The typed parameters of numbers use them.

A value never leaves the bounds and is always on a step. Both are restored after every calculation, so that every search
draws only values that the user allowed.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from runlib.space.distributions.bell import Bell
from runlib.space.distributions.numbers import CLOSE, listable, number, shown
from runlib.space.distributions.steps import Steps

__all__ = ["Range", "Rng"]


class Rng(Protocol):
    """Describes a random generator: ``random.Random`` or ``numpy.random.Generator``."""

    def random(self) -> float:
        """Returns the next number, uniform in [0, 1)."""


@dataclass(frozen=True, slots=True)
class Range:
    """Draws numbers from ``low`` to ``high``, both included. The raw number is the value, or k if there are steps.

    Draws are uniform on the scale, which is the logarithm if ``log``. Whole raw numbers (integers and steps) are
    equally likely, including the ends. The scale then begins half a step below the first and ends half a step above the
    last, and a draw is rounded. An integer n of a logarithmic range therefore has a probability in proportion to
    log(n + 1/2) - log(n - 1/2).

    Attributes:
        low: The least value.
        high: The greatest value. If it is not low + k * step, the greatest value is the last step below it.
        log: Whether the scale is logarithmic; excludes a step.
        integer: Whether values are ints.
        step: The distance of values, which are low + k * step, to their decimals
            (``runlib.space.distributions.steps``).
        prior: The centre of a normal distribution that replaces the uniform one, cut off at the bounds of the scale.
        width: The standard deviation of that normal, as a share of the scale.
        from_unit: The function that turns a share u in [0, 1) of all draws into the raw number below which they lie.
    """

    low: float
    high: float
    log: bool = False
    integer: bool = False
    step: float | None = None
    prior: float | None = None
    width: float = 0.5
    # ``least`` and ``most`` bound raw numbers. ``start`` and ``end`` bound the scale on which draws are spread.
    least: float = field(init=False, repr=False, compare=False)
    most: float = field(init=False, repr=False, compare=False)
    start: float = field(init=False, repr=False, compare=False)
    end: float = field(init=False, repr=False, compare=False)
    whole: bool = field(init=False, repr=False, compare=False)
    bell: Bell | None = field(init=False, repr=False, compare=False)
    steps: Steps | None = field(init=False, repr=False, compare=False)
    from_unit: Callable[[float], float] = field(init=False, repr=False, compare=False)

    memorable = False

    def __post_init__(self) -> None:
        whole = self.integer or self.step is not None
        least, most = (self.low, self.high) if self.step is None else (0, self._steps(self.step))
        start, end = (least - 0.5, most + 0.5) if whole else (least, most)
        start, end = (math.log(start), math.log(end)) if self.log else (float(start), float(end))
        found: dict[str, Any] = {"least": least, "most": most, "start": start, "end": end, "whole": whole, "bell": None}
        found["steps"] = None if self.step is None else Steps.of(self.low, self.step)
        for name, value in found.items():
            object.__setattr__(self, name, value)
        if self.prior is not None:
            middle = self.scaled(self.raw(self.prior) or 0.0)
            object.__setattr__(self, "bell", Bell(middle, self.width * (end - start), start, end))
        object.__setattr__(self, "from_unit", _quantiles(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return Range, (self.low, self.high, self.log, self.integer, self.step, self.prior, self.width)

    def _steps(self, step: float) -> int:
        steps = (self.high - self.low) / step
        nearest = round(steps)
        return nearest if math.isclose(steps, nearest, rel_tol=CLOSE) else math.floor(steps)

    @property
    def size(self) -> int | None:
        """Returns the number of points; None if it is infinite."""
        return int(self.most - self.least) + 1 if self.whole else None

    @property
    def bounds(self) -> tuple[float, float]:
        """Returns the least and the greatest value."""
        return self.low, self.value(self.most)

    def value(self, raw: float) -> Any:
        """Returns the number in the suggestion."""
        if self.steps is None:
            return int(raw) if self.integer else float(raw) + 0.0
        value = self.steps.at(int(raw))
        if self.integer:
            return int(value)
        # A step such as 1/3 has no decimals that lead exactly to the bound, but it is meant to reach the bound.
        at_end = value > self.high or (raw >= self.most and math.isclose(value, self.high, rel_tol=CLOSE))
        return (self.high if at_end else value) + 0.0

    def raw(self, value: Any) -> float | None:
        """Returns the raw number that shows as ``value``; None if there is none."""
        found = number(value, self.integer)
        if found is None or not self.low <= found <= self.high:
            return None
        if self.step is None:
            return found + 0.0
        k = round((found - self.low) / self.step)
        near = math.isclose(self.value(k), found, rel_tol=CLOSE, abs_tol=CLOSE * self.step)
        return float(k) if near and k <= self.most else None

    def settle(self, raw: float) -> float:
        """Returns the raw number nearest to a calculated one: within the bounds, and whole if raw numbers are whole."""
        raw = float(round(raw)) if self.whole else float(raw) + 0.0
        return float(self.least) if raw < self.least else float(self.most) if raw > self.most else raw

    def scaled(self, raw: float) -> float:
        """Returns the place of a raw number on the scale from ``start`` to ``end``."""
        return math.log(raw) if self.log else raw

    def to_unit(self, raw: float) -> float:
        """Returns the inverse of ``from_unit``."""
        x = self.scaled(raw)
        return (x - self.start) / (self.end - self.start) if self.bell is None else self.bell.below(x)

    def draw(self, rng: Rng | random.Random) -> float:
        """Returns a random raw number."""
        return self.from_unit(rng.random())

    def grid(self, resolution: int) -> Sequence[float]:
        """Returns all whole raw numbers, or else ``resolution`` of them evenly spaced on the scale, ends included."""
        if self.whole:
            return range(int(self.least), int(self.least) + listable(self.size or 0))
        gaps, width = listable(resolution) - 1, self.end - self.start
        if not gaps:
            return [self._at(self.start + width / 2)]
        return [self.least, *(self._at(self.start + width * k / gaps) for k in range(1, gaps)), self.most]

    def _at(self, x: float) -> float:
        """Returns the raw number at a place of the scale."""
        return self.settle(math.exp(x) if self.log else x)

    def describe(self) -> str:
        """Returns a description of the allowed values for messages."""
        noun = "an integer" if self.integer else "a number"
        if self.step is None or (self.integer and self.step == 1):
            return f"{noun} from {shown(self.low)} to {shown(self.high)}"
        last = shown(self.value(self.most))
        return f"{noun} from {shown(self.low)} to {last} in steps of {shown(self.step)}"


def _quantiles(given: Range) -> Callable[[float], float]:
    """Returns ``from_unit`` of a range. The most frequent kinds get short functions of their own, for speed."""
    least, most, start, width = given.least, given.most, given.start, given.end - given.start
    if given.log or given.bell is not None:
        return _curved(given)
    if given.whole:
        count = given.size or 0  # The width is not used. From 2**51 on it is rounded, as floats cannot hold halves.

        def whole(u: float) -> float:
            x = least + int(u * count)
            return x if x < most else most

        return whole

    def straight(u: float) -> float:
        x = start + u * width
        return x if x < most else most

    return straight


def _curved(given: Range) -> Callable[[float], float]:
    least, most, start, width = given.least, given.most, given.start, given.end - given.start
    log, whole, bell = given.log, given.whole, given.bell

    def curved(u: float) -> float:
        x = start + u * width if bell is None else bell.quantile(u)
        if log:
            x = math.exp(x)
        if whole:
            x = round(x)
        return least if x < least else most if x > most else x

    return curved
