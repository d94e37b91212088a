"""The dialect of hyperopt: graphs become data, from which the very values of hyperopt are drawn."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from runlib import Float, Hyperopt, Space, SpaceError, from_hyperopt
from runlib.engine.data.canonical import plain
from runlib.search.base import seed_for

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from hyperopt import JOB_STATE_DONE, Trials, anneal, hp, rand, space_eval, tpe
    from hyperopt.base import Domain
    from hyperopt.pyll import scope

VARIABLES = [
    (lambda: hp.uniform("x", -1, 2.5), ["hp_uniform", "x", -1, 2.5]),
    (lambda: hp.uniform("x", low=-1, high=2.5), ["hp_uniform", "x", -1, 2.5]),
    (lambda: hp.quniform("x", 0, 5, 0.5), ["hp_quniform", "x", 0, 5, 0.5]),
    (lambda: hp.loguniform("x", -3, 1), ["hp_loguniform", "x", -3, 1]),
    (lambda: hp.qloguniform("x", 0, 3, 1), ["hp_qloguniform", "x", 0, 3, 1]),
    (lambda: hp.normal("x", 1, 2), ["hp_normal", "x", 1, 2]),
    (lambda: hp.qnormal("x", 1, 2, 1), ["hp_qnormal", "x", 1, 2, 1]),
    (lambda: hp.lognormal("x", mu=0, sigma=1), ["hp_lognormal", "x", 0, 1]),
    (lambda: hp.qlognormal("x", 0, 1, q=0.5), ["hp_qlognormal", "x", 0, 1, 0.5]),
    (lambda: hp.randint("x", 5), ["hp_randint", "x", 5]),
    (lambda: hp.randint("x", -2, 7), ["hp_randint", "x", -2, 7]),
    (lambda: hp.randint("x", low=2, high=7), ["hp_randint", "x", 2, 7]),
    (lambda: hp.uniformint("x", -3, 12), ["hp_uniformint", "x", -3, 12]),
    (lambda: scope.int(hp.quniform("x", -3, 12, 1)), ["hp_uniformint", "x", -3, 12]),
    (lambda: scope.int(hp.randint("x", 5)), ["hp_randint", "x", 5]),
    (lambda: scope.float(hp.uniform("x", 0, 1)), ["hp_uniform", "x", 0, 1]),
    (lambda: hp.choice("x", ["a", 2, None]), ["hp_choice", "x", ["a", 2, None]]),
    (lambda: hp.pchoice("x", [(0.25, "a"), (0.75, [1])]), ["hp_pchoice", "x", [[0.25, "a"], [0.75, [1]]]]),
    (lambda: 1 + hp.normal("x", 0, 1), ["hp_add", 1, ["hp_normal", "x", 0, 1]]),
    (lambda: hp.normal("x", 0, 1) - 1, ["hp_sub", ["hp_normal", "x", 0, 1], 1]),
    (lambda: 2 * hp.normal("x", 0, 1), ["hp_mul", 2, ["hp_normal", "x", 0, 1]]),
    (lambda: hp.normal("x", 0, 1) / 4, ["hp_div", ["hp_normal", "x", 0, 1], 4]),
    (lambda: 10 ** hp.uniform("x", 0, 1), ["hp_pow", 10, ["hp_uniform", "x", 0, 1]]),
    (lambda: -hp.uniform("x", 0, 1), ["hp_mul", -1, ["hp_uniform", "x", 0, 1]]),
    (lambda: scope.int(hp.quniform("x", 10, 90, 10)), ["hp_int", ["hp_quniform", "x", 10, 90, 10]]),
    (lambda: scope.int(hp.quniform("x", 1, 9, 1.0)), ["hp_uniformint", "x", 1, 9]),
    (lambda: scope.int(hp.uniform("x", 1, 9)), ["hp_int", ["hp_uniform", "x", 1, 9]]),
    (lambda: scope.int(scope.int(hp.uniform("x", 1, 9))), ["hp_int", ["hp_uniform", "x", 1, 9]]),
    (lambda: scope.int(hp.qloguniform("x", 0, 5, 1)), ["hp_int", ["hp_qloguniform", "x", 0, 5, 1]]),
    (lambda: scope.int(hp.lognormal("x", 0, 1)), ["hp_int", ["hp_lognormal", "x", 0, 1]]),
    (lambda: scope.int(hp.choice("x", [1.5, 2])), ["hp_int", ["hp_choice", "x", [1.5, 2]]]),
    (lambda: scope.int(2 ** hp.uniform("x", 2, 5)), ["hp_int", ["hp_pow", 2, ["hp_uniform", "x", 2, 5]]]),
    (lambda: 1 + scope.int(hp.uniform("x", 2, 5)), ["hp_add", 1, ["hp_int", ["hp_uniform", "x", 2, 5]]]),
    (lambda: scope.float(hp.randint("x", 10)), ["hp_mul", 1.0, ["hp_randint", "x", 10]]),
    (lambda: scope.int(scope.float(hp.randint("x", 10))), ["hp_int", ["hp_mul", 1.0, ["hp_randint", "x", 10]]]),
    (lambda: scope.float(scope.int(hp.uniform("x", 0, 9))), ["hp_mul", 1.0, ["hp_int", ["hp_uniform", "x", 0, 9]]]),
    (lambda: scope.float(hp.uniformint("x", 0, 9)), ["hp_mul", 1.0, ["hp_uniformint", "x", 0, 9]]),
    (lambda: scope.exp(hp.uniform("x", 0, 1)), ["hp_exp", ["hp_uniform", "x", 0, 1]]),
    (lambda: scope.sqrt(hp.uniform("x", 0, 1)), ["hp_sqrt", ["hp_uniform", "x", 0, 1]]),
    (lambda: scope.log(hp.uniform("x", 1, 2)), ["hp_log", ["hp_uniform", "x", 1, 2]]),
]


@pytest.mark.parametrize(("graph", "data"), VARIABLES, ids=[repr(data) for _, data in VARIABLES])
def test_a_variable_becomes_data(graph: Callable[[], Any], data: Any) -> None:
    assert repr(from_hyperopt(graph())) == repr(data)
    assert from_hyperopt({"a": [graph(), (1, {"b": "c"})]}) == {"a": [data, ["hp_tuple", 1, {"b": "c"}]]}
    Space.of(data)


def test_literals_that_look_like_variables_stay_data() -> None:
    graph = hp.choice("x", [["hp_uniform", "y", 0, 1], {"k": ("hp_x",)}])
    found = from_hyperopt({"a": graph, "b": ["hp_normal", 1]})
    space = Space.of(found)
    assert len(space.variables) == 1
    assert space.assemble([0]) == {"a": ["hp_uniform", "y", 0, 1], "b": ["hp_normal", 1]}
    assert space.assemble([1]) == {"a": {"k": ("hp_x",)}, "b": ["hp_normal", 1]}


def test_the_number_below_a_truncated_one_stands_in_the_memo() -> None:
    search = Hyperopt({"hyperopt": {"x": scope.int(hp.quniform("x", 10, 90, 7.5))}})
    seen = set()
    for _ in range(30):
        tid, suggestion = search.suggest()
        raw = search.memo(tid)["x"]
        assert suggestion["x"] == int(raw)
        assert type(suggestion["x"]) is int
        assert raw % 7.5 == 0
        seen.add(raw)
        search.submit(tid, loss=0.0)
    assert any(raw != int(raw) for raw in seen)
    again = Hyperopt(search.space)
    for tid in range(30):
        again.recall(tid, {"x": int(search.memo(tid)["x"])}, search.memo(tid))
        again.submit(tid, loss=0.0)
    assert again.suggest() == search.suggest()


def test_what_is_cast_has_to_be_a_number() -> None:
    with pytest.raises(SpaceError, match=r"^space\.x\.0: hp_int takes numbers and variables that are numbers, got \["):
        Space.of({"x": from_hyperopt(scope.int(hp.choice("x", ["a", "b"])))})


def test_typed_parameters_may_stand_in_it() -> None:
    assert from_hyperopt({"a": hp.uniform("x", 0, 1), "b": Float(0, 1)}) == {
        "a": ["hp_uniform", "x", 0, 1],
        "b": ["hp_float", {"low": 0.0, "high": 1.0}],
    }


WRONG = [
    (
        lambda: {"a": scope.sin(hp.uniform("x", 0, 1))},
        "hyperopt.a: sin of hyperopt has no counterpart; compute it in the function instead",
    ),
    (
        lambda: hp.choice("c", [0, hp.uniform("x", 0, 9) // 2]),
        "hyperopt.1: floordiv of hyperopt has no counterpart; compute it in the function instead",
    ),
    (
        lambda: {"a": scope.switch(hp.randint("x", 2), 3, 4)},
        "hyperopt.a: the switch does not follow an hp.choice but int, which has no counterpart",
    ),
    (
        lambda: {"a": hp.uniform("x", 0, hp.uniform("y", 1, 2))},
        "hyperopt.a: an argument that is calculated (float) has no counterpart; give a number",
    ),
    (lambda: {"a": hp.uniform("x", 0, 1, size=(3,))}, "hyperopt.a: hp.uniform takes low, high here, and no more"),
    (lambda: {"a": hp.uniform("x", 0, 0)}, "hyperopt.a: low of hp_uniform must be below high, got 0 and 0"),
    (lambda: {"a": hp.normal("x", 0, -1)}, "hyperopt.a: sigma of hp_normal must be positive, got -1"),
    (lambda: {"a": hp.pchoice("x", [(0.5, 1), (0.6, 2)])}, "hyperopt.a: the probabilities of hp_pchoice must sum to 1"),
    (lambda: {"a": hp.uniform("", 0, 1)}, "hyperopt.a: the label of a variable must be a text, got ''"),
    (lambda: {"a": {(1, 2): hp.uniform("x", 0, 1)}}, "hyperopt.a: keys must be text or numbers, got (1, 2) of type"),
    (lambda: hp.choice("c", [{(1,): 2}]), "hyperopt.0: keys must be text or numbers, got "),
    (lambda: hp.choice("c", [len]), "hyperopt.0: is the function len, and a space holds data"),
    (lambda: {"a": {"b": object()}}, "hyperopt.a.b: is an object, and a space holds data"),
]


@pytest.mark.parametrize(("graph", "message"), WRONG, ids=[message for _, message in WRONG])
def test_what_cannot_be_expressed_is_named_with_its_place(graph: Callable[[], Any], message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        from_hyperopt(graph())
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def in_several_options() -> Any:
    """One object in branches that exclude each other: a number, a number that is calculated with, and a choice."""
    weight, width = hp.loguniform("C", -3, 2), hp.quniform("width", 0, 5, 1)
    kernel = hp.choice("kernel", ["linear", {"rbf": width, "C": weight}, ("poly", scope.int(width))])
    return {
        "model": hp.choice(
            "model",
            [
                {"type": "svm", "kernel": kernel},
                {"type": "logistic", "C": 1 / weight, "penalty": hp.choice("penalty", ["l1", "l2"])},
                {"type": "ridge", "inner": hp.choice("inner", [kernel, {"w": width}])},
            ],
        ),
        "seed": hp.randint("seed", 5),
    }


# Spaces as users of hyperopt write them.
SPACES: dict[str, Callable[[], Any]] = {
    "documented": lambda: hp.choice(
        "a", [("case 1", 1 + hp.lognormal("c1", 0, 1)), ("case 2", hp.uniform("c2", -10, 10))]
    ),
    "nested": lambda: {
        "z": hp.uniform("z", 0, 1),
        "model": hp.choice(
            "model",
            [
                {
                    "type": "svm",
                    "C": hp.lognormal("C", 0, 1),
                    "kernel": hp.choice("kernel", ["linear", {"rbf": hp.lognormal("width", 0, 1)}]),
                },
                {"type": "tree", "depth": hp.choice("depth", [None, hp.qlognormal("depth_int", 3, 1, 1)])},
                ("knn", hp.uniformint("k", 1, 20), hp.pchoice("p", [(0.3, 1), (0.7, 2)])),
                hp.normal("alone", 0, 1),
            ],
        ),
    },
    "arithmetic": lambda: {
        "sum": hp.uniform("a", 0, 1) + hp.normal("b", 0, 1),
        "mixed": 2 ** hp.quniform("c", -4, 4, 0.25) - 1,
        "ratio": (1 + hp.loguniform("d", -3, 1)) / (3 * hp.randint("e", 1, 9)),
        "less": -hp.lognormal("f", 0, 1),
        "chosen": 0.5 * hp.choice("g", [1, 2, hp.uniform("h", 3, 4)]),
        "square": hp.normal("i", 0, 1) ** 2,
    },
    "casts": lambda: {
        "num_leaves": scope.int(hp.quniform("num_leaves", 30, 150, 10)),
        "max_bin": scope.int(hp.qloguniform("max_bin", 3, 6, 1)),
        "depth": scope.int(hp.uniform("depth", -5.5, 12)),
        "width": scope.int(2 ** hp.quniform("width", 2, 6, 0.5)),
        "rounds": 10 * scope.int(hp.qnormal("rounds", 5, 2, 0.7)),
        "share": scope.float(hp.randint("share", 1, 9)) / 10,
        "least": scope.int(hp.choice("least", [1.5, hp.uniform("least_more", 3, 8), scope.int(hp.normal("n", 0, 3))])),
        "rate": scope.exp(hp.uniform("rate", -3, 0)),
        "root": scope.sqrt(hp.uniform("root", 0, 9)) + scope.log(hp.uniform("log", 1, 9)),
    },
    "gbm": lambda: {
        "boosting": hp.choice(
            "boosting",
            [
                {"type": "gbdt", "subsample": hp.uniform("gbdt_subsample", 0.5, 1)},
                {"type": "dart", "drop": hp.pchoice("drop", [(0.2, 0.1), (0.8, hp.uniform("drop_rate", 0, 0.5))])},
                {"type": "goss", "subsample": 1.0},
            ],
        ),
        "num_leaves": scope.int(hp.quniform("num_leaves", 30, 150, 1)),
        "learning_rate": hp.loguniform("learning_rate", math.log(0.01), math.log(0.2)),
        "subsample_for_bin": scope.int(hp.quniform("subsample_for_bin", 20000, 300000, 20000)),
        "min_child_samples": scope.int(hp.quniform("min_child_samples", 20, 500, 5)),
        "max_depth": scope.int(hp.choice("max_depth", range(3, 14))),
        "reg_lambda": 10 ** hp.uniform("reg_lambda", -3, 1),
        "objective": "binary",
    },
    "alone": lambda: hp.loguniform("x", -5, 0),
    "shared": in_several_options,
}


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize(("method", "count"), [("tpe", 60), ("rand", 100), ("anneal", 40)])
def test_the_values_are_those_of_hyperopt(name: str, method: str, count: int) -> None:
    """Hyperopt is driven with the graph beside ours with its translation, with one history and one seed."""
    graph = SPACES[name]()
    ours = Hyperopt({"hyperopt": graph}, method=method)
    suggest = {"tpe": partial(tpe.suggest, verbose=False), "rand": rand.suggest, "anneal": anneal.suggest}[method]
    domain, trials = Domain(lambda suggestion: 0.0, graph), Trials()
    for k in range(count):
        [doc] = suggest(trials.new_trial_ids(1), domain, trials, seed_for(ours.seed, k))
        vals = doc["misc"]["vals"]
        tid, suggestion = ours.suggest()
        chosen = {label: value[0] for label, value in vals.items() if value}
        assert plain(suggestion) == plain(space_eval(graph, chosen)), f"suggestion {k}"
        loss = round(sum(math.tanh(value[0] / 3) * (1 + len(label)) for label, value in vals.items() if value), 3)
        ours.submit(tid, loss=loss)
        trials.insert_trial_docs([doc])
        doc = trials._dynamic_trials[-1]
        doc["state"], doc["result"] = JOB_STATE_DONE, {"status": "ok", "loss": loss}
        trials.refresh()


@pytest.mark.parametrize("name", SPACES)
def test_the_translation_is_data_that_suggests_the_same(name: str) -> None:
    data = json.loads(json.dumps(from_hyperopt(SPACES[name]())))
    assert Space.of(data).data == data
    ours, again = Hyperopt({"hyperopt": SPACES[name]()}), Hyperopt(data)
    assert [ours.suggest() for _ in range(30)] == [again.suggest() for _ in range(30)]
