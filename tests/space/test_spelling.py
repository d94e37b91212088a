"""One point has one spelling, that of the search; what lies outside of the space stays as it is."""

from __future__ import annotations

import random
from typing import Any

import pytest

from runlib import Categorical, Choice, Constant, Float, Integer, LogNormal, Normal, Ordinal, Space

SPELLINGS: list[tuple[Any, Any, Any]] = [
    (Float(0, 1, step=0.1), 0.30000000000000004, 0.3),
    (Float(0, 1, step=0.1), 0.3, 0.3),
    (Float(0, 1, step=0.1), 1, 1.0),
    (Float(0, 1e-5, step=1e-6), 9.999999999999999e-06, 1e-05),
    (Float(0, 1), 1, 1.0),
    (Float(0, 1), 0.1 + 0.2, 0.1 + 0.2),
    (Float(1e-5, 1, log=True), 1, 1.0),
    (Integer(0, 3), 1.0, 1),
    (Integer(0, 30, step=10), 20.0, 20),
    (Integer(1, 64, log=True), 32.0, 32),
    (Integer(0, 3), 1, 1),
    (Normal(0, 1), 2, 2.0),
    (LogNormal(0, 1), 2, 2.0),
    (Categorical([1, 2.5, "a"]), 1.0, 1),
    (Ordinal([1.0, 2.0]), 2, 2.0),
    (Choice([{"k": Integer(0, 3)}, 7]), {"k": 2.0}, {"k": 2}),
    (Choice([{"k": Integer(0, 3)}, 7]), 7.0, 7),
    (Constant(3), 3.0, 3),
    (["hp_uniformint", "u", 0, 9], 4.0, 4),
    (["hp_randint", "u", 9], 4.0, 4),
    (["hp_quniform", "u", 0, 1, 0.1], 0.30000000000000004, 0.3),
    (["hp_quniform", "u", 0, 1, 0.1], 0.3, 0.3),
    (["hp_qloguniform", "u", -3, 0, 0.1], 0.7000000000000001, 0.7),
    (["hp_qnormal", "u", 0, 1, 0.05], -0.15000000000000002, -0.15),
    (["hp_qlognormal", "u", 0, 1, 0.1], 0.6000000000000001, 0.6),
    (["hp_quniform", "u", 0, 1, 1 / 3], 1, 1.0),
    (Ordinal([0.1, 0.3]), 0.1 + 0.2, 0.3),
    (Categorical([0.1, 0.3, [0.7, "a"]]), [0.7000000000000001, "a"], [0.7, "a"]),
    (Categorical([0.3, 0.1 + 0.2]), 0.1 + 0.2, 0.1 + 0.2),  # two options
    (Choice([0.3, {"k": 1}]), 0.1 + 0.2, 0.3),
    (Constant(0.3), 0.1 + 0.2, 0.3),
    (Integer(0, 3), True, 1),
    (Integer(0, 3), False, 0),
    (Float(0, 1, step=0.1), True, 1.0),
    (Categorical([0, 1]), True, 1),
    (Categorical([0, 1, True]), True, True),
    (Categorical([10**9, 10**9 + 2]), 10**9 + 1, 10**9 + 1),  # lies outside
    (["hp_uniformint", "u", 0, 9], True, 1),
    (["hp_quniform", "u", 0, 10, 2], 4, 4.0),
    (["hp_loggrid_uniform", "u", -3, 3, 1, 10], 100, 100.0),
    (["hp_choice", "u", [1, 2, [3, 4]]], [3.0, 4.0], [3, 4]),
    (2 ** Integer(4, 8), 32.0, 32),
    (1 + Float(0, 1, step=0.1), 1.3000000000000003, 1.3),
    (2 * Float(0, 1), 0.7, 0.7),
    ([Integer(0, 3), {"a": [Float(0, 1, step=0.25)]}], [2.0, {"a": [1]}], [2, {"a": [1.0]}]),
    (["hp_merge", [{"a": Integer(0, 3)}, Choice([{"b": Float(0, 1)}, {}])]], {"b": 1, "a": 1.0}, {"b": 1.0, "a": 1}),
    (5, 5.0, 5),
]


@pytest.mark.parametrize(("written", "given", "expected"), SPELLINGS, ids=lambda value: repr(value)[:40])
def test_a_point_has_one_spelling(written: Any, given: Any, expected: Any) -> None:
    space = Space.of({"x": written})
    assert repr(space.spelled({"x": given})) == repr({"x": expected})
    assert repr(space.spelled(space.spelled({"x": given}))) == repr({"x": expected})


@pytest.mark.parametrize(("written", "given", "expected"), SPELLINGS[:-1], ids=lambda value: repr(value)[:40])
def test_what_the_search_draws_is_spelled_already(written: Any, given: Any, expected: Any) -> None:
    space = Space.of({"x": written})
    for seed in range(20):
        suggestion = space.sample(random.Random(seed))
        assert repr(space.spelled(suggestion)) == repr(suggestion)


@pytest.mark.parametrize(
    "outside",
    [
        {"x": 1.5, "n": 9},
        {"x": 0.33, "n": 2.5},
        {"x": "True", "n": "1"},
        {"x": "0.3", "n": None},
        {"x": [0.3], "more": 1.0},
        [1.0],
        1.0,
        None,
        {},
    ],
)
def test_what_does_not_fit_stays_as_it_is(outside: Any) -> None:
    space = Space.of({"x": Float(0, 1, step=0.1), "n": Integer(0, 3)})
    assert repr(space.spelled(outside)) == repr(outside)


def test_what_fits_in_a_suggestion_that_does_not_is_spelled() -> None:
    space = Space.of({"x": Float(0, 1, step=0.1), "n": Integer(0, 3)})
    assert repr(space.spelled({"n": 2.0, "x": 7.5, "other": 1.0})) == repr({"n": 2, "x": 7.5, "other": 1.0})
