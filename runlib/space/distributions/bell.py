"""Computes quantiles and shares of the normal distribution, cut off at bounds or not, with the standard library alone.

A quantile belongs to a unit number u in [0, 1). Random, quasi-random and evenly spaced points all use quantiles to
follow a distribution.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import NormalDist

__all__ = ["WIDTHS", "Bell", "quantile"]

# These are the standard deviations of draws around a prior, as shares of the range: one minus the confidence of 0.25,
# 0.5 and 0.75 that NePS gives to these names (``SearchSpace``'s priors and ``Prior.make_centered``,
# neps/sampling/priors.py).
WIDTHS = {"low": 0.75, "medium": 0.5, "high": 0.25}

LEAST, MOST = 2.0**-54, 1 - 2.0**-53  # At 0 and 1 the quantiles of a normal distribution are infinite.
_standard = NormalDist()


def quantile(u: float) -> float:
    """Returns the point below which the share ``u`` of the standard normal lies, between -8.3 and 8.3."""
    return _standard.inv_cdf(LEAST if u < LEAST else MOST if u > MOST else u)


@dataclass(frozen=True, slots=True)
class Bell:
    """Represents a normal with mean ``mu`` and standard deviation ``sigma``, cut off at ``low`` and ``high``.

    Draws invert the distribution function between the bounds (Devroye, Non-Uniform Random Variate Generation,
    section II.2). That is exact unless both bounds lie far out in one tail. Here the mean is between them.
    """

    mu: float
    sigma: float
    low: float
    high: float
    _first: float = field(init=False, repr=False, compare=False)
    _share: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        first, last = (_standard.cdf((end - self.mu) / self.sigma) for end in (self.low, self.high))
        object.__setattr__(self, "_first", first)
        object.__setattr__(self, "_share", last - first)

    def quantile(self, u: float) -> float:
        """Returns the point below which the share ``u`` lies, within the bounds."""
        x = self.mu + self.sigma * quantile(self._first + u * self._share)
        return self.low if x < self.low else self.high if x > self.high else x

    def below(self, x: float) -> float:
        """Returns the share below ``x``, the inverse of ``quantile``."""
        share = (_standard.cdf((x - self.mu) / self.sigma) - self._first) / self._share
        return min(max(share, 0.0), 1.0)
