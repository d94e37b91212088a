"""Functions of one number: what they give, what is known of the number below, and how every search lives with them."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest

from runlib import EvolutionSearch, GridSearch, Hyperopt, RandomSearch, Search, SobolSearch, Space, SpaceError
from runlib.engine.data.yamlfile import parse_yaml, write_yaml

SPACES: dict[str, Any] = {
    "steps": ["hp_int", ["hp_quniform", "x", 10, 90, 10]],
    "odd steps": ["hp_int", ["hp_quniform", "x", -20, 20, 3.7]],
    "small steps": ["hp_int", ["hp_quniform", "x", -3, 3, 0.3]],
    "uniform": ["hp_int", ["hp_uniform", "x", -4.5, 4.5]],
    "inside": ["hp_int", ["hp_uniform", "x", 0.25, 0.75]],
    "logarithm": ["hp_int", ["hp_qloguniform", "x", 0, 5, 1]],
    "normal": ["hp_int", ["hp_normal", "x", 0, 5]],
    "integer": ["hp_int", ["hp_randint", "x", 5]],
    "typed": ["hp_int", ["hp_float", "x", {"low": 0.5, "high": 9.5, "step": 0.75}]],
    "choice": ["hp_int", ["hp_choice", "x", [1.5, -2.5, ["hp_uniform", "y", 7.2, 9.9]]]],
    "power": ["hp_int", ["hp_pow", 2, ["hp_uniform", "x", 2, 6]]],
    "power of steps": ["hp_int", ["hp_loggrid_uniform", "x", 0, 3, 1, 10]],
    "sum": ["hp_add", 1, ["hp_int", ["hp_uniform", "x", 2, 5]]],
    "exponential": ["hp_exp", ["hp_uniform", "x", -3, 2]],
    "logarithm of": ["hp_log", ["hp_uniform", "x", 0.1, 9]],
    "root": ["hp_sqrt", ["hp_uniform", "x", 0, 9]],
}


@pytest.mark.parametrize("name", SPACES)
def test_what_is_drawn_lies_in_the_space_and_is_found(name: str) -> None:
    space = Space.of({"v": SPACES[name]})
    low, high = space.root.items[0][1].bounds()  # type: ignore[attr-defined]
    for seed in range(150):
        row = space.random_row(random.Random(seed))
        suggestion = space.assemble(row)
        assert low - 1e-9 * abs(low) <= suggestion["v"] <= high + 1e-9 * abs(high)
        space.validate(suggestion)
        found = space.locate(suggestion)
        assert found is not None
        assert space.assemble(found)["v"] == pytest.approx(suggestion["v"], rel=1e-9)
        assert space.assemble(space.read(suggestion, space.memo(row))) == suggestion


@pytest.mark.parametrize(
    ("data", "outside"),
    [
        (["hp_int", ["hp_quniform", "x", 10, 90, 10]], [15, 10.5, 0, 100, "10", None, True]),
        (["hp_int", ["hp_uniform", "x", 0.25, 0.75]], [1, -1, 0.5]),
        (["hp_int", ["hp_uniform", "x", 1.5, 3.5]], [0, 4, 2.5]),
        (["hp_int", ["hp_choice", "x", [1.5, -2.5]]], [2, -3, 0]),
        (["hp_exp", ["hp_uniform", "x", 0, 1]], [0.5, 3, -1, 0]),
        (["hp_sqrt", ["hp_uniform", "x", 1, 4]], [0.5, 2.5, -1.5]),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_what_nothing_below_gives_is_refused(data: Any, outside: list[Any]) -> None:
    space = Space.of({"v": data})
    for value in outside:
        assert space.locate({"v": value}) is None
        with pytest.raises(SpaceError, match=r"^suggestion\.v: "):
            space.validate({"v": value})


def test_truncated_as_python_does() -> None:
    space = Space.of(["hp_int", ["hp_uniform", "x", -3, 3]])
    assert [space.assemble([x]) for x in (-2.9, -0.9, 0.9, 2.0, 2.9)] == [-2, 0, 0, 2, 2]
    assert type(space.assemble([1.5])) is int
    assert Space.of(["hp_int", 2.7]).data == ["hp_int", 2.7]
    assert Space.of({"a": ["hp_int", 2.7], "b": ["hp_randint", "b", 2]}).assemble([1]) == {"a": 2, "b": 1}


def test_a_whole_number_has_one_spelling() -> None:
    space = Space.of({"v": SPACES["power"]})
    assert repr(space.spelled({"v": 17.0})) == "{'v': 17}"
    assert repr(space.spelled({"v": 17.5})) == "{'v': 17.5}"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (["hp_int"], r'space: hp_int is written ["hp_int", a], got 0 operands'),
        (["hp_int", 1, 2], r'space: hp_int is written ["hp_int", a], got 2 operands'),
        (["hp_int", "x"], "space.0: hp_int takes numbers and variables that are numbers, got 'x'"),
        (["hp_int", ["hp_choice", "x", [1, None]]], "space.0: hp_int takes numbers and variables that are numbers"),
        (["hp_log", 0], "space: hp_log of 0 gives no finite number; keep what varies away from there"),
        (["hp_sqrt", -1], "space: hp_sqrt of -1 gives no finite number"),
        (["hp_exp", 1000], "space: hp_exp of 1000 gives no finite number"),
        (["hp_ints", 1], "space: unknown function 'hp_ints'; did you mean hp_int"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(data: Any, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        Space.of(data)
    assert str(caught.value).startswith(message)


def test_a_number_without_an_image_is_told_when_it_is_drawn() -> None:
    space = Space.of({"v": ["hp_log", ["hp_uniform", "x", -1, 1]]})
    with pytest.raises(SpaceError, match=r"^space\.v: hp_log of -0\.5 gives no finite number"):
        space.assemble([-0.5])
    assert space.assemble([1.0]) == {"v": 0.0}
    assert Space.of(["hp_exp", ["hp_uniform", "x", -800, 1]]).assemble([-800.0]) == 0.0


@pytest.mark.parametrize("make", [EvolutionSearch, GridSearch, Hyperopt, RandomSearch, SobolSearch])
@pytest.mark.parametrize("name", ["steps", "power", "choice"])
def test_every_search_recalls_what_it_made(make: type[Search], name: str) -> None:
    space = {"v": SPACES[name], "c": ["hp_choice", "c", ["a", {"w": SPACES["sum"][2]}]]}
    space["c"][2][1]["w"] = ["hp_int", ["hp_uniform", "w", 2, 5]]
    search: Any = make(space)  # type: ignore[call-arg]
    made = []
    for _ in range(8):
        tid, suggestion = search.suggest()
        made.append((tid, suggestion, json.loads(json.dumps(search.memo(tid)))))
        search.submit(tid, loss=math.sin(tid))
    again: Any = make(parse_yaml(write_yaml(search.space)))  # type: ignore[call-arg]
    for tid, suggestion, memo in made:
        again.recall(tid, suggestion, memo)
        again.submit(tid, loss=math.sin(tid))
    assert again.suggest() == search.suggest()
