"""The values are those of hyperopt itself: its ``suggest`` is driven beside ours, with one history and one seed."""

from __future__ import annotations

import math
import random
import warnings
from functools import partial
from typing import Any

import numpy as np
import pytest

from runlib.engine.data.canonical import plain
from runlib.search.base import seed_for
from runlib.search.hyperopt.search import Hyperopt

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import hyperopt
    from hyperopt import JOB_STATE_DONE, JOB_STATE_ERROR, Trials, anneal, hp, mix, rand, space_eval, tpe
    from hyperopt.base import Domain

# Each space twice: as text, and as a user of hyperopt writes it.
FLAT = (
    {
        "a": ["hp_uniform", "a", -1, 2],
        "b": ["hp_loguniform", "b", -7, 1],
        "c": ["hp_normal", "c", 1, 2.5],
        "d": ["hp_lognormal", "d", 0, 1],
        "e": ["hp_randint", "e", 5],
        "f": ["hp_randint", "f", -2, 7],
        "g": ["hp_choice", "g", ["one", "two", "three"]],
        "h": ["hp_pchoice", "h", [[0.2, "rare"], [0.7, "often"], [0.1, "seldom"]]],
        "fixed": [1, 2, {"three": None}],
    },
    lambda: {
        "a": hp.uniform("a", -1, 2),
        "b": hp.loguniform("b", -7, 1),
        "c": hp.normal("c", 1, 2.5),
        "d": hp.lognormal("d", 0, 1),
        "e": hp.randint("e", 5),
        "f": hp.randint("f", -2, 7),
        "g": hp.choice("g", ["one", "two", "three"]),
        "h": hp.pchoice("h", [(0.2, "rare"), (0.7, "often"), (0.1, "seldom")]),
        "fixed": [1, 2, {"three": None}],
    },
)
QUANTISED = (
    [
        ["hp_quniform", "a", 0, 10, 1],
        ["hp_uniformint", "b", -3, 12],
        ["hp_qloguniform", "c", -1, 4, 2],
        ["hp_qnormal", "d", 0, 5, 0.5],
        ["hp_qlognormal", "e", 1, 1, 1],
        ["hp_loggrid", "f", -3, 3, 1.0],
        ["hp_loggrid_uniform", "g", -4, 4, 0.25],
        ["hp_quniform", "h", 0, 1, 0.3],
        ["hp_qlognormal", "i", -1, 2, 3],
    ],
    lambda: [
        hp.quniform("a", 0, 10, 1),
        hp.uniformint("b", -3, 12),
        hp.qloguniform("c", -1, 4, 2),
        hp.qnormal("d", 0, 5, 0.5),
        hp.qlognormal("e", 1, 1, 1),
        hp.choice("f", [2.0**k for k in range(-3, 4)]),
        2 ** hp.quniform("g", -4, 4, 0.25),
        hp.quniform("h", 0, 1, 0.3),
        hp.qlognormal("i", -1, 2, 3),
    ],
)
CONDITIONAL = (
    {
        "z": ["hp_uniform", "z", 0, 1],
        "model": [
            "hp_choice",
            "model",
            [
                {
                    "svm": {
                        "C": ["hp_loguniform", "C", -5, 5],
                        "kernel": [
                            "hp_choice",
                            "kernel",
                            ["linear", {"rbf": {"gamma": ["hp_lognormal", "gamma", 0, 1]}}],
                        ],
                    }
                },
                {"knn": {"k": ["hp_uniformint", "k", 1, 20], "p": ["hp_pchoice", "p", [[0.3, 1], [0.7, 2]]]}},
                ["hp_normal", "none", 0, 1],
                "dummy",
            ],
        ],
        "b": ["hp_pchoice", "b", [[0.5, ["hp_quniform", "q", 0, 5, 1]], [0.5, ["hp_randint", "r", 3, 9]]]],
    },
    lambda: {
        "z": hp.uniform("z", 0, 1),
        "model": hp.choice(
            "model",
            [
                {
                    "svm": {
                        "C": hp.loguniform("C", -5, 5),
                        "kernel": hp.choice("kernel", ["linear", {"rbf": {"gamma": hp.lognormal("gamma", 0, 1)}}]),
                    }
                },
                {"knn": {"k": hp.uniformint("k", 1, 20), "p": hp.pchoice("p", [(0.3, 1), (0.7, 2)])}},
                hp.normal("none", 0, 1),
                "dummy",
            ],
        ),
        "b": hp.pchoice("b", [(0.5, hp.quniform("q", 0, 5, 1)), (0.5, hp.randint("r", 3, 9))]),
    },
)
EXTREME = (
    [
        ["hp_uniform", "a", 0, 1e-11],
        ["hp_uniform", "b", 1e9, 1000000001],
        ["hp_loguniform", "c", -700, -650],
        ["hp_loguniform", "d", 600, 700],
        ["hp_normal", "e", 1e6, 1e-12],
        ["hp_lognormal", "f", 0, 60],
        ["hp_normal", "g", 0, 1e120],
        ["hp_uniformint", "h", 0, 1],
        ["hp_quniform", "i", 0.4, 0.6, 5],
        ["hp_qlognormal", "j", -3, 4, 0.1],
        ["hp_randint", "k", 1],
        ["hp_pchoice", "l", [[0, "never"], [1, "always"]]],
        ["hp_qnormal", "m", 0, 0.1, 1],
        ["hp_qloguniform", "n", -20, 3, 1],
    ],
    lambda: [
        hp.uniform("a", 0, 1e-11),
        hp.uniform("b", 1e9, 1000000001),
        hp.loguniform("c", -700, -650),
        hp.loguniform("d", 600, 700),
        hp.normal("e", 1e6, 1e-12),
        hp.lognormal("f", 0, 60),
        hp.normal("g", 0, 1e120),
        hp.uniformint("h", 0, 1),
        hp.quniform("i", 0.4, 0.6, 5),
        hp.qlognormal("j", -3, 4, 0.1),
        hp.randint("k", 1),
        hp.pchoice("l", [(0, "never"), (1, "always")]),
        hp.qnormal("m", 0, 0.1, 1),
        hp.qloguniform("n", -20, 3, 1),
    ],
)
SPACES = {"extreme": EXTREME, "flat": FLAT, "quantised": QUANTISED, "conditional": CONDITIONAL}
# The larger ones take seconds; of each algorithm the smaller ones are compared in every run of the tests.
NAMES = [pytest.param(name, marks=pytest.mark.slow) if name in ("extreme", "quantised") else name for name in SPACES]
MIX = [[0.2, "rand"], [0.3, "anneal"], [0.5, "tpe"]]


def loss_of(values: dict[str, list[float]]) -> float:
    """Something smooth in every value, with ties."""
    return round(sum(math.tanh(value[0] / 3) * (1 + len(label)) for label, value in values.items() if value), 3)


def told(k: int, loss: float) -> tuple[str, float]:
    """What becomes of trial k: most have a loss, some fail, some stay pending."""
    return ("error" if k % 7 == 3 else "pending" if k % 11 == 5 else "ok"), loss


def twelve_digits(value: Any) -> Any:
    """What is rounded to multiples has its decimals here, 0.9, where hyperopt has 0.8999999999999999."""
    if isinstance(value, dict):
        return {key: twelve_digits(item) for key, item in value.items()}
    if isinstance(value, list):
        return [twelve_digits(item) for item in value]
    return float(f"{value:.12g}") if isinstance(value, float) else value


def compare(name: str, theirs, ours: Hyperopt, count: int) -> None:
    """Both are driven for ``count`` trials; the values must be equal all along."""
    space = SPACES[name][1]()
    domain, trials = Domain(lambda suggestion: 0.0, space), Trials()
    for k in range(count):
        with np.errstate(all="ignore"):  # hyperopt takes the logarithm of 0 here and there
            [doc] = theirs(trials.new_trial_ids(1), domain, trials, seed_for(ours.seed, k))
        tid, suggestion = ours.suggest()
        assert tid == doc["tid"] == k
        chosen = {label: value[0] for label, value in doc["misc"]["vals"].items() if value}
        assert twelve_digits(suggestion) == twelve_digits(plain(space_eval(space, chosen))), f"suggestion {k}"
        fate, loss = told(k, loss_of(doc["misc"]["vals"]))
        trials.insert_trial_docs([doc])
        if fate == "error" and not ours.errors_ok:
            doc = trials._dynamic_trials[-1]
            doc["state"], doc["result"] = JOB_STATE_ERROR, {"status": "fail"}
            ours.submit(tid, error=True)
        elif fate != "pending":
            doc = trials._dynamic_trials[-1]
            doc["state"] = JOB_STATE_DONE
            doc["result"] = {"status": "fail"} if fate == "error" else {"status": "ok", "loss": loss}
            ours.submit(tid, error=fate == "error", loss=None if fate == "error" else loss)
        trials.refresh()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("errors_ok", [True, False])
def test_tpe_gives_the_values_of_hyperopt(name: str, errors_ok: bool) -> None:
    compare(name, partial(tpe.suggest, verbose=False), Hyperopt(SPACES[name][0], errors_ok=errors_ok), 90)


@pytest.mark.parametrize("name", NAMES)
def test_tpe_with_other_arguments(name: str) -> None:
    arguments = {"n_startup_jobs": 5, "n_EI_candidates": 7, "gamma": 0.6, "prior_weight": 0.4}
    ours = Hyperopt(SPACES[name][0], **arguments)
    compare(name, partial(tpe.suggest, verbose=False, **arguments), ours, 62)


@pytest.mark.parametrize("name", NAMES)
def test_tpe_from_the_first_trial_on(name: str) -> None:
    arguments = {"n_startup_jobs": 0, "n_EI_candidates": 1}
    compare(name, partial(tpe.suggest, verbose=False, **arguments), Hyperopt(SPACES[name][0], **arguments), 61)


@pytest.mark.parametrize("name", NAMES)
def test_rand_gives_the_values_of_hyperopt(name: str) -> None:
    compare(name, rand.suggest, Hyperopt(SPACES[name][0], method="rand"), 150)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("errors_ok", [True, False])
def test_anneal_gives_the_values_of_hyperopt(name: str, errors_ok: bool) -> None:
    compare(name, anneal.suggest, Hyperopt(SPACES[name][0], method="anneal", errors_ok=errors_ok), 70)


@pytest.mark.parametrize("name", NAMES)
def test_mix_gives_the_values_of_hyperopt(name: str) -> None:
    methods = {"rand": rand.suggest, "anneal": anneal.suggest, "tpe": partial(tpe.suggest, verbose=False)}
    pairs = [(share, methods[method]) for share, method in MIX]
    theirs = partial(mix.suggest, p_suggest=pairs)
    compare(name, theirs, Hyperopt(SPACES[name][0], method={"mix": MIX}), 65)


def test_the_default_mix_is_the_documented_one() -> None:
    written = Hyperopt(FLAT[0], method={"mix": [[0.1, "rand"], [0.2, "anneal"], [0.7, "tpe"]]})
    default = Hyperopt(FLAT[0], method="mix")
    assert [written.suggest() for _ in range(30)] == [default.suggest() for _ in range(30)]


def long_history(name: str, count: int) -> tuple[Hyperopt, Trials]:
    """The same random trials in both, with smooth losses, some of them failed or pending."""
    drawn, ours = Hyperopt(SPACES[name][0], method="rand", seed=5), Hyperopt(SPACES[name][0])
    trials, variables, dice = Trials(), drawn._space.variables, random.Random(1)
    for k in range(count):
        tid, suggestion = drawn.suggest()
        ours.recall(tid, suggestion, drawn.memo(tid))
        pairs = zip(variables, drawn._history.row(tid), strict=True)
        vals = {variable.label: [raw] if raw == raw else [] for variable, raw in pairs}
        idxs = {label: [k] * len(value) for label, value in vals.items()}
        [doc] = trials.new_trial_docs([k], [None], [{"status": "new"}], [{"tid": k, "idxs": idxs, "vals": vals}])
        fate, loss = told(k, loss_of(vals) + 0.1 * dice.random())
        if fate == "ok":
            doc["state"], doc["result"] = JOB_STATE_DONE, {"status": "ok", "loss": loss}
            ours.submit(tid, loss=loss)
        elif fate == "error":
            doc["state"], doc["result"] = JOB_STATE_DONE, {"status": "fail"}
            ours.submit(tid, error=True)
        trials._insert_trial_docs([doc])
    trials.refresh()
    return ours, trials


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("count", "repeats"), [(700, 8), pytest.param(4000, 30, marks=pytest.mark.slow)])
def test_a_long_history_gives_the_values_of_hyperopt(name: str, count: int, repeats: int) -> None:
    """Rough densities rule samples out, in single precision: most of all where there is much to sum."""
    ours, trials = long_history(name, count)
    space = SPACES[name][1]()
    domain = Domain(lambda suggestion: 0.0, space)
    engine = ours._ready()
    for seed in range(repeats):
        with np.errstate(all="ignore"):
            [doc] = tpe.suggest([count], domain, trials, seed, verbose=False)
        row = engine.suggest(ours._history, seed)
        got = {v.label: [raw] if raw == raw else [] for v, raw in zip(ours._space.variables, row, strict=True)}
        assert got == doc["misc"]["vals"], seed


def test_the_compared_hyperopt_is_a_version_we_know() -> None:
    assert hyperopt.__version__ >= "0.3"
