"""Steps of a decimal number, each the float that is written with its decimals: three steps of 0.1 are 0.3.

Adding or multiplying floats gives 0.30000000000000004 instead, and then one point has two spellings. What a step is
worth is calculated with integers and rounded once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

__all__ = ["Steps", "multiple", "nearest"]


@dataclass(frozen=True, slots=True)
class Steps:
    """The numbers ``(low + k * step) / scale``, all three being integers."""

    low: int
    step: int
    scale: int

    @classmethod
    def of(cls, low: float, step: float) -> Steps:
        """The steps from ``low`` on, each number taken for the decimal that it is written as."""
        (start, below), (width, under) = (Decimal(repr(x)).as_integer_ratio() for x in (low, step))
        scale = math.lcm(below, under)
        return cls(start * (scale // below), width * (scale // under), scale)

    def at(self, k: int) -> float:
        """Step number ``k``: the float next to it."""
        return (self.low + k * self.step) / self.scale


def nearest(x: float, q: float) -> float:
    """The multiple of ``q`` next to ``x``, half to even, as floats multiply; what is beyond all multiples stays."""
    steps = x / q
    return round(steps) * q + 0.0 if math.isfinite(steps) else x  # + 0.0: a rounded -0.0 is 0.0


def multiple(x: float, q: float) -> float:
    """The same with its decimals: 0.3, where three times 0.1 is 0.30000000000000004 as floats multiply.

    A step such as 1/3 has no decimals that are meant: of the two, the one is taken that is written shorter.
    """
    steps = x / q
    if not math.isfinite(steps):
        return x
    rough, exact = round(steps) * q + 0.0, _from_zero(q).at(round(steps)) + 0.0
    return exact if exact == rough or len(repr(exact)) < len(repr(rough)) else rough


@lru_cache(maxsize=1000)
def _from_zero(q: float) -> Steps:
    return Steps.of(0.0, float(q))
