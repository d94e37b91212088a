"""What is drawn: 10**5 samples of every kind against the closed form, and the ways from unit numbers and back."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from runlib import Categorical, Choice, Float, Integer, LogNormal, Normal, Ordinal, Space, SpaceError
from runlib.search.hyperopt.draws import prior_draw
from runlib.space.distributions.distribution import Distribution, Power
from runlib.space.forms.text import parse

COUNT = 100_000
LEVEL = 1e-3  # of every test; seeds are fixed


def truncated(middle: float, width: float, low: float, high: float) -> object:
    """The normal around ``middle`` between bounds, of which ``width`` is the standard deviation in shares of them."""
    sigma = width * (high - low)
    return stats.truncnorm((low - middle) / sigma, (high - middle) / sigma, middle, sigma)


def distribution(space: object) -> Distribution:
    """What one variable is drawn from."""
    [variable] = Space.of(space).variables
    return variable.distribution


CONTINUOUS = {
    "float": (Float(-2, 3), stats.uniform(-2, 5)),
    "log": (Float(1e-5, 1e-1, log=True), stats.loguniform(1e-5, 1e-1)),
    "normal": (Normal(1, 2), stats.norm(1, 2)),
    "lognormal": (LogNormal(1, 0.5), stats.lognorm(0.5, scale=math.e)),
    "low": (Float(0, 4, prior=1, prior_confidence="low"), truncated(1, 0.75, 0, 4)),
    "medium": (Float(0, 4, prior=1), truncated(1, 0.5, 0, 4)),
    "high": (Float(0, 4, prior=4, prior_confidence="high"), truncated(4, 0.25, 0, 4)),
    "normal prior": (Normal(1, 2, prior=5, prior_confidence="high"), stats.norm(5, 0.5)),
    "lognormal prior": (LogNormal(1, 2, prior=5), stats.lognorm(1, scale=5)),
    "hp_uniform": (["hp_uniform", "x", -2, 3], stats.uniform(-2, 5)),
    "hp_loguniform": (["hp_loguniform", "x", -3, 1], stats.loguniform(math.exp(-3), math.exp(1))),
    "hp_normal": (["hp_normal", "x", 1, 2], stats.norm(1, 2)),
    "hp_lognormal": (["hp_lognormal", "x", 1, 0.5], stats.lognorm(0.5, scale=math.e)),
    "added": (1 + Float(0, 2), stats.uniform(1, 2)),
    "power": (10 ** Float(-3, 0), stats.loguniform(1e-3, 1)),
}
GENERATORS = {"python": lambda: random.Random(7), "numpy": lambda: np.random.default_rng(7)}


@pytest.mark.slow
@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_samples_follow_the_closed_form(name: str) -> None:
    parameter, expected = CONTINUOUS[name]
    space, rng = Space.of(parameter), random.Random(11)
    samples = np.array([space.sample(rng) for _ in range(COUNT)])
    assert stats.kstest(samples, expected.cdf).pvalue > LEVEL


@pytest.mark.parametrize("generator", GENERATORS)
def test_both_generators_do(generator: str) -> None:
    space, rng = Space.of(Float(1, 100, log=True)), GENERATORS[generator]()
    samples = [space.sample(rng) for _ in range(COUNT)]
    assert {type(value) for value in samples} == {float}
    assert stats.kstest(samples, stats.loguniform(1, 100).cdf).pvalue > LEVEL


def test_a_prior_on_a_log_range_is_normal_in_the_logarithm() -> None:
    space, rng = Space.of(Float(1e-4, 1, log=True, prior=1e-3, prior_confidence="high")), random.Random(3)
    samples = np.log10([space.sample(rng) for _ in range(COUNT)])
    assert stats.kstest(samples, truncated(-3, 0.25, -4, 0).cdf).pvalue > LEVEL


def log_shares(low: int, high: int) -> dict[int, float]:
    """The probability of each integer of a logarithmic range."""
    total = math.log((high + 0.5) / (low - 0.5))
    return {n: math.log((n + 0.5) / (n - 0.5)) / total for n in range(low, high + 1)}


def normal_shares(count: int, middle: int, width: float) -> dict[int, float]:
    """The probability of each place of a range of places around a prior."""
    bell = truncated(middle, width, -0.5, count - 0.5)
    return {k: bell.cdf(k + 0.5) - bell.cdf(k - 0.5) for k in range(count)}


DISCRETE = {
    "integer": (Integer(-1, 3), dict.fromkeys(range(-1, 4), 0.2)),
    "two": (Integer(0, 1), {0: 0.5, 1: 0.5}),
    "steps": (Integer(1, 9, step=4), dict.fromkeys((1, 5, 9), 1 / 3)),
    "float steps": (Float(0, 1, step=0.25), dict.fromkeys((0.0, 0.25, 0.5, 0.75, 1.0), 0.2)),
    "log integer": (Integer(1, 20, log=True), log_shares(1, 20)),
    "integer prior": (Integer(0, 7, prior=2), normal_shares(8, 2, 0.5)),
    "ordinal": (Ordinal(["s", "m", "l"]), dict.fromkeys("sml", 1 / 3)),
    "ordinal prior": (
        Ordinal(list("abcd"), prior="d", prior_confidence="high"),
        dict(zip("abcd", normal_shares(4, 3, 0.25).values(), strict=True)),
    ),
    "categorical": (Categorical(["a", "b", "c"]), dict.fromkeys("abc", 1 / 3)),
    "categorical prior": (
        Categorical(["a", "b", "c", "d"], prior="b", prior_confidence="high"),
        {"a": 0.0625, "b": 0.8125, "c": 0.0625, "d": 0.0625},
    ),
    "choice prior": (
        Choice(["a", "b"], prior=0, prior_confidence="low"),
        {"a": 0.25 + 0.375, "b": 0.375},
    ),
    "hp_randint": (["hp_randint", "x", -2, 3], dict.fromkeys(range(-2, 3), 0.2)),
    "hp_uniformint": (["hp_uniformint", "x", 0, 4], {0: 0.125, 1: 0.25, 2: 0.25, 3: 0.25, 4: 0.125}),
    "hp_quniform": (["hp_quniform", "x", 0, 1, 0.5], {0.0: 0.25, 0.5: 0.5, 1.0: 0.25}),
    "hp_choice": (["hp_choice", "x", ["a", "b"]], {"a": 0.5, "b": 0.5}),
    "hp_pchoice": (["hp_pchoice", "x", [[0.3, "a"], [0, "never"], [0.7, "b"]]], {"a": 0.3, "b": 0.7}),
    "hp_loggrid": (["hp_loggrid", "x", 0, 2, 1.0], dict.fromkeys((1.0, 2.0, 4.0), 1 / 3)),
    "hp_loggrid_uniform": (["hp_loggrid_uniform", "x", 0, 2, 1], {1.0: 0.25, 2.0: 0.5, 4.0: 0.25}),
    "hp_qloguniform": (
        ["hp_qloguniform", "x", 0, 1, 1],
        {1.0: math.log(1.5), 2.0: math.log(2.5 / 1.5), 3.0: 1 - math.log(2.5)},
    ),
    "hp_qlognormal": (
        ["hp_qlognormal", "x", 0, 0.2, 1],
        {k: stats.lognorm(0.2).cdf(k + 0.5) - stats.lognorm(0.2).cdf(k - 0.5) for k in (0.0, 1.0, 2.0, 3.0)},
    ),
    "power of two": (2 ** Integer(0, 3), dict.fromkeys((1, 2, 4, 8), 0.25)),
}


def fits(samples: list, shares: dict) -> bool:
    """Chi squared over what is expected often enough."""
    counts = Counter(samples)
    assert set(counts) <= set(shares)
    often = [value for value, share in shares.items() if share * COUNT > 5]
    expected = np.array([shares[value] for value in often])
    seen = np.array([counts[value] for value in often])
    return bool(stats.chisquare(seen, expected / expected.sum() * seen.sum()).pvalue > LEVEL)


@pytest.mark.slow
@pytest.mark.parametrize("name", DISCRETE)
def test_discrete_samples_follow_the_closed_form(name: str) -> None:
    parameter, shares = DISCRETE[name]
    space, rng = Space.of(parameter), random.Random(5)
    assert fits([space.sample(rng) for _ in range(COUNT)], shares)


TYPED_ONES = ["integer", "steps", "float steps", "log integer", "integer prior", "ordinal", "categorical prior"]


@pytest.mark.slow
@pytest.mark.parametrize("name", TYPED_ONES)
def test_the_draws_for_hyperopt_follow_it_too(name: str) -> None:
    parameter, shares = DISCRETE[name]
    space, rng = Space.of(parameter), np.random.default_rng(2)
    draw = prior_draw(space.variables[0].distribution)
    assert fits([space.assemble([draw(rng)]) for _ in range(COUNT)], shares)


EVERY = {
    **{name: distribution(parameter) for name, (parameter, _) in {**CONTINUOUS, **DISCRETE}.items()},
    "hp_qnormal": distribution(["hp_qnormal", "x", 0, 1, 0.5]),
    "vast": distribution(Integer(0, 2**53 - 1)),
    "one": distribution(Integer(3, 3)),
    "wide": distribution(Float(-1e300, 1e300)),
    "narrow": distribution(Float(1, 1 + 1e-15)),
    "tiny": distribution(Float(5e-324, 1e-300, log=True)),
}
UNITS = [0.0, 1e-300, 2.0**-53, 1e-9, 0.1, 0.25, 1 / 3, 0.5, 0.75, 0.9, 1 - 1e-9, 1 - 2.0**-53]


@pytest.mark.parametrize("name", EVERY)
def test_unit_numbers_lead_to_raw_numbers_in_order_and_back(name: str) -> None:
    given = EVERY[name]
    raws = [given.from_unit(u) for u in UNITS]
    slack = 1e-12 * abs(raws[-1] - raws[0])  # quantiles of a normal are exact up to rounding
    assert all(one <= two + slack for one, two in itertools.pairwise(raws))
    for u, raw in zip(UNITS, raws, strict=True):
        back = given.to_unit(raw)
        assert 0 <= back <= 1
        again = given.from_unit(min(back, 1 - 2.0**-53))
        assert math.isclose(again, raw, rel_tol=1e-9, abs_tol=1e-9 * abs(raws[-1] - raws[0])), (u, raw)
    if hasattr(given, "raw"):
        assert [raw for raw in raws if given.raw(given.value(raw)) is None] == []
    if not isinstance(given, Power) and hasattr(given, "bounds"):
        low, high = given.bounds
        assert low - 1e-9 * abs(low) <= given.value(raws[0])
        assert given.value(raws[-1]) <= high + 1e-9 * abs(high)


@pytest.mark.parametrize("name", EVERY)
def test_grids_hold_what_can_be_drawn_and_as_much_as_they_say(name: str) -> None:
    given = EVERY[name]
    if given.size is not None and given.size > 10**6:
        with pytest.raises(SpaceError, match="points are too many to list"):
            given.grid(5)
        return
    grid = list(given.grid(5))
    assert len(grid) == len(set(grid)) == (given.size or len(grid))
    assert grid == sorted(grid)
    rounded = name == "narrow" or getattr(given, "q", None)
    assert given.size is not None or rounded or len(grid) == 5
    if hasattr(given, "raw"):
        assert [raw for raw in grid if given.raw(given.value(raw)) is None] == []
    rng = random.Random(1)
    if given.size is not None:
        assert {given.draw(rng) for _ in range(3000)} <= set(grid)


def test_a_grid_of_a_continuous_range_is_even_on_its_scale_and_has_both_ends() -> None:
    assert list(distribution(Float(0, 1)).grid(5)) == [0, 0.25, 0.5, 0.75, 1]
    grid = distribution(Float(1e-4, 1, log=True)).grid(5)
    assert (grid[0], grid[-1]) == (1e-4, 1)
    assert np.allclose(np.log10(grid), [-4, -3, -2, -1, 0])
    assert list(distribution(Float(0, 1)).grid(1)) == [0.5]
    assert list(distribution(Normal(2, 1)).grid(1)) == [2]
    assert np.allclose(distribution(Normal(0, 1)).grid(4), stats.norm.ppf([0.125, 0.375, 0.625, 0.875]))
    assert list(parse(["hp_uniform", "x", 0, 1]).variables[0].distribution.grid(3)) == [0, 0.5, 1]


def test_integers_beyond_which_no_halves_are_floats_are_equally_likely() -> None:
    given = distribution(Integer(2**52, 2**52 + 3))
    ends = [given.from_unit(u) - 2**52 for k in range(4) for u in (k / 4, (k + 1) / 4 - 1e-9)]
    assert ends == [0, 0, 1, 1, 2, 2, 3, 3]


def test_bounds_are_never_left_whatever_is_calculated() -> None:
    for low, high in [(0.1, 0.3), (1e-5, 1e-1), (0.7, 0.7000000000000003), (1 / 3, 1e9)]:
        for log in (False, True):
            given = distribution(Float(low, high, log=log))
            values = [given.from_unit(u) for u in UNITS] + [given.settle(x) for x in (low - 1e-17, high * (1 + 2e-16))]
            assert all(low <= value <= high for value in values)


def test_the_same_generator_gives_the_same_samples_by_every_way() -> None:
    choice = Choice([Integer(1, 9), {"n": Normal(0, 1)}])
    space = Space.of({"a": Float(0, 1, prior=0.2), "c": choice, "p": 2 * Float(0, 1)})
    for seed in range(30):
        one, two, three = (random.Random(seed) for _ in range(3))
        sample = space.sample(one)
        assert space.assemble(space.random_row(two)) == sample
        assert space.walk(lambda variable, rng=three: variable.distribution.draw(rng)) == sample
