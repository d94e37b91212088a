"""Objects of other tools stand in a space as they are: at its root, in dicts, lists, options and arithmetic."""

from __future__ import annotations

import json
import pickle
import random
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from scipy import stats

import runlib
from runlib import (
    Categorical,
    Choice,
    EvolutionSearch,
    FixedSearch,
    Float,
    GridSearch,
    Hyperopt,
    Integer,
    LogNormal,
    Normal,
    Ordinal,
    RandomSearch,
    Run,
    SobolSearch,
    Space,
    SpaceError,
    SpaceWarning,
    StopMax,
    from_config,
    from_hyperopt,
)
from runlib.space.typed.quantiles import Quantiles

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from hyperopt import hp
    from hyperopt.pyll import scope

CS = pytest.importorskip("ConfigSpace")
D = optuna.distributions
SEARCHES = [EvolutionSearch, GridSearch, Hyperopt, RandomSearch, SobolSearch]


class PipelineSpace:
    """A look-alike of that of NePS."""

    def get_attrs(self) -> dict[str, Any]:
        return {"rate": HPOFloat(0.5, 1.0), "batch": 64, "pair": [1, 2]}


class HPOFloat:
    """A look-alike of that of NePS."""

    def __init__(self, lower: float, upper: float, log: bool = False) -> None:
        self.lower, self.upper, self.log, self.prior = lower, upper, log, None


class HPOCategorical:
    """A look-alike of that of NePS."""

    prior = None

    def __init__(self, choices: list[Any]) -> None:
        self.choices = choices


class Searchspace:
    """A look-alike of that of Maggy."""

    def to_dict(self) -> dict[str, Any]:
        return {"n": ("INTEGER", [1, 5])}


def configuration_space() -> Any:
    space = CS.ConfigurationSpace()
    kind, degree = CS.Categorical("kind", ["poly", "rbf"]), CS.Integer("degree", (2, 5))
    space.add(kind, degree, CS.EqualsCondition(degree, kind, "poly"))
    return space


ALONE: list[tuple[Any, Any]] = [
    (lambda: hp.uniform("u", 0, 1), ["hp_uniform", "u", 0, 1]),
    (lambda: hp.choice("c", ["a", hp.uniform("u", 0, 1)]), ["hp_choice", "c", ["a", ["hp_uniform", "u", 0, 1]]]),
    (lambda: scope.int(hp.quniform("q", 0, 90, 10)), ["hp_int", ["hp_quniform", "q", 0, 90, 10]]),
    (lambda: 2 ** hp.randint("r", 5), ["hp_pow", 2, ["hp_randint", "r", 5]]),
    (lambda: D.FloatDistribution(0, 1), Float(0, 1)),
    (lambda: D.FloatDistribution(1e-5, 1, log=True), Float(1e-5, 1, log=True)),
    (lambda: D.FloatDistribution(0, 1, step=0.25), Float(0, 1, step=0.25)),
    (lambda: D.FloatDistribution(2, 2), 2.0),
    (lambda: D.IntDistribution(1, 9), Integer(1, 9)),
    (lambda: D.IntDistribution(1, 64, log=True), Integer(1, 64, log=True)),
    (lambda: D.IntDistribution(0, 30, step=10), Integer(0, 30, step=10)),
    (lambda: D.IntDistribution(3, 3), 3),
    (lambda: D.CategoricalDistribution(("a", 1, None, True)), Categorical(["a", 1, None, True])),
    (lambda: CS.Float("x", (0.5, 1)), Float(0.5, 1)),
    (lambda: CS.Float("x", (0.5, 1), log=True), Float(0.5, 1, log=True)),
    (lambda: CS.Integer("x", (1, 9)), Integer(1, 9)),
    (lambda: CS.Categorical("x", ["a", "b"]), Categorical(["a", "b"])),
    (lambda: CS.Categorical("x", ["a", "b"], weights=[1, 3]), ["hp_pchoice", "x", [[0.25, "a"], [0.75, "b"]]]),
    (lambda: CS.OrdinalHyperparameter("x", [1, 2, 4]), Ordinal([1, 2, 4])),
    (lambda: CS.Constant("x", 5), 5),
    (
        lambda: CS.ConfigurationSpace({"a": (0, 10), "b": ["x", "y"]}),
        {"a": Integer(0, 10), "b": Categorical(["x", "y"])},
    ),
    (lambda: HPOFloat(0.5, 1.0), Float(0.5, 1)),
    (lambda: HPOCategorical(["a", HPOFloat(0.5, 1.0)]), Choice(["a", Float(0.5, 1)])),
    (PipelineSpace, {"rate": Float(0.5, 1), "batch": 64, "pair": [1, 2]}),
    (Searchspace, {"n": Integer(1, 5)}),
    (lambda: stats.uniform(2, 3), Float(2, 5)),
    (lambda: stats.uniform(loc=-1, scale=2), Float(-1, 1)),
    (stats.uniform, Float(0, 1)),
    (lambda: stats.loguniform(1e-3, 10), Float(1e-3, 10, log=True)),
    (lambda: stats.loguniform(a=0.5, b=1, scale=2), Float(1, 2, log=True)),
    (lambda: stats.reciprocal(1e-3, 10), Float(1e-3, 10, log=True)),
    (lambda: stats.randint(1, 9), Integer(1, 8)),
    (lambda: stats.randint(low=1, high=9, loc=10), Integer(11, 18)),
    (lambda: stats.norm(1, 2), Normal(1, 2)),
    (lambda: stats.norm(scale=3), Normal(0, 3)),
    (lambda: stats.lognorm(0.5), LogNormal(0, 0.5)),
    (lambda: stats.lognorm(s=0.5, scale=np.e), LogNormal(1, 0.5)),
    (lambda: stats.truncnorm(-1, 2, loc=1, scale=2), Float(-1, 5, prior=1, prior_confidence=1 - 2 / 6)),
    (lambda: stats.expon(scale=100), Quantiles("expon", {"scale": 100})),
    (lambda: stats.gamma(2, scale=0.1), Quantiles("gamma", {"a": 2, "scale": 0.1})),
    (lambda: stats.beta(2, 5), Quantiles("beta", {"a": 2, "b": 5})),
    (lambda: stats.loguniform(1, 10, loc=1), Quantiles("loguniform", {"a": 1, "b": 10, "loc": 1})),
    (lambda: stats.truncnorm(1, 2), Quantiles("truncnorm", {"a": 1, "b": 2})),
    (lambda: stats.poisson(3), Quantiles("poisson", {"mu": 3})),
    (lambda: stats.binom(n=10, p=0.3), Quantiles("binom", {"n": 10, "p": 0.3})),
    (lambda: stats.uniform(np.float32(0.5), np.int64(2)), Float(0.5, 2.5)),
]
NUMBERED = pytest.mark.parametrize(("make", "written"), ALONE, ids=[repr(written)[:60] for _, written in ALONE])


def relabelled(data: Any) -> Any:
    """Typed parameters without the labels that they have from their places."""
    if isinstance(data, dict):
        return {key: relabelled(item) for key, item in data.items()}
    if isinstance(data, list) and len(data) == 3 and isinstance(data[2], dict):
        return [data[0], relabelled(data[2])]
    return [relabelled(item) for item in data] if isinstance(data, list) else data


@NUMBERED
def test_an_object_stands_anywhere(make: Any, written: Any) -> None:
    def same(one: Any, other: Any) -> None:
        assert relabelled(Space.of(one).data) == relabelled(Space.of(other).data)

    same({"p": make()}, {"p": written})
    same({"a": {"b": [make(), 1]}}, {"a": {"b": [written, 1]}})
    same({"which": Choice([make(), "other"])}, {"which": Choice([written, "other"])})
    same(["hp_choice", "top", [{"k": make()}, "other"]], ["hp_choice", "top", [{"k": written}, "other"]])
    same(make(), written)
    same({"amltk": {"a": Integer(1, 2)}}, {"a": Integer(1, 2)})


@NUMBERED
def test_numbers_can_be_calculated_with(make: Any, written: Any) -> None:
    if isinstance(written, Float | Integer | Normal | LogNormal | Quantiles):
        space = Space.of({"x": 2 * Float(0.5, 1.5) + 1, "y": Float(0, 1) - 0, "z": ["hp_add", 1, make()]})
        assert relabelled(space.data["z"]) == relabelled(Space.of(["hp_add", 1, written]).data)


def test_dicts_of_several_tools_mix() -> None:
    space = Space.of(
        {
            "h": hp.uniform("h", 0, 1),
            "o": D.IntDistribution(1, 3),
            "s": stats.expon(),
            "c": CS.Float("c", (1, 2)),
            "own": Float(0, 1),
            "text": ["hp_uniform", "t", 0, 1],
            "pair": (1, 2),
        }
    )
    suggestion = space.sample(random.Random(1))
    assert suggestion["pair"] == (1, 2)
    space.validate(suggestion)
    assert Space.of(json.loads(json.dumps(space.data))).data == space.data


def test_an_expression_takes_an_object() -> None:
    assert repr(Float(0, 1) + stats.uniform(0, 2)) == "(Float(0.0, 1.0) + ['hp_float', {'low': 0.0, 'high': 2.0}])"


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"a": [hp.lognormal("l", 0, -1)]}, "space.a.0: sigma of hp_lognormal must be positive, got -1"),
        ({"a": scope.sin(hp.uniform("u", 0, 1))}, "space.a: sin of hyperopt has no counterpart"),
        ({"a": {"b": hp.choice("c", [0, hp.uniform("u", 0, 9) // 2])}}, "space.a.b.1: floordiv of hyperopt has no"),
        (
            {"a": hp.uniform("x", 0, 1), "b": 2 * hp.uniform("x", 0, 1)},
            "space.b.1: the label 'x' stands twice, here and at space.a",
        ),
        ({"a": [CS.BetaFloat("b", 2, 3, 0, 1)]} if hasattr(CS, "BetaFloat") else {"a": len}, "space.a"),
        ({"a": CS.BetaFloatHyperparameter("b", 2, 3, 0, 1)}, "space.a: a BetaFloatHyperparameter cannot be expressed"),
        ({"a": stats.norm([1, 2])}, "space.a: mu of Normal must be a number, got [1, 2]"),
        ({"a": {"b": stats.uniform(0, -1)}}, "space.a.b: low of Float must be below high, got 0.0 and -1.0"),
        ({"a": stats.gamma(-1)}, "space.a: gamma of scipy.stats has no quantiles with {'a': -1}"),
        ({"a": stats.multivariate_normal([0, 0])}, "space.a: is a multivariate_normal_frozen, and a space"),
        ({"a": Choice}, "space.a: is the class Choice, and a space holds data: give it a name"),
        ({"a": [1, object()]}, "space.a.1: is an object, and a space holds data"),
        (
            {"C": stats.expon(), "kernel": []},
            "space.kernel: options of Categorical must be a list",
        ),
    ],
    ids=lambda value: value[:50] if isinstance(value, str) else "",
)
def test_what_has_no_counterpart_is_told_with_its_place(space: Any, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        Space.of(space)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_choice_tells_the_place_too() -> None:
    with pytest.raises(SpaceError, match=r"^1\.k: sin of hyperopt has no counterpart"):
        Choice([1, {"k": scope.sin(hp.uniform("u", 0, 1))}])


def test_what_scikit_learn_searches() -> None:
    given = {
        "C": stats.loguniform(1e-2, 1e3),
        "gamma": stats.expon(scale=0.1),
        "kernel": ["rbf", "poly"],
        "degree": np.arange(2, 5),
        "coef0": range(2),
        "shrinking": [True, False],
        "class_weight": ["balanced", None],
        "layers": [(50,), (100, 50)],
        "max_iter": 1000,
    }
    space = Space.of(given)
    assert space.data["kernel"] == ["hp_categorical", "kernel", {"options": ["rbf", "poly"]}]
    assert space.data["degree"] == ["hp_categorical", "degree", {"options": [2, 3, 4]}]
    assert space.data["layers"] == ["hp_categorical", "layers", {"options": [["hp_tuple", 50], ["hp_tuple", 100, 50]]}]
    assert space.data["max_iter"] == 1000
    for make in SEARCHES:
        suggestion = make(given).suggest()[1]
        assert suggestion["kernel"] in given["kernel"]
        space.validate(suggestion)
    assert sorted(given) == sorted(space.data)


def test_a_list_of_dicts_of_scikit_learn_is_a_choice() -> None:
    given = [
        {"kernel": ["linear"], "C": stats.loguniform(1e-2, 1e3)},
        {"kernel": ["rbf"], "C": stats.loguniform(1e-2, 1e3), "gamma": [0.1, 1]},
        {"kernel": ["none"], "C": [1, 10]},
    ]
    space = Space.of(given)
    seen = [space.sample(random.Random(seed)) for seed in range(60)]
    assert {s["kernel"] for s in seen} == {"linear", "rbf", "none"}
    assert all(("gamma" in s) == (s["kernel"] == "rbf") for s in seen)
    assert Hyperopt(given).space == space.data
    assert Space.of([{"a": ["x"]}, {"b": 1, "c": Float(0, 1)}]).data[0] == {"a": ["x"]}


def test_a_nested_dict_of_scikit_learn() -> None:
    space = Space.of({"model": {"C": stats.expon(), "kernel": ["rbf", "poly"]}, "list": ["a", "b"], "x": Float(0, 1)})
    assert space.data["model"]["kernel"][0] == "hp_categorical"
    assert space.data["list"] == ["a", "b"]


def test_beside_other_parameters_a_list_stays_a_list_and_is_warned_of() -> None:
    space = {"C": stats.expon(), "x": Float(0, 1), "kernel": ["rbf", "poly"]}
    with pytest.warns(SpaceWarning, match=r"^space\.kernel: stays a list in every suggestion"):
        search = Hyperopt(space)
    assert search.suggest()[1]["kernel"] == ["rbf", "poly"]
    with pytest.warns(SpaceWarning, match=r"^space\.m\.kernel: stays a list"):
        RandomSearch({"m": {**space, "x": hp_free()}})
    Hyperopt({**space, "kernel": Categorical(["rbf", "poly"])})


def hp_free() -> Any:
    return D.FloatDistribution(0, 1)


QUANTILES = [stats.expon(scale=3), stats.gamma(2), stats.beta(2, 5), stats.poisson(4), stats.binom(9, 0.3), stats.t(3)]


@pytest.mark.parametrize("frozen", QUANTILES, ids=lambda frozen: frozen.dist.name)
def test_quantiles_are_those_of_scipy(frozen: Any) -> None:
    space = Space.of({"x": frozen})
    rng, twin = random.Random(3), random.Random(3)
    drawn = [space.sample(rng)["x"] for _ in range(200)]
    assert drawn == [float(frozen.ppf(twin.random())) for _ in range(200)]
    assert {type(x) for x in drawn} == {int if hasattr(frozen.dist, "pmf") else float}
    for x in drawn:
        space.validate({"x": x})
        row = space.locate({"x": x})
        assert row is not None
        assert space.assemble(row)["x"] == pytest.approx(x)
        assert space.spelled({"x": float(x)}) == {"x": x}
    assert space.locate({"x": "a"}) is None
    assert pickle.loads(pickle.dumps(space)).sample(random.Random(3)) == {"x": drawn[0]}


def test_what_a_quantile_cannot_be_is_told() -> None:
    with pytest.raises(SpaceError, match=r"must be a number that expon\(scale=3\) of scipy gives, got -1"):
        Space.of({"x": stats.expon(scale=3)}).validate({"x": -1})
    with pytest.raises(SpaceError, match=r"must be an integer from 0 to 9 that binom\(n=9, p=0\.3\) of scipy gives"):
        Space.of({"x": stats.binom(9, 0.3)}).validate({"x": 2.5})


@pytest.mark.parametrize("make", SEARCHES)
@pytest.mark.parametrize("frozen", QUANTILES[:4:3], ids=lambda frozen: frozen.dist.name)
def test_every_search_recalls_quantiles(make: Any, frozen: Any) -> None:
    search = make({"x": frozen, "c": ["hp_choice", "c", [1, {"y": frozen}]]})
    made = []
    for _ in range(8):
        tid, suggestion = search.suggest()
        made.append((tid, suggestion, json.loads(json.dumps(search.memo(tid)))))
        search.submit(tid, loss=float(tid % 3))
    again = from_config(json.loads(json.dumps(search.get_config())))
    for tid, suggestion, memo in made:
        again.recall(tid, suggestion, memo)
        again.submit(tid, loss=float(tid % 3))
    assert again.suggest() == search.suggest()


def test_tpe_learns_on_quantiles() -> None:
    search = Hyperopt({"x": stats.expon(scale=10)}, seed=1)
    losses = []
    for _ in range(80):
        tid, suggestion = search.suggest()
        losses.append(abs(suggestion["x"] - 7))
        search.submit(tid, loss=losses[-1])
    assert sum(losses[-20:]) < 0.75 * sum(losses[:20])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stats": "nothing"}, "there is no distribution 'nothing' in scipy.stats"),
        ({"stats": "ttest_ind"}, "there is no distribution 'ttest_ind' in scipy.stats"),
        ({"stats": "distributions"}, "there is no distribution 'distributions' in scipy.stats"),
        ({"stats": 3}, "there is no distribution 3 in scipy.stats"),
        ({"stats": "expon", "parameters": [1]}, "parameters of hp_scipy are a dict, got [1]"),
        ({"stats": "expon", "parameters": {"scal": 1}}, "expon of scipy.stats does not take {'scal': 1}"),
        ({"stats": "expon", "prior": 1}, "hp_scipy takes no prior, got 1"),
        ({}, "hp_scipy needs the argument 'stats'"),
    ],
)
def test_wrong_quantiles(arguments: Any, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        Space.of({"x": ["hp_scipy", arguments]})
    assert str(caught.value).startswith(f"space.x: {message}")


def loss(x: float, n: int) -> float:
    return x + n


def test_a_run_with_objects_is_restored_without_their_tools(tmp_path: Path) -> None:
    space = {"x": D.FloatDistribution(0, 1), "n": stats.randint(1, 4)}
    run = Run(Hyperopt(space), loss, StopMax(3), pool="pool_serial").prepare(tmp_path).run()
    assert "optuna" not in (run.work_directory / "tape.son").read_text()
    assert len(Run.restore(run.work_directory, new_stop=StopMax(5)).run().state.trials) == 5
    assert FixedSearch([{"x": 0.5, "n": 2.0}], space=space).suggest()[1] == {"x": 0.5, "n": 2}


def test_values_are_those_of_hyperopt_and_of_its_dialect() -> None:
    def graphs() -> dict[str, Any]:
        return {"x": hp.uniform("x", 0, 1), "m": hp.choice("m", [(1, 2), {"y": hp.qnormal("y", 0, 9, 2)}])}

    bare, word = Hyperopt(graphs()), Hyperopt({"hyperopt": graphs()})
    assert bare.space == word.space == from_hyperopt(graphs())
    assert [bare.suggest() for _ in range(30)] == [word.suggest() for _ in range(30)]


def test_no_tool_is_imported_to_know_its_objects() -> None:
    code = """
import sys
from runlib import Choice, Float, RandomSearch
RandomSearch({"x": Float(0, 1), "c": Choice(["a", {"y": Float(0, 1)}])}).suggest()
assert not {"hyperopt", "optuna", "ConfigSpace", "neps", "scipy"} & set(sys.modules), sorted(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(runlib.__file__).parents[1])


def test_a_choice_may_be_made_before_anything_else_is_imported() -> None:
    code = """
from runlib.space.typed.alternatives import Choice
from hyperopt import hp
assert Choice([hp.uniform("u", 0, 1), 2]).options[0] == ["hp_uniform", "u", 0, 1]
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, cwd=Path(runlib.__file__).parents[1])
