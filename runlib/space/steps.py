"""Steps of a decimal number, each the float that is written with its decimals: three steps of 0.1 are 0.3.

Adding or multiplying floats gives 0.30000000000000004 instead, and then one point has two spellings. What a step is
worth is calculated with integers and rounded once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

__all__ = ["Steps"]


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
