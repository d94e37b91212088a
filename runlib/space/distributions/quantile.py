"""Draws numbers from any distribution of ``scipy.stats`` by its quantiles.

The raw number is the share of all draws below the value, from 0 to 1. The suggestion shows the value, and the memo
holds the share. A search by steps, by neighbours or by estimates thus works on a scale on which draws are uniform.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from runlib.engine.extras import load
from runlib.space.distributions.continuous import Uniform
from runlib.space.distributions.numbers import listable, number, shown
from runlib.space.distributions.ranges import Rng

__all__ = ["Quantile"]

LEAST, MOST = 2.0**-54, 1 - 2.0**-53  # At 0 and 1 quantiles may be infinite.
NEAR = 1e-6  # This tolerance is relative. Quantiles are found by iteration and are not exactly invertible.


@dataclass(frozen=True, slots=True)
class Quantile:
    """Draws the numbers of a distribution of scipy. The raw number is the share of draws below the value.

    Attributes:
        name: The name of the distribution in ``scipy.stats``.
        arguments: The parameters of the distribution, sorted by name.
        integer: Whether values are ints because the distribution is discrete.
    """

    name: str
    arguments: tuple[tuple[str, float], ...]
    integer: bool = field(init=False, compare=False)
    _frozen: Any = field(init=False, repr=False, compare=False)

    memorable = True
    whole = False
    size = None

    def __post_init__(self) -> None:
        frozen = getattr(load("scipy.stats"), self.name)(**dict(self.arguments))
        object.__setattr__(self, "_frozen", frozen)
        object.__setattr__(self, "integer", not hasattr(frozen.dist, "pdf"))

    def __reduce__(self) -> tuple[Any, ...]:
        return Quantile, (self.name, self.arguments)

    @property
    def inner(self) -> Uniform:
        """Returns the distribution of the raw number."""
        return Uniform(0.0, 1.0)

    @property
    def bounds(self) -> tuple[float, float]:
        """Returns the least and the greatest value."""
        low, high = self._frozen.support()
        return float(low), float(high)

    def value(self, raw: float) -> Any:
        """Returns the number in the suggestion."""
        found = float(self._frozen.ppf(min(max(raw, LEAST), MOST)))
        return int(found) if self.integer else found + 0.0

    def raw(self, value: Any) -> float | None:
        """Returns a share that shows as ``value``; None if there is none."""
        found = number(value, self.integer)
        if found is None:
            return None
        below = float(self._frozen.cdf(found))
        if self.integer:  # This takes the middle of the shares that lead to the value.
            below = (below + float(self._frozen.cdf(found - 1))) / 2
        near = math.isclose(self.value(below), found, rel_tol=NEAR, abs_tol=1e-12)
        return below if near else None

    def from_unit(self, u: float) -> float:
        """Returns the share itself."""
        return u

    def to_unit(self, raw: float) -> float:
        """Returns the share itself."""
        return raw

    def draw(self, rng: Rng) -> float:
        """Returns a random share."""
        return rng.random()

    def grid(self, resolution: int) -> Sequence[float]:
        """Returns ``resolution`` shares, each in the middle of an equal part."""
        count = listable(resolution)
        return [(k + 0.5) / count for k in range(count)]

    def describe(self) -> str:
        """Returns a description of the allowed values for messages."""
        low, high = self.bounds
        noun = "an integer" if self.integer else "a number"
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.arguments)
        ends = f" from {shown(low)} to {shown(high)}" if math.isfinite(low) and math.isfinite(high) else ""
        return f"{noun}{ends} that {self.name}({arguments}) of scipy gives"
