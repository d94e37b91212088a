"""The numbers of any distribution of ``scipy.stats``, drawn by its quantiles.

A search knows the share of all draws that lies below the value, from 0 to 1; the suggestion shows the value, and the
memo has the share. So a search by steps, by neighbours or by estimates works on a scale on which all draws are alike.
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

LEAST, MOST = 2.0**-54, 1 - 2.0**-53  # at 0 and 1 quantiles may be infinite
NEAR = 1e-6  # relative: quantiles are found by iteration, and are not exactly invertible


@dataclass(frozen=True, slots=True)
class Quantile:
    """The numbers of a distribution of scipy; the raw number is the share of draws below.

    Attributes:
        name: Of the distribution in ``scipy.stats``.
        arguments: Its parameters, sorted by name.
        integer: Whether values are ints: the distribution is discrete.
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
        """What the raw number is drawn from."""
        return Uniform(0.0, 1.0)

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest value."""
        low, high = self._frozen.support()
        return float(low), float(high)

    def value(self, raw: float) -> Any:
        """The number in the suggestion."""
        found = float(self._frozen.ppf(min(max(raw, LEAST), MOST)))
        return int(found) if self.integer else found + 0.0

    def raw(self, value: Any) -> float | None:
        """A share that shows as ``value``."""
        found = number(value, self.integer)
        if found is None:
            return None
        below = float(self._frozen.cdf(found))
        if self.integer:  # the middle of the shares that lead to it
            below = (below + float(self._frozen.cdf(found - 1))) / 2
        near = math.isclose(self.value(below), found, rel_tol=NEAR, abs_tol=1e-12)
        return below if near else None

    def from_unit(self, u: float) -> float:
        """The share itself."""
        return u

    def to_unit(self, raw: float) -> float:
        """The share itself."""
        return raw

    def draw(self, rng: Rng) -> float:
        """A random share."""
        return rng.random()

    def grid(self, resolution: int) -> Sequence[float]:
        """Shares, each in the middle of an equal part."""
        count = listable(resolution)
        return [(k + 0.5) / count for k in range(count)]

    def describe(self) -> str:
        """What is admissible, for people."""
        low, high = self.bounds
        noun = "an integer" if self.integer else "a number"
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.arguments)
        ends = f" from {shown(low)} to {shown(high)}" if math.isfinite(low) and math.isfinite(high) else ""
        return f"{noun}{ends} that {self.name}({arguments}) of scipy gives"
