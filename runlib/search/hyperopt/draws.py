"""Draws from the prior of a variable and near a good earlier trial: ``rand`` and ``anneal`` of hyperopt.

Each function makes the same calls to the generator as ``hyperopt.pyll.stochastic`` and ``hyperopt.anneal`` make for one
trial, and so gives the same numbers. The graphs and documents around them are left out. hyperopt has no ``Range``. It
is drawn by its quantiles, and near an earlier trial like the uniform at its ``core``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from runlib.space.distributions.distribution import (
    Distribution,
    Integers,
    Normal,
    Options,
    Power,
    Quantile,
    Range,
    Uniform,
)

__all__ = ["Array", "Draw", "core", "index_draw", "narrowed", "prior_draw"]

Array = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator], float]


def prior_draw(distribution: Distribution) -> Draw:
    """Returns a function that draws one raw number."""
    if isinstance(distribution, Range):
        return lambda rng: distribution.settle(distribution.from_unit(rng.random()))
    if isinstance(distribution, Power | Quantile):
        return prior_draw(distribution.inner)
    if isinstance(distribution, Uniform | Normal):
        return _real_draw(distribution)
    if isinstance(distribution, Options) and distribution.weights is not None:
        return index_draw(np.asarray(distribution.weights))
    low, high = (distribution.low, distribution.high) if isinstance(distribution, Integers) else (0, distribution.count)
    return lambda rng: int(rng.integers(low, high))


def core(distribution: Range) -> Uniform:
    """Returns hyperopt's distribution over the same scale; its values must be settled."""
    return Uniform(distribution.start, distribution.end, 1.0 if distribution.whole else None, distribution.log)


def _real_draw(distribution: Uniform | Normal) -> Draw:
    q = distribution.q
    plain = _plain_draw(distribution)
    draw: Draw = (lambda rng: float(np.exp(plain(rng)))) if distribution.log else plain
    return draw if q is None else (lambda rng: float(np.rint(draw(rng) / q) * q) + 0.0)  # no -0.0


def _plain_draw(distribution: Uniform | Normal) -> Draw:
    if isinstance(distribution, Uniform):
        low, high = distribution.low, distribution.high
        return lambda rng: rng.uniform(low, high)
    mu, sigma = distribution.mu, distribution.sigma
    return lambda rng: rng.normal(mu, sigma)


def index_draw(weights: Array, offset: int = 0) -> Draw:
    """Returns a function that draws an index with these probabilities, and adds ``offset``."""
    return lambda rng: int(rng.multinomial(1, weights).argmax()) + offset


def narrowed(distribution: Distribution, raw: float, share: float) -> Draw:
    """Returns a draw near ``raw``, from a distribution narrowed to a share of its width in (0, 1]."""
    if isinstance(distribution, Range):
        near = narrowed(core(distribution), raw, share)
        return lambda rng: distribution.settle(near(rng))
    if isinstance(distribution, Power | Quantile):
        return narrowed(distribution.inner, raw, share)
    if isinstance(distribution, Uniform):
        half = 0.5 * ((distribution.high - distribution.low) * share)
        middle = np.log(raw) if distribution.log else raw
        middle = float(np.clip(middle, distribution.low + half, distribution.high - half))
        return _real_draw(replace(distribution, low=middle - half, high=middle + half))
    if isinstance(distribution, Normal):
        return _real_draw(replace(distribution, mu=_centre(distribution, raw), sigma=distribution.sigma * share))
    low = distribution.low if isinstance(distribution, Integers) else 0
    return index_draw(_leaning(distribution, int(raw) - low, share), low)


def _centre(distribution: Normal, raw: float) -> float:
    if not distribution.log:
        return raw
    # hyperopt adds this small number, so that a draw that was rounded to 0 has a finite logarithm.
    return float(np.log(raw if distribution.q is None else 1e-16 + raw))


def _leaning(distribution: Integers | Options, picked: int, share: float) -> Array:
    """Returns the prior's probabilities, weighted by ``share``, with the rest on the picked index."""
    if isinstance(distribution, Options) and distribution.weights is not None:
        prior = share * np.asarray(distribution.weights)
    else:
        count = distribution.count if isinstance(distribution, Options) else distribution.high - distribution.low
        prior = np.full(count, share / count)
    chosen = np.zeros(len(prior))
    chosen[picked] = 1.0
    return np.asarray((1 - share) * chosen + prior)
