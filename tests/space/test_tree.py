"""The tree: what is drawn and when, and the way back from a suggestion to the raw numbers."""

from __future__ import annotations

import math

import pytest

from runlib.errors import SpaceError
from runlib.space.forms.text import parse

NESTED = {
    "z": ["hp_uniform", "z", 0, 1],
    "model": [
        "hp_choice",
        "model",
        [
            {"svm": {"C": ["hp_loguniform", "C", -5, 5]}},
            {
                "knn": {
                    "k": ["hp_uniformint", "k", 1, 20],
                    "w": ["hp_choice", "w", ["flat", ["hp_normal", "s", 0, 1]]],
                }
            },
            [1, {"two": 2}],
        ],
    ],
    "power": ["hp_loggrid_uniform", "power", -3, 3, 0.1],
}
NAN = math.nan


def same(row: list[float], other: list[float]) -> bool:
    """Equal numbers, NaN where NaN is."""
    return len(row) == len(other) and all(a == b or (a != a and b != b) for a, b in zip(row, other, strict=True))


def test_walk_asks_for_the_active_variables_alone_and_choices_first() -> None:
    asked = []
    numbers = {"z": 0.5, "model": 1, "k": 7.0, "w": 1, "s": -0.25, "power": 2.0}

    def draw(variable):
        asked.append(variable.label)
        return numbers[variable.label]

    assert parse(NESTED).walk(draw) == {"z": 0.5, "model": {"knn": {"k": 7, "w": -0.25}}, "power": 4.0}
    assert asked == ["z", "model", "k", "w", "s", "power"]


def test_variables_tell_their_place_and_conditions() -> None:
    by_label = {variable.label: variable for variable in parse(NESTED).variables}
    assert [v.index for v in by_label.values()] == list(range(7))
    assert by_label["s"].conditions == (("model", 1), ("w", 1))
    assert by_label["z"].conditions == ()
    assert by_label["s"].path == "space.model.1.knn.w.1"


def test_values_are_plain_and_integers_are_ints() -> None:
    space = parse([["hp_uniformint", "a", 0, 5], ["hp_randint", "b", 5], ["hp_quniform", "c", -1, 5, 1]])
    suggestion = space.assemble([3.0, 4.0, -0.0])
    assert [type(value) for value in suggestion] == [int, int, float]
    assert math.copysign(1, suggestion[2]) == 1


def test_changing_a_suggestion_changes_no_other() -> None:
    space = parse(NESTED | {"fixed": {"list": [1, [2]]}})
    first = space.assemble([0.5, 2, NAN, NAN, NAN, NAN, 1.0])
    first["fixed"]["list"][1].append("!")
    first["model"][1]["two"] = "!"
    second = space.assemble([0.5, 2, NAN, NAN, NAN, NAN, 1.0])
    assert second["fixed"] == {"list": [1, [2]]}
    assert second["model"] == [1, {"two": 2}]


@pytest.mark.parametrize(
    "row",
    [
        [0.5, 0, 0.125, NAN, NAN, NAN, 0.1 * 7],
        [0.5, 1, NAN, 20.0, 0, NAN, -3.0],
        [0.5, 1, NAN, 20.0, 1, 3.5, 0.3],
        [0.5, 2, NAN, NAN, NAN, NAN, 0.30000000000000004],
    ],
)
def test_read_gives_the_raw_numbers_back(row: list[float]) -> None:
    space = parse(NESTED)
    assert same(space.read(space.assemble(row), space.memo(row)), row)


def test_the_memo_holds_only_what_the_suggestion_does_not_show() -> None:
    space = parse(NESTED)
    memo = space.memo([0.5, 1, NAN, 20.0, 1, 3.5, 0.3])
    assert memo == {"model": 1, "w": 1, "power": 0.3}
    assert [type(value) for value in memo.values()] == [int, int, float]
    assert parse({"x": ["hp_uniform", "x", 0, 1], "n": ["hp_randint", "n", 4]}).memo([0.5, 2]) is None


@pytest.mark.parametrize(
    ("suggestion", "memo"),
    [
        ({"z": 0.5, "model": "dummy"}, {"model": 2, "power": 0}),
        ({"z": 0.5, "model": {}, "power": 1.0}, {"model": 0, "power": 0}),
        ({"z": "text", "model": 1, "power": 1.0}, {"model": 2, "power": 0}),
        ({"z": 0.5, "model": 1, "power": 1.0}, {"model": 3, "power": 0}),
        ({"z": 0.5, "model": 1, "power": 1.0}, {"model": -1, "power": 0}),
        ({"z": 0.5, "model": 1, "power": 1.0}, {"power": 0}),
        ({"z": 0.5, "model": 1, "power": 1.0}, None),
        ([], None),
        (None, None),
    ],
)
def test_read_refuses_what_is_not_of_this_space(suggestion: object, memo: object) -> None:
    with pytest.raises(SpaceError, match="does not fit the search space"):
        parse(NESTED).read(suggestion, memo)


def test_locate_finds_the_raw_numbers_without_a_memo() -> None:
    space = parse(NESTED)
    row = [0.5, 1, NAN, 20.0, 1, 3.5, 0.1 * 3]
    assert same(space.locate(space.assemble(row)), row)
    assert same(space.locate({"power": 1, "z": 0, "model": [1, {"two": 2}]}), [0.0, 2, NAN, NAN, NAN, NAN, 0.0])


@pytest.mark.parametrize(
    "change",
    [
        {"z": 1.5},
        {"z": True},
        {"z": None},
        {"z": math.nan},
        {"extra": 1},
        {"model": {"svm": {"C": 1000.0}}},
        {"model": {"svm": {"C": -1.0}}},
        {"model": {"knn": {"k": 2.5, "w": "flat"}}},
        {"model": {"knn": {"k": 21, "w": "flat"}}},
        {"model": {"knn": {"k": 2, "w": "round"}}},
        {"model": [1, {"two": 2, "three": 3}]},
        {"model": [True, {"two": 2}]},
        {"model": [1]},
        {"power": 100.0},
        {"power": 1.01},
        {"power": -1},
    ],
)
def test_locate_sees_what_is_not_in_the_space(change: dict[str, object]) -> None:
    inside = {"z": 0.5, "model": [1, {"two": 2}], "power": 1.0}
    assert parse(NESTED).locate(inside) is not None
    assert parse(NESTED).locate(inside | change) is None


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (["hp_quniform", "x", 0, 1, 0.3], [0, 0.3, 0.6, 0.8999999999999999, 0.9], [0.2, 1.2, "a"]),
        (["hp_qnormal", "x", 0, 1, 0.5], [-7.5, 0, 2], [0.3]),
        (["hp_lognormal", "x", 0, 1], [1e-9, 5], [0, -1]),
        (["hp_qlognormal", "x", 0, 1, 1], [0, 5], [-1, 0.5]),
        (["hp_qloguniform", "x", 0, 3, 2], [0, 2, 20], [22, -2, 3]),
        (["hp_randint", "x", -2, 3], [-2, 2, 2.0], [3, -3, 1.5, False]),
        (["hp_uniform", "x", 0, 1], [0, 1, 1 + 1e-12], [1.001, 10**400]),
    ],
)
def test_locate_knows_the_values_of_each_distribution(text: list, inside: list, outside: list) -> None:
    space = parse(text)
    assert [value for value in inside if space.locate(value) is None] == []
    assert [value for value in outside if space.locate(value) is not None] == []


def test_of_options_that_look_alike_the_first_is_taken() -> None:
    space = parse(["hp_choice", "c", ["a", 1, 1.0, ["hp_uniform", "x", 0, 2]]])
    assert same(space.locate(1), [1, NAN])
