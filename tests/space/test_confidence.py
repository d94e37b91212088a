"""A confidence in a prior given as a number: one minus the spread of the draws, as a share of the range."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from scipy import stats

from runlib import Categorical, Choice, Float, Hyperopt, Integer, Normal, Space, SpaceError
from runlib.space.forms.markers import from_data


@pytest.mark.parametrize(("word", "number"), [("low", 0.25), ("medium", 0.5), ("high", 0.75)])
def test_the_words_are_numbers(word: str, number: float) -> None:
    made = [
        Space.of(
            {
                "x": Float(1, 9, log=True, prior=3, prior_confidence=confidence),
                "n": Integer(0, 9, prior=3, prior_confidence=confidence),
                "c": Categorical(["a", "b", "c"], prior="b", prior_confidence=confidence),
                "d": Choice([1, {"e": 2}], prior=1, prior_confidence=confidence),
                "g": Normal(0, 1, prior=2, prior_confidence=confidence),
            }
        )
        for confidence in (word, number)
    ]
    drawn = [[space.sample(random.Random(k)) for k in range(50)] for space in made]
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize("spread", [0.01, 0.4, 3.0])
def test_the_spread_is_a_share_of_the_range(spread: float) -> None:
    space, rng = Space.of(Float(0, 10, prior=4, prior_confidence=1 - spread)), random.Random(3)
    law = stats.truncnorm(-0.4 / spread, 0.6 / spread, 4, 10 * spread)
    assert stats.kstest([space.sample(rng) for _ in range(20_000)], law.cdf).pvalue > 1e-4


def test_it_stands_in_the_data_and_is_searched_with() -> None:
    given = Float(0, 1, prior=0.5, prior_confidence=-2)
    assert given.to_data()[-1]["prior_confidence"] == -2
    assert from_data(given.to_data()) == given
    search = Hyperopt({"x": given}, n_startup_jobs=3)
    for _ in range(8):
        tid, suggestion = search.suggest()
        assert 0 <= suggestion["x"] <= 1
        search.submit(tid, loss=suggestion["x"])


@pytest.mark.parametrize("confidence", [1, 1.5, True, math.nan, -math.inf, "1", [0.5]])
def test_what_is_no_confidence_is_refused(confidence: Any) -> None:
    with pytest.raises(SpaceError, match=r"prior_confidence of Float is low, medium or high, got .*; a number below 1"):
        Float(0, 1, prior=0.5, prior_confidence=confidence)


@pytest.mark.parametrize("make", [Categorical, Choice])
def test_of_options_it_is_a_share(make: Any) -> None:
    with pytest.raises(SpaceError, match=f"prior_confidence of {make.__name__} is a share from 0 to 1, got -0.5"):
        Space.of(make([0, 1], prior=0, prior_confidence=-0.5))
