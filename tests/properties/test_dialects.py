"""Over random spaces of each dialect: what is translated is parsed, drawn from, and is the same space in YAML."""

from __future__ import annotations

import json
import random
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

from runlib import Hyperopt, Space
from runlib.engine.data.canonical import plain
from runlib.engine.data.yamlfile import parse_yaml, write_yaml
from runlib.search.base import seed_for
from runlib.space.dialects import DIALECTS

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from hyperopt import JOB_STATE_DONE, Trials, hp, space_eval, tpe
    from hyperopt.base import Domain

pytestmark = pytest.mark.filterwarnings("ignore::runlib.SpaceWarning")  # random spaces may not vary

names = st.text("abcXYZ_09 é", min_size=1, max_size=5) | st.sampled_from(sorted(DIALECTS))
scalars = st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=5)
scalars |= st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(["hp_uniform", "1e-5", "no", ""])
data = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=2))
integers = st.integers(-(10**9), 10**9)
floats = st.floats(-1e9, 1e9).filter(lambda x: abs(x) > 1e-9 or x == 0)
positive = st.floats(1e-9, 1e9)
confidences = st.sampled_from(["low", "medium", "high"])


def pair(bound: Any) -> Any:
    """Two ordered bounds, some way apart."""
    return (
        st.lists(bound, min_size=2, max_size=2, unique=True)
        .map(sorted)
        .filter(lambda p: p[1] - p[0] > 1e-12 * abs(p[0]))
    )


def distinct(items: Any) -> Any:
    return st.lists(items, min_size=1, max_size=4, unique_by=lambda item: json.dumps(item, sort_keys=True).lower())


texts = st.text("abc", max_size=4).map(lambda text: f"o{text}")
options = distinct(texts | st.integers(-50, 50))
Case = tuple[Any, Any]  # what is written, and what judges whether a value fits


def within(low: float, high: float, kind: type) -> Any:
    return lambda x: type(x) is kind and low <= x <= high


def among(values: list[Any]) -> Any:
    return lambda x: any(type(x) is type(value) and x == value for value in values)


@st.composite
def neps(draw: st.DrawFn) -> Case:
    form = draw(st.sampled_from(["pair", "dict", "log", "options", "choices", "constant"]))
    if form in ("pair", "dict"):
        kind = draw(st.sampled_from([int, float]))
        low, high = draw(pair(integers if kind is int else floats))
        if form == "pair":
            written = draw(st.sampled_from([[low, high], (low, high)]))
            return written, within(low, high, kind)
        prior = {"prior": draw(st.sampled_from([low, high])), "prior_confidence": draw(confidences)}
        return {"lower": low, "upper": high, **draw(st.sampled_from([{}, prior]))}, within(low, high, kind)
    if form == "log":
        low, high = draw(pair(positive))
        return {"lower": f"{low!r}", "upper": high, "log": True, "type": "float"} if "e" in repr(low) else {
            "lower": low, "upper": high, "log": True
        }, within(low, high, float)  # fmt: skip
    if form == "constant":
        value = draw(data)
        return {"value": value}, lambda x: json.dumps(x) == json.dumps(value)
    values = draw(options.filter(lambda found: len(found) != 2 or not all(isinstance(x, int) for x in found)))
    return (values if form == "options" else {"choices": values}), among(values)


@st.composite
def maggy(draw: st.DrawFn) -> Case:
    kind = draw(st.sampled_from(["DOUBLE", "INTEGER", "DISCRETE", "CATEGORICAL"]))
    written = draw(st.sampled_from([kind, kind.lower()]))
    box = draw(st.sampled_from([list, tuple]))
    if kind in ("DOUBLE", "INTEGER"):
        low, high = draw(pair(floats if kind == "DOUBLE" else integers))
        return box([written, [low, high]]), within(low, high, float if kind == "DOUBLE" else int)
    values = draw(options)
    return box([written, values]), among(values)


@st.composite
def amltk(draw: st.DrawFn, depth: int = 2) -> Case:
    form = draw(st.sampled_from(["tuple", "range", "options", "constant", "dict", "options of dicts"]))
    if form in ("tuple", "range"):
        kind = draw(st.sampled_from([int, float]))
        low, high = draw(pair(integers if kind is int else floats))
        return ((low, high) if form == "tuple" else {"range": [low, high]}), within(low, high, kind)
    if form == "options" or depth == 0:
        values = draw(options)
        return values, among(values)
    if form == "constant":
        value = draw(scalars)
        return value, lambda x: json.dumps(x) == json.dumps(value)
    inner = draw(st.dictionaries(names.filter(lambda name: name != "range"), amltk(depth - 1), min_size=1, max_size=3))
    written, fits = {key: case[0] for key, case in inner.items()}, inner

    def fit(x: Any) -> bool:
        return isinstance(x, dict) and x.keys() == fits.keys() and all(fits[key][1](x[key]) for key in fits)

    if form == "dict":
        return written, fit
    return [written, "none"], lambda x: x == "none" or fit(x)


CASES = {"amltk": amltk(), "maggy": maggy(), "neps": neps()}


@pytest.mark.parametrize("name", CASES)
@given(st.data(), st.integers(0, 2**32))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_what_is_translated_is_the_space_that_was_written(name: str, drawing: Any, seed: int) -> None:
    cases = drawing.draw(st.dictionaries(names, CASES[name], max_size=4))
    written = {key: case[0] for key, case in cases.items()}
    space = Space.of({name: written})
    assert Space.of(DIALECTS[name](written)).data == space.data
    assert Space.of(parse_yaml(write_yaml(space.data))).data == space.data
    assert Space.of(json.loads(json.dumps(space.data))).data == space.data
    rng = random.Random(seed)
    for _ in range(5):
        row = space.random_row(rng)
        suggestion = space.assemble(row)
        space.validate(suggestion)
        assert suggestion.keys() == cases.keys()
        assert all(cases[key][1](value) for key, value in suggestion.items()), suggestion
        assert space.assemble(space.read(suggestion, space.memo(row))) == suggestion


LEAVES = [
    lambda label: hp.uniform(label, -1, 2),
    lambda label: hp.quniform(label, 0, 5, 0.5),
    lambda label: hp.uniformint(label, -2, 4),
    lambda label: hp.loguniform(label, -3, 1),
    lambda label: hp.normal(label, 1, 2),
    lambda label: hp.qlognormal(label, 0, 1, 0.5),
    lambda label: hp.randint(label, 4),
    lambda label: hp.randint(label, -3, 4),
    lambda label: 1 + 2 * hp.uniform(label, 0, 1),
    lambda label: -(hp.normal(label, 0, 1) ** 2) / 3,
]
shapes = st.recursive(
    st.sampled_from(LEAVES) | data,
    lambda inner: st.one_of(
        st.dictionaries(names, inner, min_size=1, max_size=3),
        st.tuples(inner, inner),
        st.tuples(st.just("choice"), st.lists(inner, min_size=1, max_size=3)),
        st.tuples(st.just("pchoice"), inner, inner),
    ),
    max_leaves=10,
)


def graph(shape: Any, labels: list[int]) -> Any:
    """The shape as a user of hyperopt writes it: each variable gets a label of its own."""
    if callable(shape):
        return shape(f"v{labels.pop()}")
    if isinstance(shape, dict):
        return {key: graph(item, labels) for key, item in shape.items()}
    if isinstance(shape, tuple) and shape[0] == "choice":
        return hp.choice(f"v{labels.pop()}", [graph(item, labels) for item in shape[1]])
    if isinstance(shape, tuple) and shape[0] == "pchoice":
        weighted = list(zip([0.25, 0.75], [graph(item, labels) for item in shape[1:]], strict=True))
        return hp.pchoice(f"v{labels.pop()}", weighted)
    return tuple(graph(item, labels) for item in shape) if isinstance(shape, tuple) else shape


def same_shape(x: Any, shape: Any) -> bool:
    """Whether a suggestion has the constants and the structure of what was written."""
    if callable(shape):
        return isinstance(x, int | float)
    if isinstance(shape, dict):
        return x.keys() == shape.keys() and all(same_shape(x[key], item) for key, item in shape.items())
    if isinstance(shape, tuple) and shape[0] == "choice":
        return any(_fits(x, item) for item in shape[1])
    if isinstance(shape, tuple) and shape[0] == "pchoice":
        return any(_fits(x, item) for item in shape[1:])
    if isinstance(shape, tuple):
        return len(x) == len(shape) and all(map(same_shape, x, shape))
    return json.dumps(x, sort_keys=True) == json.dumps(shape, sort_keys=True)


def _fits(x: Any, shape: Any) -> bool:
    try:
        return same_shape(x, shape)
    except (AttributeError, TypeError, KeyError):
        return False


def is_structure(shape: Any) -> bool:
    """Whether it is more than a text, which alone would name a file."""
    return not isinstance(shape, str)


@given(shapes.filter(is_structure), st.permutations(range(60)), st.integers(0, 2**32))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_graph_of_hyperopt_is_the_space_that_was_written(shape: Any, labels: list[int], seed: int) -> None:
    space = Space.of({"hyperopt": graph(shape, labels)})
    assert Space.of(parse_yaml(write_yaml(space.data))).data == space.data
    rng = random.Random(seed)
    for _ in range(3):
        suggestion = space.sample(rng)
        space.validate(suggestion)
        assert same_shape(suggestion, shape)


@given(shapes.filter(is_structure), st.permutations(range(60)))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_graph_of_hyperopt_is_drawn_from_as_hyperopt_draws(shape: Any, labels: list[int]) -> None:
    space = graph(shape, list(labels))
    ours = Hyperopt({"hyperopt": graph(shape, list(labels))}, n_startup_jobs=3)
    if not ours._space.variables:  # hyperopt cannot take such a space at all
        return
    domain, trials = Domain(lambda suggestion: 0.0, space), Trials()
    for k in range(6):
        [doc] = tpe.suggest([k], domain, trials, seed_for(ours.seed, k), n_startup_jobs=3, verbose=False)
        tid, suggestion = ours.suggest()
        chosen = {label: value[0] for label, value in doc["misc"]["vals"].items() if value}
        assert plain(suggestion) == plain(space_eval(space, chosen))
        ours.submit(tid, loss=float(k % 3))
        doc["state"], doc["result"] = JOB_STATE_DONE, {"status": "ok", "loss": float(k % 3)}
        trials.insert_trial_docs([doc])
        trials.refresh()


COUNT = 100_000
LAWS = [
    ({"neps": {"p": [0.5, 2.0]}}, stats.uniform(0.5, 1.5)),
    ({"neps": {"p": {"lower": 1e-5, "upper": 0.1, "log": True}}}, stats.loguniform(1e-5, 0.1)),
    (
        {"neps": {"p": {"lower": 0.0, "upper": 4.0, "prior": 1.0, "prior_confidence": "high"}}},
        stats.truncnorm(-1, 3, 1, 1),
    ),
    ({"maggy": {"p": ("DOUBLE", [-1, 3])}}, stats.uniform(-1, 4)),
    ({"amltk": {"p": (-10, 10.0)}}, stats.uniform(-10, 20)),
    ({"hyperopt": {"p": 1 + hp.lognormal("x", 0, 1)}}, stats.lognorm(1, loc=1)),
]
SHARES = [
    ({"neps": {"p": [1, 10]}}, dict.fromkeys(range(1, 11), 0.1)),
    ({"neps": {"p": ["a", "b", "c"]}}, dict.fromkeys("abc", 1 / 3)),
    (
        {"neps": {"p": {"choices": ["a", "b"], "prior": "b", "prior_confidence": "high"}}},
        {"a": 0.125, "b": 0.875},
    ),
    ({"maggy": {"p": ("INTEGER", [2, 8])}}, dict.fromkeys(range(2, 9), 1 / 7)),
    ({"maggy": {"p": ("DISCRETE", [1, 4])}}, {1: 0.5, 4: 0.5}),
    ({"amltk": {"p": (0, 3)}}, dict.fromkeys(range(4), 0.25)),
    ({"hyperopt": {"p": hp.pchoice("x", [(0.2, "a"), (0.8, "b")])}}, {"a": 0.2, "b": 0.8}),
    ({"hyperopt": {"p": hp.uniformint("x", 0, 4)}}, {0: 1 / 8, 1: 1 / 4, 2: 1 / 4, 3: 1 / 4, 4: 1 / 8}),
]


def drawn(space: Any) -> list[Any]:
    made, rng = Space.of(space), np.random.default_rng(23)
    return [made.sample(rng)["p"] for _ in range(COUNT)]


@pytest.mark.parametrize(("space", "law"), LAWS, ids=[str(next(iter(space))) for space, _ in LAWS])
def test_numbers_follow_their_law(space: Any, law: Any) -> None:
    assert stats.kstest(drawn(space), law.cdf).pvalue > 1e-4


@pytest.mark.parametrize(("space", "shares"), SHARES, ids=[str(next(iter(space))) for space, _ in SHARES])
def test_values_are_as_likely_as_documented(space: Any, shares: dict[Any, float]) -> None:
    sample = drawn(space)
    assert set(sample) == set(shares)
    counted = [sample.count(point) for point in shares]
    assert stats.chisquare(counted, [COUNT * share for share in shares.values()]).pvalue > 1e-4
