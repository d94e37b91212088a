"""Tuples and dicts with numbers for keys in a space: what they become in it, in its data, and in suggestions."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hyperopt import hp
from hyperopt.pyll.stochastic import sample
from scipy import stats

from runlib import (
    Categorical,
    Choice,
    Constant,
    EvolutionSearch,
    Float,
    GridSearch,
    Hyperopt,
    Integer,
    Ordinal,
    RandomSearch,
    SobolSearch,
    Space,
    SpaceError,
)
from runlib.engine.data.plain import plain
from runlib.engine.data.shape import flat
from runlib.engine.data.yamlfile import parse_yaml, write_yaml

X = Float(0, 1)
WEIGHTS = {0: 1, 1: 5}

# A space, and what stands under "p" in each of its suggestions.
ALWAYS = [
    (Categorical([(1, 1)]), (1, 1)),
    (Categorical([()]), ()),
    (Categorical([((1, 2), [3, (None,)])]), ((1, 2), [3, (None,)])),
    (Ordinal([(50,)]), (50,)),
    (Constant((1, 2)), (1, 2)),
    (Constant({"a": [(1,)]}), {"a": [(1,)]}),
    (Choice([(1, "a")]), (1, "a")),
    ((50, 50, 50), (50, 50, 50)),
    (("a", None, ()), ("a", None, ())),
    (["hp_tuple", 1, ["hp_tuple"], None], (1, (), None)),
    (["hp_choice", "c", ((1, 2),)], (1, 2)),
    (("hp_pchoice", "c", ((1, (1, 2)),)), (1, 2)),
    (["hp_choice", "c", {"options": ((1, None),)}], (1, None)),
    (["hp_categorical", "c", {"options": [["hp_tuple", 1, 2]]}], (1, 2)),
    (WEIGHTS, WEIGHTS),
    (Constant(WEIGHTS), WEIGHTS),
    (Categorical([{0: 1, 1: (2,)}]), {0: 1, 1: (2,)}),
    (Choice([WEIGHTS]), WEIGHTS),
    ({-1: 1, True: 2, None: 3, 0.5: [4], "a": 5}, {-1: 1, True: 2, None: 3, 0.5: [4], "a": 5}),
    (["hp_dict", [0, 1], [1, 5]], WEIGHTS),
    (["hp_dict"], {}),
    (hp.choice("h", [(1, 2)]), (1, 2)),
    (hp.choice("h", [[1, 2]]), [1, 2]),
    (hp.choice("h", [WEIGHTS]), WEIGHTS),
    (hp.choice("h", [{"w": {0: (1,)}}]), {"w": {0: (1,)}}),
    (hp.pchoice("h", [(1, (1, (2,)))]), (1, (2,))),
]
IDS = [f"{place}-{expected}" for place, (_, expected) in enumerate(ALWAYS)]


@pytest.mark.parametrize(("space", "expected"), ALWAYS, ids=IDS)
@pytest.mark.parametrize("make", [RandomSearch, GridSearch, Hyperopt, SobolSearch, EvolutionSearch])
def test_it_arrives_as_it_stands(make: Any, space: Any, expected: Any) -> None:
    search = make({"x": X, "p": space})
    tid, suggestion = search.suggest()
    assert repr(suggestion["p"]) == repr(expected)
    again = make(json.loads(json.dumps(search.space)))  # of the config on the tape
    memo = plain(search.memo(tid))
    again.recall(tid, suggestion, memo)
    assert repr(again.suggest()[1]["p"]) == repr(expected)
    older = make(search.space)
    older.recall(tid, flat(suggestion), memo)  # as tapes had it before there were shapes


@pytest.mark.parametrize("space", [given for given, _ in ALWAYS], ids=IDS)
def test_its_data_is_plain_and_means_the_same(space: Any) -> None:
    made = Space.of({"x": X, "p": space})
    assert repr(plain(made.data)) == repr(made.data)
    for data in (made.data, json.loads(json.dumps(made.data)), parse_yaml(write_yaml(made.data))):
        again = Space.of(data)
        assert repr(again.data) == repr(made.data)
        assert repr(again.sample(random.Random(1))) == repr(made.sample(random.Random(1)))


@pytest.mark.parametrize("space", [given for given, _ in ALWAYS], ids=IDS)
def test_lists_and_texts_are_taken_for_it_and_spelled(space: Any) -> None:
    made = Space.of({"x": X, "p": space})
    suggestion = made.sample(random.Random(1))
    given = flat(suggestion)
    made.validate(given)
    made.validate(suggestion)
    assert made.locate(given) == made.locate(suggestion)
    assert repr(made.spelled(given)) == repr(made.spelled(suggestion)) == repr(suggestion)


def test_what_varies_may_stand_in_a_tuple_and_under_a_number() -> None:
    space = Space.of({"h": (Integer(1, 9), Choice([X, "none"])), "w": {0: 1, 1: Float(1, 5)}})
    assert [variable.label for variable in space.variables] == ["h.0", "h.1", "h.1.0", "w.1"]
    suggestion = space.sample(random.Random(3))
    assert type(suggestion["h"]) is tuple
    assert type(suggestion["h"][0]) is int
    assert list(suggestion["w"]) == [0, 1]
    assert 1 <= suggestion["w"][1] <= 5
    assert space.assemble(space.locate(suggestion) or []) == suggestion
    for make in (Hyperopt, EvolutionSearch):
        search = make(space)
        for _ in range(3):
            tid, found = search.suggest()
            search.submit(tid, loss=found["w"][1])
            assert type(found["h"]) is tuple
            assert list(found["w"]) == [0, 1]


def test_a_space_without_them_is_written_as_ever() -> None:
    space = Space.of({"a": Categorical([[1, 2], "b"]), "c": [1, [2]], "d": {"e": Constant([3])}})
    assert space.data == {
        "a": ["hp_categorical", "a", {"options": [[1, 2], "b"]}],
        "c": [1, [2]],
        "d": {"e": ["hp_constant", "d.e", {"value": [3]}]},
    }


def test_the_options_of_scikit_learn_and_amltk_stay_tuples() -> None:
    learn = Space.of({"C": stats.uniform(0, 1), "n": [(1, 1), (1, 2)], "w": [None, WEIGHTS], "k": ("a", "b", "c")})
    amltk = Space.of({"amltk": {"x": (0, 1), "n": [(1, 1), (1, 2)]}})
    rng = random.Random(1)
    for _ in range(20):
        found = learn.sample(rng)
        assert found["n"] in ((1, 1), (1, 2))
        assert found["k"] in "abc"
        assert found["w"] in (None, WEIGHTS)
        assert amltk.sample(rng)["n"] in ((1, 1), (1, 2))


def test_objects_show_them_as_they_were_given() -> None:
    assert repr(Categorical([(1, 1), (1, 2)])) == "Categorical(((1, 1), (1, 2)))"
    assert Categorical([(1, 1), (1, 2)]) == Categorical([["hp_tuple", 1, 1], ["hp_tuple", 1, 2]])
    assert Constant(WEIGHTS).value == WEIGHTS
    assert Categorical([(1, 1), (1, 2)], prior=[1, 2]).distribution().weights is not None


def test_hyperopt_itself_gives_the_same_tuples() -> None:
    graph = hp.choice("h", [(1, (2, 3)), {"n": (4,), "w": {0: 1}}])
    space = Space.of(graph)
    rng = random.Random(0)
    mine = {repr(space.sample(rng)) for _ in range(30)}
    theirs = {repr(sample(graph)) for _ in range(30)}
    assert mine == theirs


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"p": ["hp_dict", 5]}, r'^space\.p: is written \["hp_dict", \[key, value\], \.\.\.\], got 5 for a pair'),
        ({"p": ["hp_dict", [0, 1], [0, 2]]}, r"^space\.p: has the key 0 twice"),
        ({"p": ["hp_dict", [[1], 2]]}, r'^space\.p: is written \["hp_dict"'),
        ({"p": {(1, 2): 3}}, r"^space\.p: keys must be text or numbers, got \(1, 2\) of type tuple; write a list of"),
        ({"p": {0: 1, "0": 2}}, r"^space\.p: has two keys that are written alike, got 0, '0'"),
        ({"p": {0: ["hp_unform", "x", 0, 1]}}, r"^space\.p\.0: unknown function 'hp_unform'"),
        ({"p": ("a", ["hp_uniform", "x", 2, 1])}, r"^space\.p\.1: low of hp_uniform must be below high"),
        ({"x": X, "p": ["hp_tupel", 1, 2]}, r"^space\.p: unknown function 'hp_tupel'; did you mean hp_tuple"),
    ],
)
def test_a_mistake_is_told_with_its_place(space: Any, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        Space.of(space)


@pytest.mark.parametrize(
    ("options", "message"),
    [([(1, 1), [1, 1]], "options 0 and 1 of Categorical are the same"), ([{1: 2}, {"1": 2}], "options 0 and 1 of")],
)
def test_what_is_one_evaluation_is_one_option(options: Any, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        Categorical(options)


@pytest.mark.parametrize(
    ("suggestion", "message"),
    [
        ({"n": [1, 3]}, r"suggestion\.n: must be one of \(1, 1\), \(1, 2\), got \[1, 3\]"),
        ({"h": [1]}, r"suggestion\.h: must be a tuple of 2 items, got \[1\]"),
        ({"w": {"0": 1}}, r"suggestion\.w: the key 1 is missing; there must be 0, 1"),
        ({"w": {"0": 1, "1": 2, "2": 3}}, r"suggestion\.w: there is no key '2'; there must be 0, 1"),
    ],
)
def test_what_lies_outside_is_told(suggestion: Any, message: str) -> None:
    space = Space.of({"n": Categorical([(1, 1), (1, 2)]), "h": (X, 1), "w": {0: 1, 1: X}})
    with pytest.raises(SpaceError, match=message):
        space.validate({**space.sample(random.Random(1)), **suggestion})
