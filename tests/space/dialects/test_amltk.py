"""The dialect of AMLTK: tuples are ranges, lists are options."""

from __future__ import annotations

import random
from typing import Any

import pytest

from runlib import Categorical, Space, SpaceError, from_amltk
from runlib.engine.data.yamlfile import parse_yaml

INTEGERS, REALS = ["hp_integer", {"low": 1, "high": 5}], ["hp_float", {"low": 1.0, "high": 5.0}]
READ = [
    ((1, 5), INTEGERS),
    ((1.0, 5.0), REALS),
    ((1, 5.0), REALS),
    ({"range": [1, 5]}, INTEGERS),
    ({"range": [1.0, 5.0]}, REALS),
    (["cat", "dog"], ["hp_categorical", {"options": ["cat", "dog"]}]),
    ([1, 5], ["hp_categorical", {"options": [1, 5]}]),
    (["one"], ["hp_categorical", {"options": ["one"]}]),
    ([(1, 5), "x"], ["hp_categorical", {"options": [["hp_tuple", 1, 5], "x"]}]),
    (3, 3),
    (None, None),
    ({"a": (1, 5), "b": {"c": ["x", "y"]}}, {"a": INTEGERS, "b": {"c": ["hp_categorical", {"options": ["x", "y"]}]}}),
    ([{"a": (1, 5)}, "none"], ["hp_choice", {"options": [{"a": INTEGERS}, "none"]}]),
    ([["hp_uniform", "x", 0, 1], 2], ["hp_choice", {"options": [["hp_uniform", "x", 0, 1], 2]}]),
    (Categorical([1, 2]), ["hp_categorical", {"options": [1, 2]}]),
]


@pytest.mark.parametrize(("given", "data"), READ, ids=[repr(given) for given, _ in READ])
def test_a_parameter_is_read_as_amltk_reads_it(given: Any, data: Any) -> None:
    found = from_amltk({"p": given})
    assert repr(found) == repr({"p": data})
    Space.of(found)


def test_a_parameter_may_be_called_range_at_the_root() -> None:
    assert from_amltk({"range": ["near", "far"]}) == {"range": ["hp_categorical", {"options": ["near", "far"]}]}


WRONG = [
    ({"p": (5, 1)}, "amltk.p: the low end of a range must be below the high one, got 5 and 1"),
    ({"p": (2, 2)}, "amltk.p: the low end of a range must be below the high one, got 2 and 2"),
    ({"p": (1, 2, 3)}, "amltk.p: a range takes two numbers, (low, high), got (1, 2, 3); options are a list"),
    ({"p": ("a", "b")}, "amltk.p: a range takes two numbers, (low, high), got ('a', 'b'); options are a list"),
    ({"p": (False, True)}, "amltk.p: a range takes two numbers, (low, high), got (False, True)"),
    ({"p": (0, float("nan"))}, "amltk.p: the low end of a range must be below the high one, got 0 and nan"),
    ({"p": (0, float("inf"))}, "amltk.p: high of Float must be finite, got inf"),
    ({"p": {"range": [1]}}, "amltk.p: a range takes two numbers, (low, high), got [1]"),
    ({"p": []}, "amltk.p: a list of options takes a list with something in it, got []"),
    ({"p": ["a", "a"]}, "amltk.p: options 0 and 1 of Categorical are the same, 'a'; drop one"),
    ({"p": [{"q": (3, 2)}]}, "amltk.p.0.q: the low end of a range must be below the high one, got 3 and 2"),
    ({"p": {"q": {1: 2}}}, "amltk.p.q: names of parameters are texts, got 1"),
    ({"p": object()}, "amltk.p: is an object, and a space holds data"),
    ([(1, 2)], "amltk: takes a dict {name: (low, high) or [option, ...]}, got [(1, 2)] of type list"),
]


@pytest.mark.parametrize(("space", "message"), WRONG, ids=[message for _, message in WRONG])
def test_what_is_wrong_is_told_with_its_place(space: Any, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        from_amltk(space)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_yaml_gives_the_space_of_python() -> None:
    text = "{x: {range: [-10.0, 10.0]}, y: [cat, dog, fish], inner: {n: {range: [1, 3]}}}"
    written = {"x": (-10.0, 10.0), "y": ["cat", "dog", "fish"], "inner": {"n": (1, 3)}}
    assert from_amltk(parse_yaml(text)) == from_amltk(written)


def test_types_and_ends_are_as_written() -> None:
    space, rng = Space.of({"amltk": {"n": (1, 3), "x": (1.0, 3.0)}}), random.Random(5)
    drawn = [space.sample(rng) for _ in range(500)]
    assert {s["n"] for s in drawn} == {1, 2, 3}
    assert {type(s["n"]) for s in drawn} == {int}
    assert {type(s["x"]) for s in drawn} == {float}
    assert all(1 <= s["x"] <= 3 for s in drawn)
