"""Fits, draws and weighs mixtures of normals as hyperopt does, with the same numbers and less work.

Two rules keep the numbers equal to those of ``hyperopt.tpe``. Draws make the same calls to the generator in the same
order. If only the best of some samples is needed, a rough density may rule samples out, but the exact formula of
hyperopt, operation by operation, decides among those that come near the best one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from hyperopt.tpe import EPS, adaptive_parzen_normal, lognormal_lpdf, logsum_rows, normal_cdf
from scipy.special import erf

from runlib.search.hyperopt.draws import Array, core
from runlib.space.distributions.distribution import Normal, Range, Uniform

__all__ = ["Mixture", "Shape", "best", "density", "draw", "fit", "shape_of"]

SQRT2 = np.sqrt(2)
# A rough score is wrong by less than 1e-3 as long as all points lie within REACH prior widths of the prior's mean:
# sigmas are at least 1/100 of the prior's, and single precision resolves 1e-6 of a width there.
REACH = 8.0
NEAR = 0.01
# Beyond these hyperopt's formulas reach its EPS, or leave the range of floats. A rough density differs from them there.
SIGMAS = (1e-9, 1e100)
FAINT = 1e-30  # smallest density in units of the prior; single precision ends at 1e-38
SAMPLES = (1e-290, 1e290)  # limits of the samples before the logarithm is taken


@dataclass(frozen=True, slots=True)
class Shape:
    """Holds what is the same for all mixtures of one variable.

    Attributes:
        mu: The mean of the prior; of the logarithm if ``log``.
        sigma: The standard deviation of the prior.
        low: The lower bound of the draws, or None; of the logarithm if ``log``.
        high: The upper bound in the same form; it is excluded.
        q: The step of the values, or None.
        log: Whether a draw is the logarithm of the value.
    """

    mu: float
    sigma: float
    low: float | None
    high: float | None
    q: float | None
    log: bool


class Mixture(NamedTuple):
    """Holds weights (sum 1), means and standard deviations, by ascending mean; shape (components,) each."""

    weights: Array
    mus: Array
    sigmas: Array


def shape_of(distribution: Uniform | Normal | Range) -> Shape:
    """Returns the shape that hyperopt gives to the mixtures for a prior.

    A range may have a value that is believed to be good. Then the normal around that value replaces the wide one that
    hyperopt puts in the middle.
    """
    if isinstance(distribution, Range):
        shape, bell = shape_of(core(distribution)), distribution.bell
        return shape if bell is None else replace(shape, mu=bell.mu, sigma=bell.sigma)
    q, log = distribution.q, distribution.log
    if isinstance(distribution, Normal):
        return Shape(distribution.mu, distribution.sigma, None, None, q, log)
    low, high = distribution.low, distribution.high
    return Shape(0.5 * (high + low), 1.0 * (high - low), low, high, q, log)


def fit(values: Array, shape: Shape, prior_weight: float) -> Mixture:
    """Returns a Parzen estimate over ``values``, oldest first, with the prior as one more component."""
    if shape.log and shape.q is None:
        values = np.log(values)
    elif shape.log:
        # Values that were rounded to 0 are moved to the end of the prior.
        least = EPS if shape.low is None else np.maximum(EPS, np.exp(shape.low))
        values = np.log(np.maximum(values, least))
    return Mixture(*adaptive_parzen_normal(values, prior_weight, shape.mu, shape.sigma))


def draw(mixture: Mixture, shape: Shape, count: int, rng: np.random.Generator) -> Array:
    """Returns ``count`` values from a mixture, within the bounds of the shape."""
    if shape.low is None or shape.high is None:
        picked = rng.multinomial(1, mixture.weights, (count,)).argmax(axis=1)
        samples = rng.normal(mixture.mus[picked], mixture.sigmas[picked])
    else:
        samples = np.asarray(_draw_within(mixture, (shape.low, shape.high), count, rng))
    samples = np.exp(samples) if shape.log else samples
    return samples if shape.q is None else np.asarray(np.round(samples / shape.q) * shape.q)


def _draw_within(mixture: Mixture, bounds: tuple[float, float], count: int, rng: np.random.Generator) -> list[float]:
    low, high = bounds
    multinomial, normal, weights = rng.multinomial, rng.normal, mixture.weights
    mus, sigmas = mixture.mus.tolist(), mixture.sigmas.tolist()
    samples: list[float] = []
    while len(samples) < count:
        component = multinomial(1, weights).argmax()
        sample = normal(mus[component], sigmas[component])
        if low <= sample < high:
            samples.append(sample)
    return samples


def best(samples: Array, below: Mixture, above: Mixture, shape: Shape) -> float:
    """Returns the first sample with the highest ratio of the densities ``below`` to ``above``."""
    if _allows_rough(samples, shape):
        rough = _rough_scores(samples, below, above, shape)
        if np.isfinite(rough).all():
            samples = samples[rough >= rough.max() - NEAR]
            if (samples == samples[0]).all():
                return float(samples[0])
    scores = density(samples, below, shape) - density(samples, above, shape)
    return float(samples[np.argmax(scores)]) + 0.0  # no -0.0


def _allows_rough(samples: Array, shape: Shape) -> bool:
    """Returns whether rough densities may be used."""
    if shape.q is not None or not SIGMAS[0] < shape.sigma < SIGMAS[1]:
        return False
    return not shape.log or bool(samples.min() > SAMPLES[0] and samples.max() < SAMPLES[1])


def _rough_scores(samples: Array, below: Mixture, above: Mixture, shape: Shape) -> Array:
    """Returns the scores up to a constant, with an error of up to ``NEAR`` / 10."""
    points = ((np.log(samples) if shape.log else samples) - shape.mu) / shape.sigma
    return np.log(_rough(points, below, shape)) - np.log(_rough(points, above, shape))


def _rough(points: Array, mixture: Mixture, shape: Shape) -> Array:
    """Returns a multiple of the density at points in units of the prior; shape (points,)."""
    mus, scales = (mixture.mus - shape.mu) / shape.sigma, shape.sigma / mixture.sigmas
    reach = max(abs(mus[0]), abs(mus[-1]), np.abs(points).max())
    kind = np.float32 if reach <= REACH else np.float64
    heights = np.log(mixture.weights * scales).astype(kind)
    scales = (scales * np.sqrt(0.5)).astype(kind)
    terms = points.astype(kind)[:, None] - mus.astype(kind)
    terms *= scales
    np.multiply(terms, terms, out=terms)
    np.subtract(heights, terms, out=terms)
    sums = np.exp(terms, out=terms).sum(axis=1, dtype=np.float64)
    return np.where(sums > FAINT, sums, np.nan)


def density(samples: Array, mixture: Mixture, shape: Shape) -> Array:
    """Returns the log density as ``GMM1_lpdf`` and ``LGMM1_lpdf`` of hyperopt compute it; shape (samples,)."""
    if shape.q is not None:
        return _stepped_density(samples, mixture, shape)
    weights, mus, sigmas = mixture
    if shape.log:
        return np.asarray(logsum_rows(lognormal_lpdf(samples[:, None], mus, sigmas) + np.log(weights)))
    mahal = ((samples[:, None] - mus) / np.maximum(sigmas, EPS)) ** 2
    coefficients = weights / np.sqrt(2 * np.pi * sigmas**2) / _accepted(mixture, shape)
    return np.asarray(logsum_rows(-0.5 * mahal + np.log(coefficients)))


def _accepted(mixture: Mixture, shape: Shape) -> float:
    """Returns the weight of a mixture that lies within the bounds."""
    if shape.low is None or shape.high is None:
        return 1.0
    weights, mus, sigmas = mixture
    return float(np.sum(weights * (normal_cdf(shape.high, mus, sigmas) - normal_cdf(shape.low, mus, sigmas))))


def _stepped_density(samples: Array, mixture: Mixture, shape: Shape) -> Array:
    """Returns the logarithm of the weight in the step around each sample; each distinct sample is weighed once."""
    points, place = np.unique(samples, return_inverse=True)
    lower, upper = _step(points, shape)
    # Many components are equal, because the values are multiples of q. Their integrals are computed once.
    first, group = _equal_runs(mixture)
    mus, sigmas = mixture.mus[first, None], mixture.sigmas[first, None]
    weights = mixture.weights[:, None]
    parts = weights * _below(upper, mus, sigmas, shape.log)[group]
    parts -= weights * _below(lower, mus, sigmas, shape.log)[group]
    # The components are added one after the other, as in a loop. A pairwise sum differs in the last bit.
    summed = np.add.accumulate(parts, axis=0)[-1]
    return np.asarray((np.log(summed) - np.log(_accepted(mixture, shape)))[place])


def _step(points: Array, shape: Shape) -> tuple[Array, Array]:
    half = (shape.q or 0.0) / 2
    lower, upper = points - half, points + half
    if shape.high is not None:
        upper = np.minimum(upper, np.exp(shape.high) if shape.log else shape.high)
    if shape.low is not None:
        lower = np.maximum(lower, np.exp(shape.low) if shape.log else shape.low)
    return (np.maximum(0, lower), upper) if shape.log else (lower, upper)


def _equal_runs(mixture: Mixture) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Returns where runs of equal components start, and the run of each component."""
    changes = (np.diff(mixture.mus) != 0) | (np.diff(mixture.sigmas) != 0)
    return np.flatnonzero(np.r_[True, changes]), np.r_[0, np.cumsum(changes)]


def _below(points: Array, mus: Array, sigmas: Array, log: bool) -> Array:
    """Returns the weight of each normal below each point; shape (components, points)."""
    spread = np.maximum(SQRT2 * sigmas, EPS)
    if log:
        return np.asarray(0.5 + 0.5 * erf((np.log(np.maximum(points, EPS)) - mus) / spread))
    return np.asarray(0.5 * (1 + erf((points - mus) / spread)))
