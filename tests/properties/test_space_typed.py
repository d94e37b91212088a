"""Over random spaces of typed parameters, text form and arithmetic: there and back, by every way."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from runlib import (
    Categorical,
    Choice,
    Constant,
    Float,
    Hyperopt,
    Integer,
    LogNormal,
    Normal,
    Ordinal,
    Space,
    SpaceError,
)
from runlib.engine.data.canonical import canonical_json, dump, load, plain
from runlib.engine.data.yamlfile import parse_yaml, write_yaml
from runlib.space.arithmetic.expression import Expression, to_data
from runlib.space.forms.markers import from_data

pytestmark = pytest.mark.filterwarnings("ignore::runlib.SpaceWarning")  # random spaces may not vary

confidences = st.sampled_from([None, "low", "medium", "high"])
data = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-2, 2) | st.sampled_from(["a", "no", "1e-3", "hp_x"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=3,
)
different = st.lists(data, min_size=1, max_size=4, unique_by=lambda option: repr(plain_number(option)))


def plain_number(option: Any) -> Any:
    """The same for options that are equal: 1 and 1.0, in lists and dicts too."""
    if isinstance(option, dict):
        return sorted((key, repr(plain_number(item))) for key, item in option.items())
    if isinstance(option, list):
        return [plain_number(item) for item in option]
    return float(option) + 0.0 if isinstance(option, int | float) and not isinstance(option, bool) else option


@st.composite
def floats(draw: st.DrawFn) -> Float:
    """A number between bounds, of any kind."""
    log = draw(st.booleans())
    low = draw(st.floats(1e-6, 1e3) if log else st.floats(-1e3, 1e3))
    high = low + draw(st.floats(1e-3, 1e4))
    step = None if log or draw(st.booleans()) else (high - low) / draw(st.floats(1, 50))
    prior = draw(st.none() | st.just(low) | (st.nothing() if step else st.floats(low, high)))
    confidence = draw(confidences) if prior is not None else None
    return Float(low, high, log, step, prior=prior, prior_confidence=confidence)


@st.composite
def integers(draw: st.DrawFn) -> Integer:
    """An integer between bounds, of any kind."""
    log = draw(st.booleans())
    low = draw(st.integers(1, 50) if log else st.integers(-50, 50))
    high = low + draw(st.integers(0, 500))
    step = None if log or high == low or draw(st.booleans()) else draw(st.integers(1, high - low))
    prior = draw(st.none() | st.just(low) | (st.nothing() if step else st.integers(low, high)))
    return Integer(low, high, log, step, prior=prior, fidelity=draw(st.booleans()))


numbers = floats() | integers() | st.builds(Normal, st.floats(-3, 3), st.floats(0.1, 3))
numbers |= st.builds(LogNormal, st.floats(-1, 1), st.floats(0.1, 1), prior=st.none() | st.floats(0.1, 9))
numbers |= (
    st.sampled_from([2, -0.5]) | st.builds(Ordinal, st.just([1, 2, 4])) | st.builds(Choice, st.just([1, Float(0, 1)]))
)
arithmetic = st.builds(
    Expression, st.sampled_from(["hp_add", "hp_sub", "hp_mul", "hp_div", "hp_pow"]), numbers, numbers
)
leaves = numbers | arithmetic | data.map(Constant) | different.map(Categorical) | different.map(Ordinal)
leaves |= st.sampled_from([3, "text", None, [], {}])
spaces = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from(["b", "a", "m n"]), inner, max_size=3),
        st.lists(inner, max_size=3),
        st.lists(inner, min_size=1, max_size=3).map(Choice),
        st.lists(inner, min_size=1, max_size=2).map(lambda options: ["hp_choice", "text form", options]),
    ),
    max_leaves=8,
).filter(lambda space: not isinstance(space, str))  # a text alone is the name of a file
quick = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def compiled(space: Any) -> Space:
    """The space, unless two of its parts bear one label, or a formula of constants has no value."""
    try:
        return Space.of(space)
    except SpaceError as error:
        assume("stands twice" not in error.reason and "no finite number" not in error.reason)
        raise


def sampled(space: Space, rng: random.Random) -> list[float] | None:
    """A random row with a suggestion to it; None where a formula has no value."""
    row = space.random_row(rng)
    try:
        space.assemble(row)
    except SpaceError as error:
        if "gives no finite number" not in error.reason:
            raise
        return None
    return row


@given(spaces)
@quick
def test_typed_to_data_to_typed_and_through_yaml(space: Any) -> None:
    written = to_data(space)
    assert written == plain(written)
    for there_and_back in (lambda x: x, lambda x: json.loads(json.dumps(x)), lambda x: parse_yaml(write_yaml(x))):
        again = from_data(there_and_back(written))
        assert canonical_json(to_data(again)) == canonical_json(written)
        if not isinstance(space, dict | list):
            assert again == space


@given(spaces)
@quick
def test_the_canonical_form_is_the_same_space_and_its_own_canonical_form(space: Any) -> None:
    first = compiled(space)
    second = Space.of(parse_yaml(write_yaml(first.data)))
    assert canonical_json(second.data) == canonical_json(first.data)
    assert [(v.label, v.distribution, v.memorable) for v in second.variables] == [
        (v.label, v.distribution, v.memorable) for v in first.variables
    ]
    for seed in range(5):
        row = sampled(first, random.Random(seed))
        if row is not None:
            assert second.sample(random.Random(seed)) == first.assemble(row)


@given(spaces, st.integers(0, 2**32))
@quick
def test_samples_are_valid_plain_and_read_back_exactly(space: Any, seed: int) -> None:
    tree, rng = compiled(space), random.Random(seed)
    for _ in range(5):
        row = sampled(tree, rng)
        if row is None:
            continue
        suggestion, memo = tree.assemble(row), tree.memo(row)
        assert dump(suggestion) == dump(plain(suggestion))
        tree.validate(suggestion)
        back = tree.read(load(dump(suggestion)), load(dump(memo)))
        assert dump(back) == dump([float(number) + 0.0 for number in row])
        assert dump(tree.assemble(back)) == dump(suggestion)
        located = tree.locate(suggestion)
        if located is not None and not any(v.memorable for v in tree.variables):
            assert dump(tree.assemble(located)) == dump(suggestion)


@given(spaces, st.integers(0, 2**32))
@quick
def test_a_row_at_the_place_of_a_row_is_the_row(space: Any, seed: int) -> None:
    tree = compiled(space)
    row = Space.of(space, full_fidelity=True).random_row(random.Random(seed))
    full = Space.of(space, full_fidelity=True)
    units = [
        min(v.distribution.to_unit(raw), 1 - 2.0**-53) if raw == raw else 0.5
        for v, raw in zip(full.variables, row, strict=True)
    ]
    again = full.row_at(units)
    for variable, raw, got in zip(full.variables, row, again, strict=True):
        assert (raw == raw) == (got == got)
        if raw == raw and variable.distribution.whole:
            assert got == raw
        elif raw == raw:
            low, high = variable.distribution.from_unit(0.0), variable.distribution.from_unit(1 - 2.0**-53)
            assert abs(got - raw) <= 1e-9 * (high - low)
    assert {v.label for v in full.variables} == {v.label for v in tree.variables if not v.fidelity}


@given(spaces, st.integers(0, 2**32), st.sampled_from(["rand", "tpe", "anneal"]))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_hyperopt_suggests_what_is_valid_and_restores_it(space: Any, seed: int, method: str) -> None:
    tree = compiled(space)
    search = Hyperopt(space, seed, method, n_startup_jobs=3)
    again = Hyperopt(json.loads(json.dumps(search.space)), seed, method, n_startup_jobs=3)
    for k in range(6):
        try:
            tid, suggestion = search.suggest()
        except SpaceError as error:
            if "gives no finite number" not in error.reason:
                raise
            return
        tree.validate(suggestion)
        again.recall(k, load(dump(suggestion)), load(dump(search.memo(tid))))
        for told in (search, again):
            told.submit(tid, loss=float(k % 3))
        assert dump(list(again._history.row(k))) == dump([number + 0.0 for number in search._history.row(k)])
