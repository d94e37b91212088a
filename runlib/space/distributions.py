"""What a variable is drawn from: the raw numbers a search works with, and the values a suggestion shows.

A search knows a variable by one *raw* number: the draw itself, the index of an option, the exponent of a
power. ``value`` turns it into what stands in the suggestion, always plain Python; ``raw`` goes back, and gives
None for a value that the distribution cannot have made.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

__all__ = ["Distribution", "Integers", "Normal", "Options", "Power", "Uniform"]

CLOSE = 1e-9  # relative: exp and multiples of q are not exactly invertible


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

    def value(self, raw: float) -> Any:
        """The number in the suggestion."""
        return int(raw) if self.integer else float(raw) + 0.0  # + 0.0: a rounded -0.0 is 0.0

    def raw(self, value: Any) -> float | None:
        """The draw that shows as ``value``."""
        number = _number(value, self.integer)
        return None if number is None or not self._within(number) else number

    def _within(self, number: float) -> bool:
        low, high = (math.exp(self.low), math.exp(self.high)) if self.log else (self.low, self.high)
        if self.q is not None:
            low, high = round(low / self.q) * self.q, round(high / self.q) * self.q
        slack = CLOSE * max(abs(low), abs(high))
        return low - slack <= number <= high + slack and _on_grid(number, self.q)


@dataclass(frozen=True, slots=True)
class Normal:
    """Normal with mean ``mu`` and standard deviation ``sigma``; ``log`` and ``q`` as in ``Uniform``."""

    mu: float
    sigma: float
    q: float | None = None
    log: bool = False

    memorable = False

    def value(self, raw: float) -> float:
        """The number in the suggestion."""
        return float(raw) + 0.0

    def raw(self, value: Any) -> float | None:
        """The draw that shows as ``value``."""
        number = _number(value, integer=False)
        if number is None or not _on_grid(number, self.q):
            return None
        positive = number > 0 or (number == 0 and self.q is not None)
        return number if positive or not self.log else None


@dataclass(frozen=True, slots=True)
class Integers:
    """Each integer from ``low`` up to and without ``high`` is equally likely, and unlike its neighbours."""

    low: int
    high: int

    memorable = False

    def value(self, raw: float) -> int:
        """The integer in the suggestion."""
        return int(raw)

    def raw(self, value: Any) -> float | None:
        """The draw that shows as ``value``."""
        number = _number(value, integer=True)
        return number if number is not None and self.low <= number < self.high else None


@dataclass(frozen=True, slots=True)
class Power:
    """``base`` to the power of a draw from ``exponent``; the suggestion does not show the exponent exactly."""

    base: float
    exponent: Uniform

    memorable = True

    def value(self, raw: float) -> float:
        """The power in the suggestion."""
        return float(self.base ** (float(raw) + 0.0))

    def raw(self, value: Any) -> float | None:
        """The exponent of ``value``."""
        number = _number(value, integer=False)
        if number is None or number <= 0:
            return None
        exponent = math.log(number) / math.log(self.base)
        if self.exponent.q is not None:
            exponent = round(exponent / self.exponent.q) * self.exponent.q
        near = math.isclose(self.value(exponent), number, rel_tol=CLOSE)
        return self.exponent.raw(exponent) if near else None


@dataclass(frozen=True, slots=True)
class Options:
    """The index of an option: of ``count``, equally likely or with the given probabilities."""

    count: int
    weights: tuple[float, ...] | None = None

    memorable = True


Distribution = Uniform | Normal | Integers | Power | Options


def _number(value: Any, integer: bool) -> float | None:
    """``value`` as a finite number, or None; a bool is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and (not integer or number.is_integer()) else None


def _on_grid(number: float, q: float | None) -> bool:
    if q is None:
        return True
    return math.isclose(round(number / q) * q, number, rel_tol=CLOSE, abs_tol=CLOSE * q)
