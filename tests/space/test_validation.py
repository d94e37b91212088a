"""Validating and counting: what a space says of a suggestion, and how many there are."""

from __future__ import annotations

import pickle
import random

import numpy as np
import pytest

from runlib import Categorical, Choice, Constant, Float, Integer, LogNormal, Normal, Ordinal, Space, SpaceError

SPACE = Space.of(
    {
        "lr": Float(1e-5, 1e-1, log=True),
        "n": Integer(1, 9, step=2),
        "opt": Categorical(["adam", "sgd", None]),
        "size": Ordinal([1, 2, 4]),
        "fixed": {"a": [1, 2.5]},
        "model": Choice(
            [
                {"kind": "svm", "C": LogNormal(0, 1)},
                {"kind": "knn", "k": ["hp_randint", "k", 1, 9]},
                [Float(0, 1), "x"],
                "none",
            ]
        ),
    }
)
INSIDE = {"lr": 1e-3, "n": 5, "opt": None, "size": 4, "fixed": {"a": [1, 2.5]}, "model": {"kind": "knn", "k": 3}}


def test_what_lies_in_the_space_is_admitted() -> None:
    assert SPACE.validate(INSIDE) is None
    SPACE.validate(INSIDE | {"lr": np.float64(1e-5), "n": 9.0, "model": (0, "x")})
    SPACE.validate(dict(reversed(INSIDE.items())))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": 1.0}, "suggestion.lr: must be a number from 1e-05 to 0.1, got 1.0"),
        ({"lr": "a"}, "suggestion.lr: must be a number from 1e-05 to 0.1, got 'a'"),
        ({"lr": True}, "suggestion.lr: must be a number from 1e-05 to 0.1, got True"),
        ({"lr": float("nan")}, "suggestion.lr: must be a number from 1e-05 to 0.1, got nan"),
        ({"lr": object()}, "suggestion.lr: is no data"),
        ({"n": 2}, "suggestion.n: must be an integer from 1 to 9 in steps of 2, got 2"),
        ({"n": 3.5}, "suggestion.n: must be an integer from 1 to 9 in steps of 2, got 3.5"),
        ({"n": 11}, "suggestion.n: must be an integer from 1 to 9 in steps of 2, got 11"),
        ({"opt": "adamw"}, "suggestion.opt: must be one of 'adam', 'sgd', None, got 'adamw'"),
        ({"size": True}, "suggestion.size: must be one of 1, 2, 4, got True"),
        ({"fixed": {"a": [1, 3]}}, "suggestion.fixed: must be {'a': [1, 2.5]}, got {'a': [1, 3]}"),
        ({"more": 1}, "suggestion: there is no key 'more'; there must be 'lr', 'n', 'opt'"),
        (
            {"model": "svm"},
            "suggestion.model: must be one of a dict with 'kind', 'C', a dict with 'kind', 'k',",
        ),
        ({"model": {"kind": "knn", "k": 9}}, "suggestion.model.k: must be an integer from 1 to 8, got 9"),
        ({"model": {"kind": "svm", "C": 0}}, "suggestion.model.C: must be a finite number above 0, got 0"),
        ({"model": [2, "x"]}, "suggestion.model.0: must be a number from 0 to 1, got 2"),
        ({"model": [0.5]}, "suggestion.model: must be one of"),
    ],
)
def test_what_does_not_is_told_with_place_and_what_is_admissible(change, message) -> None:
    with pytest.raises(SpaceError) as caught:
        SPACE.validate(INSIDE | change)
    assert str(caught.value).startswith(message)


def test_a_missing_key_is_named() -> None:
    with pytest.raises(SpaceError, match=r"^suggestion: the key 'size' is missing; there must be 'lr'"):
        SPACE.validate({key: value for key, value in INSIDE.items() if key != "size"})
    with pytest.raises(SpaceError, match=r"^suggestion: must be a dict with the keys 'lr', 'n'"):
        SPACE.validate([])


def test_long_lists_of_options_are_cut_short() -> None:
    with pytest.raises(SpaceError, match=r"^suggestion: must be one of 0, 1, .*, 9, 90 more, got 'x'"):
        Space.of(Categorical(list(range(100)))).validate("x")


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (
            ["hp_quniform", "x", 0, 1, 0.3],
            "suggestion: must be a number from 0 to 0.9, a",
        ),
        (["hp_qnormal", "x", 0, 1, 0.5], "suggestion: must be a finite number, a multiple of 0.5, got 'y'"),
        (["hp_qlognormal", "x", 0, 1, 1], "suggestion: must be a finite number from 0 on, a multiple of 1, got 'y'"),
        (["hp_uniformint", "x", 0, 5], "suggestion: must be an integer from 0 to 5, got 'y'"),
        (
            ["hp_loggrid_uniform", "x", -3, 3, 1],
            "suggestion: must be 2 to the power of a number from -3",
        ),
        (Normal(0, 1), "suggestion: must be a finite number, got 'y'"),
        (2 ** Integer(1, 5), "suggestion: must be a finite number from 2 to 32, got 'y'"),
    ],
)
def test_each_distribution_says_what_it_admits(space, message) -> None:
    with pytest.raises(SpaceError) as caught:
        Space.of(space).validate("y")
    assert str(caught.value).startswith(message)


def test_a_value_between_those_of_a_formula_is_refused() -> None:
    with pytest.raises(SpaceError, match=r"^suggestion: is not what hp_pow gives for anything"):
        Space.of(2 ** Integer(1, 5)).validate(5)


@pytest.mark.parametrize(
    ("space", "count"),
    [
        (None, 1),
        ({"a": [1, {"b": 2}]}, 1),
        (Integer(3, 7), 5),
        (Integer(0, 2**40), 2**40 + 1),
        ([Integer(0, 1), Categorical(["a", "b"])], 4),
        ({"a": Float(0, 1, step=0.1), "b": Ordinal([1, 2])}, 22),
        (Float(0, 1), None),
        ({"a": Float(0, 1), "b": Integer(0, 1)}, None),
        (Choice(["a", {"n": Integer(1, 5), "m": Integer(1, 2)}, [Constant(3)]]), 12),
        (Choice([1, Float(0, 1)]), None),
        (Choice([1, 1, 2]), 2),
        (["hp_choice", "x", [1, True, 1.0, "1"]], 4),
        (["hp_pchoice", "x", [[0, ["hp_uniform", "y", 0, 1]], [1, "b"]]], 1),
        (["hp_quniform", "x", 0, 1, 0.5], 3),
        (["hp_quniform", "x", 0, 1.5, 1], 2),
        (["hp_uniformint", "x", 0, 5], 6),
        (["hp_randint", "x", -2, 5], 7),
        (["hp_loggrid", "x", -2, 5, 8], 8),
        (["hp_loggrid_uniform", "x", -1, 1, 0.5], 5),
        (["hp_qnormal", "x", 0, 1, 1], None),
        ([Integer(1, 9, fidelity=True), Integer(1, 2)], 2),
    ],
)
def test_points_are_counted(space, count) -> None:
    tree, rng = Space.of(space), random.Random(1)
    assert tree.count() == count
    if count is not None and count < 100:
        assert len({repr(tree.sample(rng)) for _ in range(2000)}) == count


def test_a_space_can_be_pickled() -> None:
    again = pickle.loads(pickle.dumps(SPACE))
    assert again.data == SPACE.data
    assert again.sample(random.Random(4)) == SPACE.sample(random.Random(4))
    assert repr(SPACE) == f"Space.of({SPACE.data!r})"


def test_a_point_of_the_unit_cube_is_a_suggestion() -> None:
    space = Space.of({"c": Choice([Float(0, 2), {"n": Integer(1, 10)}]), "x": Float(-1, 1)})
    assert space.assemble(space.row_at([0.25, 0.75, 0.5, 0.5])) == {"c": 1.5, "x": 0.0}
    assert space.assemble(space.row_at([0.5, 0.75, 0.95, 0.0])) == {"c": {"n": 10}, "x": -1.0}
