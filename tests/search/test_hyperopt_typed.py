"""Hyperopt over typed parameters and arithmetic: values in the space, priors, restoring, hyperopt's own values."""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
import warnings
from collections import Counter
from functools import partial

import numpy as np
import pytest

from runlib import Categorical, Choice, Constant, Float, Hyperopt, Integer, LogNormal, Normal, Ordinal, Space
from runlib.engine.component import from_config
from runlib.engine.data.canonical import canonical_json, dump, load, plain
from runlib.search.base import seed_for

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from hyperopt import JOB_STATE_DONE, Trials, anneal, hp, rand, space_eval, tpe
    from hyperopt.base import Domain

SPACE = {
    "lr": Float(1e-5, 1e-1, log=True, prior=1e-3, prior_confidence="high"),
    "x": Float(-1, 2),
    "steps": Float(0.1, 1.05, step=0.1),
    "n": Integer(1, 9),
    "even": Integer(0, 8, step=2, prior=6),
    "batch": Integer(8, 512, log=True),
    "opt": Categorical(["adam", "sgd", None], prior="sgd"),
    "size": Ordinal([1, 2, 4, 8], prior=4),
    "fixed": Constant(["hp_uniform", "no", 0, 1]),
    "epochs": Integer(1, 81, fidelity=True),
    "model": Choice(
        [{"C": LogNormal(0, 1), "w": Float(0, 1)}, {"k": 2 ** Integer(0, 5), "p": ["hp_randint", "p", 4]}, "none"],
        prior=1,
    ),
    "sum": 1 + Normal(0, 1) * Float(1, 2),
}
METHODS = ["tpe", "rand", "anneal", "mix"]
each_method = pytest.mark.parametrize("method", METHODS)


def loss_of(suggestion: dict) -> float:
    """Something that depends on everything."""
    return round(random.Random(canonical_json(suggestion)).random(), 2) + abs(math.log10(suggestion["lr"]) + 2)


@each_method
def test_suggestions_lie_in_the_space_and_are_restored_exactly(method: str) -> None:
    search, space = Hyperopt(SPACE, method=method, n_startup_jobs=8), Space.of(SPACE)
    again = from_config(json.loads(json.dumps(search.get_config())))
    for k in range(60):
        tid, suggestion = search.suggest()
        space.validate(suggestion)
        assert suggestion == plain(suggestion)
        assert suggestion["epochs"] == 81
        again.recall(k, load(dump(suggestion)), load(dump(search.memo(tid))))
        assert dump(list(again._history.row(k))) == dump([number + 0.0 for number in search._history.row(k)])
        if k % 7:
            for told in (search, again):
                told.submit(tid, loss=loss_of(suggestion))
        assert k % 10 or again.get_config() == search.get_config()
    assert [again.suggest() for _ in range(3)] == [search.suggest() for _ in range(3)]


def test_the_config_holds_the_canonical_form() -> None:
    config = Hyperopt({"x": Float(0, 1), "y": 2 * Integer(1, 3)}).get_config()
    assert config["search_hyperopt"]["space"] == {
        "x": ["hp_float", "x", {"low": 0.0, "high": 1.0}],
        "y": ["hp_mul", 2, ["hp_integer", "y.1", {"low": 1, "high": 3}]],
    }
    assert Hyperopt(Space.of(SPACE)).get_config() == Hyperopt(SPACE).get_config()


def test_the_ends_of_an_integer_and_of_steps_are_as_likely_as_the_rest() -> None:
    space = [Integer(0, 2), Float(0, 1, step=0.5), Ordinal(["a", "b", "c"])]
    search = Hyperopt(space, method="rand")
    made = [search.suggest()[1] for _ in range(3000)]
    for values in zip(*made, strict=True):
        counts = Counter(values)
        assert len(counts) == 3
        assert all(900 < count < 1100 for count in counts.values())


@each_method
def test_bounds_and_steps_hold_where_estimates_press_against_them(method: str) -> None:
    search = Hyperopt(
        [Float(0.1, 0.3), Float(1e-3, 0.7, log=True), Integer(1, 7), Integer(3, 11, log=True), Float(0, 0.3, step=0.1)],
        method=method,
        n_startup_jobs=5,
    )
    for _ in range(80):
        tid, suggestion = search.suggest()
        a, b, c, d, e = suggestion
        assert 0.1 <= a <= 0.3
        assert 1e-3 <= b <= 0.7
        assert c in range(1, 8)
        assert d in range(3, 12)
        assert e in (0.0, 0.1, 0.2, 0.3)
        search.submit(tid, loss=-a - b - c - d - e)


def median_distance(prior: float | None, *, startup: int) -> float:
    """How far suggestions without any result that tells them apart lie from 10."""
    search, made = Hyperopt(Float(0, 100, prior=prior, prior_confidence=prior and "high"), n_startup_jobs=startup), []
    for _ in range(60):
        tid, suggestion = search.suggest()
        search.submit(tid, loss=0.0)
        made.append(abs(suggestion - 10))
    return float(np.median(made))


@pytest.mark.parametrize("startup", [60, 5])
def test_a_prior_draws_suggestions_near(startup: int) -> None:
    assert median_distance(10, startup=startup) < 0.75 * median_distance(None, startup=startup)


def test_tpe_learns_typed_parameters() -> None:
    def late(method: str, seed: int) -> float:
        search, losses = Hyperopt({"x": Float(1e-6, 1, log=True), "n": Integer(1, 64, log=True)}, seed, method), []
        for _ in range(60):
            tid, suggestion = search.suggest()
            losses.append(abs(math.log10(suggestion["x"]) + 3) + abs(math.log2(suggestion["n"]) - 4))
            search.submit(tid, loss=losses[-1])
        return float(np.median(losses[30:]))

    assert sum(late("tpe", seed) < late("rand", seed) for seed in range(5)) >= 4


def test_an_adopted_suggestion_is_told_if_it_lies_in_the_space() -> None:
    search = Hyperopt({"x": Float(0, 1), "y": 1 + Float(0, 1), "c": Categorical([1, True])})
    inside, outside = {"x": 0.25, "y": 1.5, "c": True}, {"x": 2.0, "y": 1.5, "c": True}
    assert list(search._history.row(search.adopt(inside))) == [0.25, 0.5, 1]
    assert all(math.isnan(number) for number in search._history.row(search.adopt(outside)))


def test_recalling_typed_parameters_needs_no_hyperopt() -> None:
    code = """
import sys
from runlib import Categorical, Float, Hyperopt, Integer
search = Hyperopt({"x": Float(0, 1, prior=0.5), "n": 2 ** Integer(1, 3), "c": Categorical(["a", "b"])})
search.recall(0, {"x": 0.5, "n": 4, "c": "b"}, {"n.1": 2})
print(search.memo(0), {"hyperopt", "scipy", "numpy"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "{'n.1': 2} set()\n"


ARITHMETIC = {
    "conditional": (
        [
            "hp_choice",
            "a",
            [["one", ["hp_add", 1, ["hp_lognormal", "c1", 0, 1]]], ["two", ["hp_normal", "c2", 0, 9]]],
        ],
        lambda: hp.choice("a", [["one", 1 + hp.lognormal("c1", 0, 1)], ["two", hp.normal("c2", 0, 9)]]),
    ),
    "nested": (
        {
            "x": [
                "hp_add",
                ["hp_mul", 3, ["hp_uniform", "u", 0, 1]],
                ["hp_pow", ["hp_uniform", "v", 1, 2], ["hp_choice", "w", [1, 2, ["hp_quniform", "q", 0, 3, 1]]]],
            ],
            "y": ["hp_div", ["hp_normal", "n", 0, 1], ["hp_sub", 5, ["hp_uniform", "z", 0, 1]]],
        },
        lambda: {
            "x": 3 * hp.uniform("u", 0, 1) + hp.uniform("v", 1, 2) ** hp.choice("w", [1, 2, hp.quniform("q", 0, 3, 1)]),
            "y": hp.normal("n", 0, 1) / (5 - hp.uniform("z", 0, 1)),
        },
    ),
}
ALGORITHMS = {
    "tpe": partial(tpe.suggest, verbose=False, n_startup_jobs=5),
    "rand": rand.suggest,
    "anneal": anneal.suggest,
}


@pytest.mark.parametrize("method", ALGORITHMS)
@pytest.mark.parametrize("name", ARITHMETIC)
def test_arithmetic_gives_the_values_of_hyperopt(name: str, method: str) -> None:
    text, make = ARITHMETIC[name]
    space, trials = make(), Trials()
    domain, ours = Domain(lambda suggestion: 0.0, space), Hyperopt(text, method=method, n_startup_jobs=5)
    for k in range(25):
        with np.errstate(all="ignore"):
            [doc] = ALGORITHMS[method]([k], domain, trials, seed_for(ours.seed, k))
        tid, suggestion = ours.suggest()
        chosen = {label: value[0] for label, value in doc["misc"]["vals"].items() if value}
        assert suggestion == plain(space_eval(space, chosen))
        doc["state"], doc["result"] = JOB_STATE_DONE, {"status": "ok", "loss": float(k % 4)}
        trials._insert_trial_docs([doc])
        trials.refresh()
        ours.submit(tid, loss=float(k % 4))
