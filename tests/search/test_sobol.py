"""``search_sobol``: scipy's sequence, one dimension for each variable, point k from (seed, k) alone."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from scipy.stats import qmc

from runlib import Categorical, Choice, ConfigError, Float, Integer, Normal, SobolSearch, SpaceError, SpaceWarning
from runlib.engine.component import from_config
from runlib.search.base import seed_for

SQUARE = {"b": Float(0, 1), "a": Float(0, 2)}


def drawn(search: SobolSearch, count: int) -> list[Any]:
    return [search.suggest()[1] for _ in range(count)]


@pytest.mark.parametrize("scramble", [True, False])
def test_the_points_are_those_of_scipy_by_label(scramble: bool) -> None:
    made = drawn(SobolSearch(SQUARE, seed=7, scramble=scramble), 600)
    word = "rng" if "rng" in inspect.signature(qmc.Sobol).parameters else "seed"  # of scipy before 1.15
    rng = {word: np.random.default_rng(seed_for(7, 0))}
    expected = qmc.Sobol(2, scramble=scramble, **rng).random(1024)[:600]
    assert np.array([[s["a"] / 2, s["b"]] for s in made]) == pytest.approx(expected, abs=2e-9)


def test_every_cell_of_a_grid_gets_its_share() -> None:
    made = drawn(SobolSearch(SQUARE), 256)
    cells = {(int(s["a"] * 8), int(s["b"] * 16)) for s in made}
    assert len(cells) == 256


def test_integers_and_options_by_quantile() -> None:
    space = {"n": Integer(1, 4), "c": Categorical(["a", "b"], prior="a", prior_confidence="medium")}
    made = drawn(SobolSearch(space), 256)
    assert [sum(s["n"] == n for s in made) for n in (1, 2, 3, 4)] == [64] * 4
    assert sum(s["c"] == "a" for s in made) == 192


def test_inactive_dimensions_are_not_used() -> None:
    space = {"net": Choice([{"w": Float(0, 1)}, {"v": Float(0, 1)}])}
    made = drawn(SobolSearch(space), 128)
    assert sum("w" in s["net"] for s in made) == 64
    assert all(len(s["net"]) == 1 for s in made)


@pytest.mark.parametrize("start", [0, 5, 255, 256, 700])
def test_a_point_follows_from_its_number_whatever_happened_before(start: int) -> None:
    expected = drawn(SobolSearch(SQUARE), start + 3)[start:]
    search = SobolSearch(SQUARE)
    for tid in range(start):
        search.recall(tid, None, None)
    search.adopt({"a": 0.5, "b": 0.5})
    assert drawn(search, 3) == expected


def test_no_point_is_at_the_far_end_of_a_normal() -> None:
    made = drawn(SobolSearch({"x": Normal(0, 1)}, scramble=False), 64)
    assert made[0]["x"] == pytest.approx(-6.2, abs=0.3)
    assert all(np.isfinite(s["x"]) for s in made)


def test_a_space_without_variables() -> None:
    with pytest.warns(SpaceWarning, match=r"^space: nothing in it varies"):
        search = SobolSearch({"x": 1})
    assert drawn(search, 3) == [{"x": 1}] * 3


def test_wrong_arguments() -> None:
    with pytest.raises(ConfigError, match=r"search_sobol\.scramble: must be true or false, got 'yes'"):
        from_config({"search_sobol": {"space": SQUARE, "scramble": "yes"}})
    with pytest.raises(SpaceError, match="space: has 21202 variables; a Sobol sequence has 21201 at most"):
        SobolSearch([["hp_randint", f"{k}", 2] for k in range(21202)])
