"""Computes the tree of Parzen estimators of hyperopt for one variable: the same draws and the same choice, faster.

The trials are split at a quantile of the loss. One density is fitted to the values below it and one to those above. Of
``n`` draws from the first, the one with the highest ratio of the two densities is taken. Fits, draws and densities are
those of ``hyperopt.tpe``, number by number (Bergstra et al., Algorithms for Hyper-Parameter Optimization, NIPS 2011).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from hyperopt.pyll.stochastic import categorical
from hyperopt.tpe import DEFAULT_LF, linear_forgetting_weights

from runlib.search.hyperopt.draws import Array
from runlib.search.hyperopt.mixture import best, draw, fit, shape_of
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

__all__ = ["Estimate", "estimator", "split"]

Estimate = Callable[[Array, Array, np.random.Generator], float]  # maps (below, above, rng) to a raw number


def split(losses: Array, gamma: float) -> npt.NDArray[np.bool_]:
    """Returns which trials are below: the best ceil(gamma sqrt(N)) of N, at most 25."""
    n_below = min(math.ceil(gamma * np.sqrt(len(losses))), DEFAULT_LF)
    below = np.zeros(len(losses), dtype=bool)
    # hyperopt's sort, which is not stable, decides which of equal losses are below.
    below[np.argsort(losses)[:n_below]] = True
    return below


def estimator(distribution: Distribution, *, prior_weight: float, candidates: int) -> Estimate:
    """Returns a function that suggests a raw number from the values below and above.

    These are given oldest first, without inactive ones.
    """
    if isinstance(distribution, Power | Quantile):
        return estimator(distribution.inner, prior_weight=prior_weight, candidates=candidates)
    if isinstance(distribution, Range):
        estimate = _real_estimator(distribution, prior_weight, candidates)
        return lambda below, above, rng: distribution.settle(estimate(below, above, rng))
    if isinstance(distribution, Uniform | Normal):
        return _real_estimator(distribution, prior_weight, candidates)
    return _index_estimator(distribution, prior_weight, candidates)


def _real_estimator(distribution: Uniform | Normal | Range, prior_weight: float, candidates: int) -> Estimate:
    shape = shape_of(distribution)

    def estimate(below: Array, above: Array, rng: np.random.Generator) -> float:
        good = fit(below, shape, prior_weight)
        samples = draw(good, shape, candidates, rng)
        return best(samples, good, fit(above, shape, prior_weight), shape)

    return estimate


def _index_estimator(distribution: Integers | Options, prior_weight: float, candidates: int) -> Estimate:
    low, prior = _pseudocounts(distribution, prior_weight)

    def estimate(below: Array, above: Array, rng: np.random.Generator) -> float:
        good, bad = _shares(below, low, prior), _shares(above, low, prior)
        samples = categorical(good, rng=rng, size=candidates)
        return int(samples[np.argmax(np.log(good[samples]) - np.log(bad[samples]))]) + low

    return estimate


def _pseudocounts(distribution: Integers | Options, prior_weight: float) -> tuple[int, Array]:
    """Returns the lowest index, and the count of each index before anything was tried."""
    if isinstance(distribution, Integers):
        return distribution.low, np.full(distribution.high - distribution.low, prior_weight)
    if distribution.weights is None:
        return 0, np.full(distribution.count, prior_weight)
    weights = np.asarray(distribution.weights)
    return 0, np.asarray(weights.size * (prior_weight * weights))


def _shares(values: Array, low: int, prior: Array) -> Array:
    """Returns the probability of each index from the prior and the values; the newest 25 values have full weight."""
    ages = linear_forgetting_weights(len(values), LF=DEFAULT_LF)
    counts = np.bincount(values.astype(int) - low, ages, len(prior)) + prior
    return np.asarray(counts / np.sum(counts))
