"""The dialect of ConfigSpace: every kind, conditions and forbidden clauses, against ConfigSpace's own judgement."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import numpy as np
import pytest
from scipy import stats

from runlib import Hyperopt, Run, Space, SpaceError, StopMax, from_configspace
from runlib.engine.data.yamlfile import parse_yaml, write_yaml

CS = pytest.importorskip("ConfigSpace")

COUNT = 100_000


def space_of(*items: Any) -> Any:
    space = CS.ConfigurationSpace(seed=1)
    for item in items:
        space.add(item)
    return space


def whole() -> Any:
    """One of everything, with conditions on conditions, and forbidden clauses of several kinds."""
    algorithm = CS.CategoricalHyperparameter("algorithm", ["svm", "knn", "tree"], weights=[1, 2, 3])
    cost = CS.UniformFloatHyperparameter("cost", 0.01, 10, log=True)
    near = CS.UniformIntegerHyperparameter("near", 1, 6)
    far = CS.UniformFloatHyperparameter("far", 0, 1)
    size = CS.OrdinalHyperparameter("size", ["low", "middle", "high"])
    way = CS.CategoricalHyperparameter("way", ["up", "down", "round"])
    speed = CS.OrdinalHyperparameter("speed", [1, 2, 4])
    other = CS.UniformIntegerHyperparameter("other", 1, 4)
    space = space_of(algorithm, cost, near, far, size, way, speed, other)
    space.add(CS.NormalFloatHyperparameter("shift", mu=5, sigma=2, lower=0, upper=8))
    space.add(CS.NormalIntegerHyperparameter("steps", mu=5, sigma=2, lower=0, upper=8))
    space.add(CS.BetaFloatHyperparameter("flat", alpha=1, beta=1, lower=0, upper=1))
    space.add(CS.Constant("name", "mine"))
    space.add(CS.EqualsCondition(cost, algorithm, "svm"))
    space.add(CS.InCondition(near, algorithm, ["knn", "tree"]))
    space.add(CS.AndConjunction(CS.EqualsCondition(far, algorithm, "knn"), CS.GreaterThanCondition(far, near, 3)))
    space.add(
        CS.ForbiddenAndConjunction(CS.ForbiddenEqualsClause(size, "high"), CS.ForbiddenInClause(way, ["up", "down"]))
    )
    space.add(CS.ForbiddenGreaterThanRelation(speed, other))
    return space


def shape(configuration: dict[str, Any]) -> tuple[Any, ...]:
    discrete = ("algorithm", "near", "size", "way", "speed", "other")
    return (*(configuration.get(name) for name in discrete), frozenset(configuration))


def plain_of(configuration: Any) -> dict[str, Any]:
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in configuration.items()}


@pytest.mark.slow
def test_samples_are_configurations_and_as_likely_as_theirs() -> None:
    theirs, count = whole(), 20_000
    ours, rng = Space.of({"configspace": theirs}), random.Random(7)
    mine = [ours.sample(rng) for _ in range(count)]
    for suggestion in mine[:300]:
        CS.Configuration(theirs, values=suggestion)  # raises for what ConfigSpace does not take
    drawn = [plain_of(configuration) for configuration in theirs.sample_configuration(count)]
    for configuration in drawn[:300]:
        ours.validate(configuration)
        assert ours.assemble(ours.locate(configuration) or []) == pytest.approx(configuration)
    left, right = Counter(map(shape, mine)), Counter(map(shape, drawn))
    often = [key for key in {*left, *right} if left[key] + right[key] >= 20]
    table = [[left[key] for key in often], [right[key] for key in often]]
    assert stats.chi2_contingency(table).pvalue > 1e-4
    assert len(often) > 50


def test_a_search_over_it_is_restored(tmp_path: Any) -> None:
    space = whole()
    run = Run(Hyperopt({"configspace": space}), value, StopMax(30), pool="pool_serial").prepare(tmp_path).run()
    for suggestion in suggestions(run):
        CS.Configuration(space, values=suggestion)
    longer = Run.restore(run.work_directory, new_stop=StopMax(35)).run()
    fresh = Run(Hyperopt({"configspace": space}), value, StopMax(35), pool="pool_serial").prepare(tmp_path).run()
    assert len(suggestions(longer)) == 35
    assert suggestions(longer) == suggestions(fresh)


def suggestions(run: Run) -> list[Any]:
    return [run.state.trials[tid][1]["suggestion"] for tid in run.state.trials]


def value(suggestion: dict[str, Any]) -> float:
    return float(suggestion["shift"] + suggestion.get("cost", 1))


def hyperparameter(kind: str, *args: Any, **kwargs: Any) -> Any:
    return getattr(CS, f"{kind}Hyperparameter")("p", *args, **kwargs)


LEAVES = [
    ("UniformFloat", (0.5, 2), {}, ["hp_float", "p", {"low": 0.5, "high": 2.0}]),
    ("UniformFloat", (1e-4, 1), {"log": True}, ["hp_float", "p", {"low": 1e-4, "high": 1.0, "log": True}]),
    ("UniformInteger", (1, 9), {}, ["hp_integer", "p", {"low": 1, "high": 9}]),
    ("UniformInteger", (1, 900), {"log": True}, ["hp_integer", "p", {"low": 1, "high": 900, "log": True}]),
    ("BetaInteger", (1, 1, 2, 5), {}, ["hp_integer", "p", {"low": 2, "high": 5}]),
    ("Categorical", (["a", 2, None],), {}, ["hp_categorical", "p", {"options": ["a", 2, None]}]),
    ("Categorical", (["a", "b"],), {"weights": [1, 3]}, ["hp_pchoice", "p", [[0.25, "a"], [0.75, "b"]]]),
    ("Categorical", (["a", "b"],), {"weights": [2, 2]}, ["hp_categorical", "p", {"options": ["a", "b"]}]),
    ("Ordinal", ([1, 4, 2],), {}, ["hp_ordinal", "p", {"options": [1, 4, 2]}]),
    (
        "NormalFloat",
        (5, 2, 0, 8),
        {},
        ["hp_float", "p", {"low": 0.0, "high": 8.0, "prior": 5.0, "prior_confidence": 0.75}],
    ),
    (
        "NormalInteger",
        (5, 3, 0, 8),
        {},
        ["hp_integer", "p", {"low": 0, "high": 8, "prior": 5, "prior_confidence": 2 / 3}],
    ),
]


@pytest.mark.parametrize(("kind", "args", "kwargs", "data"), LEAVES, ids=[str(leaf[:3]) for leaf in LEAVES])
def test_a_hyperparameter_becomes_data(kind: str, args: Any, kwargs: Any, data: Any) -> None:
    found = from_configspace(space_of(hyperparameter(kind, *args, **kwargs)))
    if kind == "NormalInteger":
        assert found["p"][2].pop("prior_confidence") == pytest.approx(data[2].pop("prior_confidence"))
    assert repr(found) == repr({"p": data})
    Space.of(found)


def drawn(given: Any) -> Any:
    space, rng = Space.of({"configspace": space_of(given)}), np.random.default_rng(11)
    return np.array([space.sample(rng)["p"] for _ in range(COUNT)])


CONTINUOUS = [
    (("UniformFloat", 0.5, 2), {}, stats.uniform(0.5, 1.5)),
    (("UniformFloat", 1e-4, 1), {"log": True}, stats.loguniform(1e-4, 1)),
    (("NormalFloat", 5, 2, 0, 8), {}, stats.truncnorm(-2.5, 1.5, 5, 2)),
    (("NormalFloat", 1, 30, 0, 8), {}, stats.truncnorm(-1 / 30, 7 / 30, 1, 30)),
]


@pytest.mark.parametrize(("args", "kwargs", "law"), CONTINUOUS, ids=[str(case[:2]) for case in CONTINUOUS])
def test_floats_follow_their_law(args: Any, kwargs: Any, law: Any) -> None:
    sample = drawn(hyperparameter(*args, **kwargs))
    assert stats.kstest(sample, law.cdf).pvalue > 1e-4
    assert law.support()[0] <= sample.min() <= sample.max() <= law.support()[1]


def test_a_normal_on_a_logarithmic_scale_is_theirs() -> None:
    given = hyperparameter("NormalFloat", 10, 2, 1, 1000, log=True)
    theirs = [c["p"] for c in space_of(given).sample_configuration(20_000)]
    assert stats.ks_2samp(theirs, drawn(given)).pvalue > 1e-4


def shares(law: Any, low: int, high: int) -> Any:
    """The law, cut off half a step beyond the bounds and rounded."""
    cuts = law.cdf(np.arange(low, high + 2) - 0.5)
    return np.diff(cuts) / (cuts[-1] - cuts[0])


DISCRETE = [
    (("UniformInteger", 1, 9), {}, range(1, 10), np.full(9, 1 / 9)),
    (("UniformInteger", 1, 20), {"log": True}, range(1, 21), shares(stats.loguniform(0.5, 20.5), 1, 20)),
    (("NormalInteger", 5, 2, 0, 8), {}, range(9), shares(stats.norm(5, 2), 0, 8)),
    (("Categorical", ["a", "b", "c"]), {"weights": [1, 2, 5]}, "abc", np.array([1, 2, 5]) / 8),
    (("Ordinal", ["x", "y"]), {}, "xy", np.array([0.5, 0.5])),
]


@pytest.mark.parametrize(("args", "kwargs", "points", "law"), DISCRETE, ids=[str(case[:2]) for case in DISCRETE])
def test_discrete_values_follow_their_law(args: Any, kwargs: Any, points: Any, law: Any) -> None:
    counted = Counter(drawn(hyperparameter(*args, **kwargs)).tolist())
    assert set(counted) == set(points)
    assert stats.chisquare([counted[point] for point in points], COUNT * law).pvalue > 1e-4


def test_other_ways_to_give_a_space() -> None:
    space = whole()
    data = from_configspace(space)
    assert from_configspace(json.loads(json.dumps(space.to_serialized_dict()))) == data
    assert parse_yaml(write_yaml(data)) == data
    assert Space.of(data).data == Space.of({"configspace": space}).data == data
    assert from_configspace({"a": (0, 10), "b": ["x", "y"], "c": 3}) == {
        "a": ["hp_integer", "a", {"low": 0, "high": 10}],
        "b": ["hp_categorical", "b", {"options": ["x", "y"]}],
        "c": 3,
    }


def test_conditions_that_are_inactive_do_not_hold() -> None:
    a, b, c = (CS.CategoricalHyperparameter(name, [0, 1]) for name in "abc")
    space = space_of(a, b, c, CS.EqualsCondition(b, a, 1), CS.EqualsCondition(c, b, 1))
    ours, rng = Space.of({"configspace": space}), random.Random(1)
    mine = {frozenset(ours.sample(rng).items()) for _ in range(200)}
    theirs = {frozenset((name, int(v)) for name, v in dict(c).items()) for c in space.sample_configuration(200)}
    assert (
        mine
        == theirs
        == {
            frozenset({("a", 0)}),
            frozenset({("a", 1), ("b", 0)}),
            frozenset({("a", 1), ("b", 1), ("c", 0)}),
            frozenset({("a", 1), ("b", 1), ("c", 1)}),
        }
    )


def test_one_of_several_conditions_is_enough() -> None:
    a, b, c = (CS.CategoricalHyperparameter(name, [0, 1]) for name in "abc")
    space = space_of(a, b, c, CS.OrConjunction(CS.EqualsCondition(c, a, 1), CS.EqualsCondition(c, b, 1)))
    ours, rng = Space.of({"configspace": space}), random.Random(1)
    for _ in range(200):
        suggestion = ours.sample(rng)
        assert ("c" in suggestion) == (suggestion["a"] == 1 or suggestion["b"] == 1)
        CS.Configuration(space, values=suggestion)


def on_a_float() -> Any:
    x, y = CS.UniformFloatHyperparameter("x", 0, 1), CS.UniformFloatHyperparameter("y", 0, 1)
    return space_of(x, y, CS.GreaterThanCondition(y, x, 0.5))


def forbidden_float() -> Any:
    x, y = CS.UniformFloatHyperparameter("x", 0, 1), CS.UniformFloatHyperparameter("y", 0, 1)
    return space_of(x, y, CS.ForbiddenGreaterThanRelation(x, y))


def on_a_normal() -> Any:
    n, y = CS.NormalIntegerHyperparameter("n", 3, 1, 0, 5), CS.Constant("y", 1)
    return space_of(n, y, CS.EqualsCondition(y, n, 3))


def on_a_long_one() -> Any:
    n, y = CS.UniformIntegerHyperparameter("n", 0, 10**6), CS.Constant("y", 1)
    return space_of(n, y, CS.EqualsCondition(y, n, 3))


def long_relation() -> Any:
    n, m = CS.UniformIntegerHyperparameter("n", 1, 1000), CS.UniformIntegerHyperparameter("m", 1, 1000)
    return space_of(n, m, CS.ForbiddenGreaterThanRelation(n, m))


WRONG = [
    (long_relation, "configspace: the clause Forbidden: n > m relates 1000000 pairs of values, at most 100000 can be"),
    (
        lambda: space_of(hyperparameter("BetaFloat", 2, 3, 0, 1)),
        "configspace.p: a BetaFloatHyperparameter cannot be expressed; take a uniform or normal one",
    ),
    (
        lambda: space_of(hyperparameter("BetaInteger", 2, 3, 0, 9)),
        "configspace.p: a BetaIntegerHyperparameter cannot be expressed",
    ),
    (
        lambda: space_of(hyperparameter("NormalFloat", 9, 1, 0, 8, default_value=1)),
        "configspace.p: a mean outside the bounds cannot be expressed, got 9.0",
    ),
    (
        lambda: space_of(hyperparameter("NormalInteger", 2.5, 1, 0, 8)),
        "configspace.p: the mean of a normal integer must be an integer, got 2.5",
    ),
    (
        lambda: space_of(hyperparameter("Categorical", [np.float64, "a"])),
        "configspace.p.0: is the class float64, and a space holds data",
    ),
    (on_a_float, "configspace.x: the condition y | x > 0.5 speaks of a UniformFloatHyperparameter, which has no list"),
    (forbidden_float, "configspace.x: the clause Forbidden: x > y speaks of a UniformFloatHyperparameter"),
    (on_a_normal, "configspace.n: the condition y | n == 3 speaks of a NormalIntegerHyperparameter"),
    (on_a_long_one, "configspace.n: the condition y | n == 3 speaks of a UniformIntegerHyperparameter"),
    (lambda: {"a": (5, 1)}, "configspace: ConfigSpace does not take this: "),
    (lambda: {"hyperparameters": [{"type": "odd"}]}, "configspace: ConfigSpace does not take this: "),
    (lambda: [1, 2], "configspace: takes a ConfigurationSpace or a dict, got one of type list"),
]


@pytest.mark.parametrize(("space", "message"), WRONG, ids=[message for _, message in WRONG])
def test_what_cannot_be_expressed_is_named(space: Any, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        from_configspace(space())
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_an_unknown_kind_is_named() -> None:
    class Strange:
        name, lower, upper, log = "p", 0.0, 1.0, False

    space = type("Own", (CS.ConfigurationSpace,), {"values": lambda self: [Strange()]})()
    with pytest.raises(SpaceError, match=r"^configspace\.p: a Strange cannot be expressed"):
        from_configspace(space)
