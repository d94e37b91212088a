"""Mixtures against the functions of hyperopt that they stand for: equal to the last bit."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest

from runlib.space.distributions import Normal, Uniform

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from hyperopt import tpe

    from runlib.search import _hyperopt_mixture as mixtures

DISTRIBUTIONS = [
    Uniform(-1, 3),
    Uniform(-1, 3, q=0.25),
    Uniform(-4, 2, log=True),
    Uniform(0, 4, q=2, log=True),
    Normal(1, 2),
    Normal(1, 2, q=1),
    Normal(0, 1, log=True),
    Normal(1, 1, q=0.5, log=True),
]
SIZES = [0, 1, 2, 24, 25, 300, 2500]


def values_of(distribution: Uniform | Normal, size: int, rng: np.random.Generator) -> np.ndarray:
    """Values such as the distribution makes."""
    if isinstance(distribution, Normal):
        drawn = rng.normal(distribution.mu, distribution.sigma, size)
    else:
        drawn = rng.uniform(distribution.low, distribution.high, size)
    drawn = np.exp(drawn) if distribution.log else drawn
    return drawn if distribution.q is None else np.round(drawn / distribution.q) * distribution.q


def theirs(distribution: Uniform | Normal, suffix: str = "") -> Callable:
    """The function of hyperopt for this kind of mixture."""
    return getattr(tpe, ("LGMM1" if distribution.log else "GMM1") + suffix)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
@pytest.mark.parametrize("size", SIZES)
def test_draws_and_densities_are_equal_to_the_last_bit(distribution: Uniform | Normal, size: int) -> None:
    rng = np.random.default_rng(size)
    shape = mixtures.shape_of(distribution)
    bounds = {} if shape.low is None else {"low": shape.low, "high": shape.high}
    with np.errstate(all="ignore"):
        mixture = mixtures.fit(values_of(distribution, size, rng), shape, 1.0)
        ours = mixtures.draw(mixture, shape, 24, np.random.default_rng(3))
        expected = theirs(distribution)(
            *mixture, **bounds, q=shape.q, rng=np.random.default_rng(3), size=(24,)
        )
        assert ours.tolist() == expected.tolist()
        for samples in (ours, ours[:1], np.repeat(ours[:1], 5)):
            density = theirs(distribution, "_lpdf")(samples, *mixture, **bounds, q=shape.q)
            assert mixtures.density(samples, mixture, shape).tolist() == density.tolist()


@pytest.mark.parametrize("distribution", [d for d in DISTRIBUTIONS if d.q is None], ids=str)
@pytest.mark.parametrize("size", [60, 300, 2500])
def test_rough_scores_are_far_closer_than_what_they_may_rule_out(
    distribution: Uniform | Normal, size: int
) -> None:
    shape = mixtures.shape_of(distribution)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        values = values_of(distribution, size, rng)
        below, above = mixtures.fit(values[:25], shape, 1.0), mixtures.fit(values[25:], shape, 1.0)
        samples = mixtures.draw(below, shape, 24, rng)
        exact = mixtures.density(samples, below, shape) - mixtures.density(samples, above, shape)
        off = mixtures._rough_scores(samples, below, above, shape) - exact
        assert np.ptp(off) < mixtures.NEAR / 10


def test_of_equal_samples_any_is_the_best_and_of_different_ones_the_likelier() -> None:
    shape = mixtures.shape_of(Uniform(0, 1))
    low, high = mixtures.fit(np.full(20, 0.2), shape, 1.0), mixtures.fit(np.full(20, 0.8), shape, 1.0)
    assert mixtures.best(np.array([0.8, 0.5, 0.2, 0.2]), low, high, shape) == 0.2
    assert mixtures.best(np.array([0.8, 0.5, 0.2, 0.2]), high, low, shape) == 0.8
