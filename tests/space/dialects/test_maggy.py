"""The dialect of Maggy: pairs of a type and a list, and its ``Searchspace``."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from runlib import Float, Space, SpaceError, from_maggy

READ = [
    (("DOUBLE", [0.01, 0.99]), ["hp_float", {"low": 0.01, "high": 0.99}]),
    (("DOUBLE", [0, 1]), ["hp_float", {"low": 0.0, "high": 1.0}]),
    (["double", (0, 1.5)], ["hp_float", {"low": 0.0, "high": 1.5}]),
    (("INTEGER", [2, 8]), ["hp_integer", {"low": 2, "high": 8}]),
    (("integer", [2, 8]), ["hp_integer", {"low": 2, "high": 8}]),
    (["Integer", [2, 8]], ["hp_integer", {"low": 2, "high": 8}]),
    (("DISCRETE", [1, 4, 9]), ["hp_ordinal", {"options": [1, 4, 9]}]),
    (("CATEGORICAL", ["a", 1, None]), ["hp_categorical", {"options": ["a", 1, None]}]),
    (Float(0, 1), ["hp_float", {"low": 0.0, "high": 1.0}]),
    (["hp_uniform", "x", 0, 1], ["hp_uniform", "x", 0, 1]),
]


@pytest.mark.parametrize(("given", "data"), READ, ids=[repr(given) for given, _ in READ])
def test_a_parameter_is_read_as_maggy_reads_it(given: Any, data: Any) -> None:
    found = from_maggy({"p": given})
    assert repr(found) == repr({"p": data})
    Space.of(found)


WRONG = [
    ({"p": ("DOUBLE", [1, 1])}, "maggy.p: the lower bound of DOUBLE must be below the upper, got 1 and 1"),
    ({"p": ("DOUBLE", [0.1])}, "maggy.p: DOUBLE takes two bounds, [lower, upper], got [0.1]"),
    ({"p": ("DOUBLE", ["a", "b"])}, "maggy.p: the bounds of DOUBLE are numbers, got 'a'"),
    ({"p": ("DOUBLE", [0, float("inf")])}, "maggy.p: high of Float must be finite, got inf"),
    ({"p": ("INTEGER", [2, 8.0])}, "maggy.p: the bounds of INTEGER are integers, got 8.0"),
    ({"p": ("INTEGER", [False, True])}, "maggy.p: the bounds of INTEGER are integers, got False"),
    ({"p": ("INTEGER", [8, 2])}, "maggy.p: the lower bound of INTEGER must be below the upper, got 8 and 2"),
    ({"p": ("FLOAT", [0, 1])}, "maggy.p: unknown type 'FLOAT'; known are CATEGORICAL, DISCRETE, DOUBLE, INTEGER"),
    ({"p": ("DISCRETE", [])}, "maggy.p: DISCRETE takes a list with something in it, got []"),
    ({"p": ("CATEGORICAL", "ab")}, "maggy.p: CATEGORICAL takes a list with something in it, got 'ab'"),
    ({"p": ("CATEGORICAL", ["a", "a"])}, "maggy.p: options 0 and 1 of Categorical are the same, 'a'; drop one"),
    ({"p": [1, 2]}, "maggy.p: is written (TYPE, [...]), TYPE being one of CATEGORICAL, DISCRETE, DOUBLE, INTEGER"),
    ({"p": 3}, "maggy.p: is written (TYPE, [...]), TYPE being one of CATEGORICAL, DISCRETE, DOUBLE, INTEGER, got 3"),
    ({1: ("DOUBLE", [0, 1])}, "maggy: names of parameters are texts, got 1"),
    (3, "maggy: takes a dict {name: (TYPE, [...])} or a Searchspace, got 3 of type int"),
]


@pytest.mark.parametrize(("space", "message"), WRONG, ids=[message for _, message in WRONG])
def test_what_is_wrong_is_told_with_its_place(space: Any, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        from_maggy(space)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


class Searchspace:
    """As Maggy's: its items are dicts."""

    def __init__(self, **given: Any) -> None:
        self._given = given

    def items(self) -> Iterator[dict[str, Any]]:
        return iter([{"name": name, "type": kind, "values": values} for name, (kind, values) in self._given.items()])


class WithToDict(Searchspace):
    def to_dict(self) -> dict[str, Any]:
        return self._given


class WithPairs(Searchspace):
    def items(self) -> Any:
        return self._given.items()


@pytest.mark.parametrize("kind", [Searchspace, WithToDict, WithPairs])
def test_a_searchspace_is_read(kind: Any) -> None:
    written = {"kernel": ("INTEGER", [2, 8]), "dropout": ("DOUBLE", [0.01, 0.99])}
    assert from_maggy(kind(**written)) == from_maggy(written)
    assert list(from_maggy(kind(**written))) == ["kernel", "dropout"]


def test_it_survives_json_where_tuples_are_lists() -> None:
    written = {"kernel": ("INTEGER", [2, 8]), "size": ("DISCRETE", [16, 32])}
    assert from_maggy(json.loads(json.dumps(written))) == from_maggy(written)


def test_both_ends_are_drawn_and_nothing_beyond() -> None:
    space, rng = Space.of({"maggy": {"k": ("INTEGER", [2, 8]), "d": ("DISCRETE", [4, 1])}}), random.Random(1)
    drawn = [space.sample(rng) for _ in range(1000)]
    assert {s["k"] for s in drawn} == set(range(2, 9))
    assert {s["d"] for s in drawn} == {1, 4}
