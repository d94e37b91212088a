"""Mixtures against the functions of hyperopt that they stand for: equal to the last bit."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest

from runlib.space.distributions.distribution import Normal, Uniform

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from hyperopt import tpe

    from runlib.search.hyperopt import mixture as mixtures

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
        expected = theirs(distribution)(*mixture, **bounds, q=shape.q, rng=np.random.default_rng(3), size=(24,))
        assert ours.tolist() == expected.tolist()
        for samples in (ours, ours[:1], np.repeat(ours[:1], 5)):
            density = theirs(distribution, "_lpdf")(samples, *mixture, **bounds, q=shape.q)
            assert mixtures.density(samples, mixture, shape).tolist() == density.tolist()


@pytest.mark.parametrize("distribution", [d for d in DISTRIBUTIONS if d.q is None], ids=str)
@pytest.mark.parametrize("size", [60, 300, 2500])
def test_rough_scores_are_far_closer_than_what_they_may_rule_out(distribution: Uniform | Normal, size: int) -> None:
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


def chosen_by_the_formulas(samples: np.ndarray, below: mixtures.Mixture, above: mixtures.Mixture, shape) -> float:
    """What hyperopt takes: every sample weighed exactly."""
    scores = mixtures.density(samples, below, shape) - mixtures.density(samples, above, shape)
    return float(samples[np.argmax(scores)])


def some_case(rng: np.random.Generator) -> tuple:
    """Two mixtures over clustered values, as a search that closes in on something makes them, and samples."""
    kinds = [
        Uniform(-3, 5),
        Uniform(1e4, 1e4 + 1),
        Uniform(-9, 2, log=True),
        Normal(5, 0.1),
        Normal(0, 3, log=True),
    ]
    distribution = kinds[rng.integers(len(kinds))]
    shape = mixtures.shape_of(distribution)
    wide = values_of(distribution, int(rng.integers(0, 400)), rng)
    near = np.repeat(values_of(distribution, 1, rng), rng.integers(0, 200))
    near = near * (1 + 10.0 ** rng.uniform(-9, -2) * rng.normal(size=len(near)))
    values = rng.permutation(np.r_[wide, near])
    if shape.low is not None and shape.high is not None:
        ends = np.exp([shape.low, shape.high]) if shape.log else [shape.low, shape.high]
        values = np.clip(values, *ends)
    weight = 10.0 ** rng.uniform(-4, 2)
    count = int(rng.integers(0, 26))
    below = mixtures.fit(values[:count], shape, weight)
    above = mixtures.fit(values[count:], shape, weight)
    return mixtures.draw(below, shape, int(rng.integers(1, 60)), rng), below, above, shape


@pytest.mark.parametrize("count", [400, pytest.param(20_000, marks=pytest.mark.slow)])
def test_the_best_sample_is_the_one_of_the_exact_formulas(count: int) -> None:
    rough = 0
    for seed in range(count):
        case = some_case(np.random.default_rng(seed))
        with np.errstate(all="ignore"):
            assert mixtures.best(*case) == chosen_by_the_formulas(*case), seed
            rough += bool(np.isfinite(mixtures._rough_scores(*case)).all())
    assert rough > count / 2  # the short cut is what is tested, mostly
