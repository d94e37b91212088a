"""``search_grid``: the product, in a fixed order, each point once, whatever its size."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest

from runlib import (
    Categorical,
    Choice,
    ConfigError,
    Float,
    GridSearch,
    Integer,
    Normal,
    ReplayMismatch,
    SearchExhausted,
    SpaceWarning,
)
from runlib.engine.component import from_config


def everything(search: GridSearch) -> list[Any]:
    made = []
    while True:
        try:
            made.append(search.suggest()[1])
        except SearchExhausted:
            return made


def test_the_product_of_finite_variables_the_last_label_moving_fastest() -> None:
    search = GridSearch({"b": Categorical(["x", "y"]), "a": Integer(1, 3), "fixed": 7})
    expected = [{"b": b, "a": a, "fixed": 7} for a, b in itertools.product([1, 2, 3], ["x", "y"])]
    assert len(search) == search.count == 6
    assert everything(search) == expected
    with pytest.raises(SearchExhausted, match="all 6 points of the grid were suggested"):
        search.suggest()


def test_continuous_ranges_evenly_in_log_space_where_log() -> None:
    made = everything(GridSearch({"x": Float(0, 1), "l": Float(1e-4, 1, log=True)}, resolution=5))
    assert sorted({s["x"] for s in made}) == [0, 0.25, 0.5, 0.75, 1]
    assert sorted({s["l"] for s in made}) == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1, 1], rel=1e-12)
    assert len(made) == 25


def test_text_form_and_normals() -> None:
    made = everything(GridSearch({"u": ["hp_loguniform", "u", 0, 2], "n": Normal(0, 1)}, resolution=3))
    assert sorted({s["u"] for s in made}) == pytest.approx([1, 2.718281828, 7.389056099])
    assert sorted({s["n"] for s in made}) == pytest.approx([-0.967421566, 0, 0.967421566])


def test_branches_only_where_active() -> None:
    space = {
        "net": Choice(
            [{"kind": "mlp", "layers": Integer(1, 3)}, {"kind": "tree", "deep": Choice([None, Integer(5, 6)])}]
        ),
        "z": Categorical([0, 1]),
    }
    made = everything(GridSearch(space))
    nets = [{"kind": "mlp", "layers": k} for k in (1, 2, 3)]
    nets += [{"kind": "tree", "deep": deep} for deep in (None, 5, 6)]
    assert made == [{"net": net, "z": z} for net, z in itertools.product(nets, [0, 1])]


def test_resolution_by_label_also_thins_out_what_has_an_end() -> None:
    space = {"x": Float(0, 1), "y": Float(0, 1), "n": Integer(1, 10_000, log=True), "m": Integer(0, 100)}
    search = GridSearch(space, resolution={"x": 2, "n": 5, "m": 3})
    made = everything(search)
    assert sorted({s["x"] for s in made}) == [0, 1]
    assert len({s["y"] for s in made}) == 5
    assert sorted({s["n"] for s in made}) == [1, 10, 100, 1000, 10_000]
    assert sorted({s["m"] for s in made}) == [0, 50, 100]
    assert len(made) == search.count == 2 * 5 * 5 * 3


def test_ten_to_the_twelve_points_start_at_once_and_cost_no_memory() -> None:
    began = time.perf_counter()
    search = GridSearch({f"x{k:02}": Integer(1, 10) for k in range(12)} | {"big": Integer(1, 10**12)})
    first = [search.suggest()[1] for _ in range(3)]
    assert time.perf_counter() - began < 1
    assert search.count == 10**24
    assert [s["x11"] for s in first] == [1, 2, 3]
    assert {s["big"] for s in first} == {1}


def test_equal_suggestions_come_once() -> None:
    made = everything(GridSearch({"x": ["hp_choice", "x", [1, 1, 2]], "y": ["hp_mul", 0, ["hp_randint", "k", 4]]}))
    assert made == [{"x": 1, "y": 0}, {"x": 2, "y": 0}]


def test_options_without_probability_are_left_out() -> None:
    assert everything(GridSearch(["hp_pchoice", "x", [[0.5, "a"], [0.0, "b"], [0.5, "c"]]])) == ["a", "c"]


def test_adopted_points_are_passed_over() -> None:
    search = GridSearch({"x": Integer(1, 4)})
    search.adopt({"x": 3})
    assert [s["x"] for s in everything(search)] == [1, 2, 4]


def test_one_point_is_the_middle_and_a_space_without_variables_has_one() -> None:
    assert everything(GridSearch({"x": Float(0, 4)}, resolution=1)) == [{"x": 2.0}]
    with pytest.warns(SpaceWarning, match=r"^space: nothing in it varies"):
        search = GridSearch({"x": 3})
    assert everything(search) == [{"x": 3}]


def test_fidelities_are_not_varied() -> None:
    made = everything(GridSearch({"epochs": Integer(1, 9, fidelity=True), "x": Integer(1, 2)}))
    assert made == [{"epochs": 9, "x": 1}, {"epochs": 9, "x": 2}]


def test_a_recalled_suggestion_must_be_its_point() -> None:
    search = GridSearch({"x": Integer(1, 4)})
    for wrong in ((0, {"x": 2}, 0), (0, {"x": 1}, None), (0, {"x": 1}, 4), (1, {"x": 1}, 0)):
        with pytest.raises(ReplayMismatch, match="cannot be recalled"):
            search.recall(*wrong)
    search.recall(0, {"x": 2}, 1)
    assert search.suggest() == (1, {"x": 3})
    assert search.memo(1) == 2


@pytest.mark.parametrize(
    ("resolution", "message"),
    [
        (0, "search_grid.resolution: must be at least 1, got 0"),
        (2.5, "search_grid.resolution: must be an integer, got 2.5"),
        ({"lrr": 3}, r"search_grid\.resolution\.lrr: there is no variable of this label; did you mean 'lr'\?"),
        ({"lr": 0}, r"search_grid\.resolution\.lr: must be at least 1, got 0"),
        ([5], r"search_grid\.resolution: must be an integer, got \[5\]"),
    ],
)
def test_wrong_resolutions(resolution: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        from_config({"search_grid": {"space": {"lr": Float(0, 1)}, "resolution": resolution}})


def test_too_fine_a_resolution_is_named_with_its_place() -> None:
    with pytest.raises(ConfigError, match=r"space\.x: 10000000 points are too many to list"):
        GridSearch({"x": Float(0, 1)}, resolution=10_000_000)
