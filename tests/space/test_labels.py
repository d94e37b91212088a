"""A variable that stands in several options of which only one can be chosen, and labels that stand twice."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hyperopt import hp

from runlib import (
    Categorical,
    Choice,
    EvolutionSearch,
    Float,
    GridSearch,
    Hyperopt,
    RandomSearch,
    Run,
    SobolSearch,
    Space,
    SpaceError,
    StopMax,
)
from runlib.engine.data.plain import plain

WEIGHT = ["hp_uniform", "C", 0, 1]


def graph() -> Any:
    weight = hp.uniform("C", 0, 1)
    return hp.choice("k", [{"t": "a", "C": weight}, {"t": "b", "C": weight, "g": hp.uniform("g", 0, 1)}, "none"])


def typed() -> Any:
    weight = Float(0, 1, label="C")
    return Choice([{"t": "a", "C": weight}, {"t": "b", "C": weight, "g": Float(0, 1)}, "none"], label="k")


def nested() -> Any:
    """A choice that stands in two options, and what depends on it in a third one too."""
    weight = hp.uniform("C", 0, 1)
    kernel = hp.choice("kernel", ["linear", {"C": weight}])
    return {"m": hp.choice("m", [{"one": kernel}, {"two": (kernel, 1)}, {"three": 2 * weight}])}


SPACES = {
    "graph": graph,
    "typed": typed,
    "nested": nested,
    "text": lambda: ["hp_choice", "k", [[WEIGHT], {"b": WEIGHT}]],
}


@pytest.mark.parametrize("name", SPACES)
def test_it_is_one_variable(name: str) -> None:
    space = Space.of(SPACES[name]())
    labels = [variable.label for variable in space.variables]
    assert labels.count("C") == 1
    assert len(set(labels)) == len(labels)
    [weight] = [variable for variable in space.variables if variable.label == "C"]
    assert len(weight.places) == 2
    assert Space.of(json.loads(json.dumps(space.data))).data == space.data


@pytest.mark.parametrize("name", SPACES)
def test_a_row_has_a_number_where_the_choices_lead_to_it_and_nowhere_else(name: str) -> None:
    space = Space.of(SPACES[name]())
    rng, seen = random.Random(1), set()
    for _ in range(200):
        row = space.random_row(rng)
        for variable in space.variables:
            assert (row[variable.index] == row[variable.index]) == variable.active(row)
        suggestion = space.assemble(row)
        seen.add(json.dumps(suggestion, sort_keys=True).translate({ord(digit): None for digit in "0123456789.e-"}))
        space.validate(suggestion)
        assert space.spelled(suggestion) == suggestion
        again = space.read(suggestion, space.memo(row))
        assert space.assemble(again) == suggestion
        assert space.memo(again) == space.memo(row)
    assert len(seen) >= 2


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("make", [RandomSearch, Hyperopt, EvolutionSearch, SobolSearch, GridSearch])
def test_each_search_draws_it_and_is_restored(name: str, make: Any) -> None:
    search, again = make(SPACES[name]()), make(SPACES[name]())
    count = min(getattr(search, "count", 25), 25)
    for k in range(count):
        tid, suggestion = search.suggest()
        search.submit(tid, loss=float(k % 5))
        if k < count - 1:
            again.recall(tid, suggestion, plain(search.memo(tid)))
            again.submit(tid, loss=float(k % 5))
        else:
            assert again.suggest() == (tid, suggestion)


def test_a_grid_has_its_points_in_each_option() -> None:
    search = GridSearch(typed(), resolution=3)
    assert search.count == 3 + 3 * 3 + 1
    points = [search.suggest()[1] for _ in range(search.count)]
    assert sorted(point["C"] for point in points if isinstance(point, dict) and point["t"] == "a") == [0, 0.5, 1]
    assert Space.of({"k": Choice([Categorical([1, 2], label="n"), [Categorical([1, 2], label="n")]])}).count() == 4


@pytest.mark.parametrize(
    ("space", "said"),
    [
        (
            lambda: {"a": (x := hp.uniform("x", 0, 1)), "b": [2 * x]},
            "space.b.0.1: the label 'x' stands twice, here and",
        ),
        (
            lambda: [hp.uniform("x", 0, 1), {"k": hp.normal("x", 0, 1)}],
            "space.1.k: the label 'x' stands twice, here and at space.0; give each its own",
        ),
        (
            lambda: {"a": (x := hp.uniform("x", 0, 1)), "k": hp.choice("k", [{"x": x}, 1])},
            "space.k.0.x: the label 'x' stands twice, here and at space.a; give each its own",
        ),
        (
            lambda: {"hyperopt": hp.choice("k", [{"p": (x := hp.uniform("x", 0, 1)), "q": x}, 1])},
            "space.0.q: the label 'x' stands twice, here and at space.0.p; give each its own",
        ),
        (
            lambda: hp.choice("k", [hp.uniform("x", 0, 1), {"C": hp.uniform("x", 0, 2)}]),
            "space.1.C: the label 'x' stands twice, here and at space.0, for different things; give each its own",
        ),
        (
            lambda: hp.choice("k", [hp.uniform("x", 0, 1), hp.choice("x", [1, 2])]),
            "space.1: the label 'x' stands twice, here and at space.0, for different things; give each its own",
        ),
        (
            lambda: {"a": hp.choice("k", [1, w := hp.uniform("C", 0, 1)]), "b": hp.choice("l", [1, w])},
            "space.b.1: the label 'C' stands twice, here and at space.a.1; give each its own",
        ),
        (lambda: Choice([Float(0, 1, label="x"), Float(0, 2, label="x")]), "space.1: the label 'x' stands twice, here"),
        (
            lambda: hp.choice("k", [hp.choice("k", [1, 2]), 1]),
            "space.0: the label 'k' stands twice, here and at space; give each its own",
        ),
    ],
    ids=range(9),
)
def test_labels_that_stand_for_two_things_or_twice_at_once_are_refused(space: Any, said: str) -> None:
    with pytest.raises(SpaceError) as caught:
        Space.of(space())
    assert str(caught.value).startswith(said)


def test_a_run_with_one_is_restored(tmp_path: Path) -> None:
    def loss(suggestion: Any) -> float:
        return float(suggestion["C"]) if isinstance(suggestion, dict) else 2.0

    whole = Run(Hyperopt(graph()), loss, StopMax(30), pool="pool_serial").prepare(tmp_path / "whole").run()
    half = Run(Hyperopt(graph()), loss, StopMax(22), pool="pool_serial").prepare(tmp_path / "half").run()
    again = Run.restore(half.work_directory, new_stop=StopMax(30), evaluator=loss, verify=True).run()
    assert again.state.trials.losses == whole.state.trials.losses
