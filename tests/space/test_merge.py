"""Dicts joined into one: conditions that decide on keys beside others."""

from __future__ import annotations

import random
import re

import pytest

from runlib import Choice, Float, Hyperopt, Integer, Space, SpaceError

DATA = [
    "hp_merge",
    [
        {"x": ["hp_uniform", "x", 0, 1], "c": 3},
        [
            "hp_choice",
            "kind",
            [
                {"kind": "a", "rate": ["hp_uniform", "rate", 0, 1]},
                [
                    "hp_merge",
                    [{"kind": "b"}, ["hp_choice", "deep", [{"deep": 1}, {"deep": 2, "n": ["hp_randint", "n", 5]}]]],
                ],
                {"kind": "c"},
            ],
        ],
    ],
]


def test_a_suggestion_is_one_flat_dict() -> None:
    space = Space.of(DATA)
    assert [v.label for v in space.variables] == ["x", "kind", "rate", "deep", "n"]
    nan = float("nan")
    assert space.assemble([0.5, 0, 0.25, nan, nan]) == {"x": 0.5, "c": 3, "kind": "a", "rate": 0.25}
    assert space.assemble([0.5, 1, nan, 1, 4]) == {"x": 0.5, "c": 3, "kind": "b", "deep": 2, "n": 4}
    assert space.assemble([0.5, 2, nan, nan, nan]) == {"x": 0.5, "c": 3, "kind": "c"}


def test_it_is_read_with_its_memo_and_located_without() -> None:
    space, rng = Space.of(DATA), random.Random(2)
    for _ in range(200):
        row = space.random_row(rng)
        suggestion = space.assemble(row)
        space.validate(suggestion)
        assert repr(space.read(suggestion, space.memo(row))) == repr(list(map(float, row)))
        assert repr(space.locate(suggestion)) == repr(list(map(float, row)))


@pytest.mark.parametrize(
    ("suggestion", "message"),
    [
        (3, "suggestion: must be a dict with some of the keys 'c', 'deep', 'kind', 'n', 'rate', 'x', got 3"),
        ({"x": 0.5, "c": 3, "kind": "c", "y": 1}, "suggestion: there is no key 'y'; there can be"),
        ({"x": 2, "c": 3, "kind": "c"}, "suggestion.x: must be a number from 0 to 1, got 2"),
        ({"x": 0.5, "c": 3, "kind": "b", "deep": 2, "n": 5}, "suggestion.n: must be an integer from 0 to 4, got 5"),
        ({"x": 0.5, "c": 3, "kind": "c", "rate": 0.5}, "suggestion.kind: must be 'a', got 'c'"),
        ({"x": 0.5, "c": 3}, "suggestion: must be one of "),
        ({"kind": "c", "c": 3}, "suggestion: the key 'x' is missing"),
    ],
)
def test_what_does_not_fit_is_told(suggestion: object, message: str) -> None:
    space = Space.of(DATA)
    assert space.locate(suggestion) is None
    with pytest.raises(SpaceError, match=f"^{re.escape(message)}"):
        space.validate(suggestion)


def test_points_are_counted_and_constants_folded() -> None:
    assert Space.of(["hp_merge", [{"a": Integer(1, 3)}, Choice([{"b": 1}, {"c": Integer(0, 4)}])]]).count() == 18
    space = Space.of({"all": ["hp_merge", [{"a": 1}, {"b": {"c": 2}}]]})
    assert space.variables == ()
    assert space.assemble([]) == {"all": {"a": 1, "b": {"c": 2}}}


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (["hp_merge", [{"a": 1}, {"b": 1, "a": 2}]], "space: the key 'a' stands in parts 0 and 1 of hp_merge"),
        (["hp_merge", [{"a": 1}, Choice([{"b": 1}, {"a": 2}])]], "space: the key 'a' stands in parts 0 and 1"),
        (["hp_merge", [{"a": 1}, Float(0, 1)]], "space.1: hp_merge takes dicts and choices of dicts"),
        (["hp_merge", [Choice([{"a": 1}, 3])]], "space.0: hp_merge takes dicts and choices of dicts"),
        (["hp_merge", [{"a": 1}, [1, 2]]], "space.1: hp_merge takes dicts and choices of dicts"),
        (["hp_merge", []], 'space: hp_merge is written ["hp_merge", [part, ...]], the parts being dicts'),
        (["hp_merge", {"a": 1}, {"b": 1}], 'space: hp_merge is written ["hp_merge", [part, ...]]'),
        (["hp_merge", ["hp_choice", "c", [{"a": 1}]]], 'space: hp_merge is written ["hp_merge", [part, ...]]'),
    ],
)
def test_a_wrong_merge_is_told_with_its_place(space: object, message: str) -> None:
    with pytest.raises(SpaceError, match=f"^{re.escape(message)}"):
        Space.of(space)


@pytest.mark.parametrize("method", ["tpe", "anneal", "rand"])
def test_a_search_over_it_is_recalled(method: str) -> None:
    first, again = Hyperopt(DATA, method=method, n_startup_jobs=5), Hyperopt(DATA, method=method, n_startup_jobs=5)
    for k in range(25):
        tid, suggestion = first.suggest()
        again.recall(tid, suggestion, first.memo(tid))
        for search in (first, again):
            search.submit(tid, loss=suggestion["x"] + suggestion.get("rate", 0.1 * k))
    assert first.suggest() == again.suggest()
    kinds = {first.suggest()[1]["kind"] for _ in range(40)}
    assert kinds == {"a", "b", "c"}
