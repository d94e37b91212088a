"""Computes steps of a decimal number, so that each step is the float of its decimals: three steps of 0.1 are 0.3.

Adding or multiplying floats would give 0.30000000000000004, and one point would then have two spellings. The value of a
step is calculated with integers and rounded once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

__all__ = ["Steps", "multiple", "nearest"]


@dataclass(frozen=True, slots=True)
class Steps:
    """Represents the numbers ``(low + k * step) / scale``, where all three arguments are integers."""

    low: int
    step: int
    scale: int

    @classmethod
    def of(cls, low: float, step: float) -> Steps:
        """Returns the steps from ``low`` on. Each number is read as the decimal that its repr() shows."""
        (start, below), (width, under) = (Decimal(repr(x)).as_integer_ratio() for x in (low, step))
        scale = math.lcm(below, under)
        return cls(start * (scale // below), width * (scale // under), scale)

    def at(self, k: int) -> float:
        """Returns the float nearest to step number ``k``."""
        return (self.low + k * self.step) / self.scale


def nearest(x: float, q: float) -> float:
    """Returns the multiple of ``q`` nearest to ``x``, half to even, as a float product; ``x`` if that overflows."""
    steps = x / q
    return round(steps) * q + 0.0 if math.isfinite(steps) else x  # Adding 0.0 turns -0.0 into 0.0.


def multiple(x: float, q: float) -> float:
    """Returns the multiple of ``q`` nearest to ``x`` with its decimals: 0.3 and not 0.30000000000000004 for 3 * 0.1.

    A step such as 1/3 has no exact decimals. Of the exact and the float product, the shorter one is then returned.
    """
    steps = x / q
    if not math.isfinite(steps):
        return x
    rough, exact = round(steps) * q + 0.0, _from_zero(q).at(round(steps)) + 0.0
    return exact if exact == rough or len(repr(exact)) < len(repr(rough)) else rough


@lru_cache(maxsize=1000)
def _from_zero(q: float) -> Steps:
    return Steps.of(0.0, float(q))
