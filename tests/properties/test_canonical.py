"""Plain data goes through JSON and hashing without a change, whatever it is."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from runlib.engine.component import Component, from_config, to_config
from runlib.engine.data.canonical import canonical_json, dump, hash_suggestion, load
from runlib.engine.data.plain import MAX_INT_BITS, NotPlain, plain
from runlib.errors import RunlibError

LARGEST = 2**MAX_INT_BITS - 1
TEXT = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["$", "$$", "$float", "$int", "$$float", "$x", "a$", "", ".", "context", "kind"]),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-LARGEST, LARGEST),
    st.floats(),
    TEXT,
    st.sampled_from(["nan", "inf", -0.0, 1e16, 5e-324, 2**63, 2**64, -(2**63) - 1]),
)


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4)


DATA = st.recursive(SCALARS, _nested, max_leaves=12)
ANYTHING = st.recursive(
    SCALARS
    | st.binary(max_size=3)
    | st.complex_numbers()
    | st.sampled_from([set(), object, np.zeros(2), np.float32(0.1), np.int64(3), "\ud800", 10**1000]),
    lambda inner: (
        _nested(inner) | st.tuples(inner, inner) | st.dictionaries(SCALARS | st.just("\udfff"), inner, max_size=3)
    ),
    max_leaves=8,
)


class PropertyBox(Component):
    """Holds any data."""

    kind = "property_box"

    def __init__(self, content: Any = None, number: float = 1.0, context: Any = None) -> None:
        super().__init__(context)
        self.content = content
        self.number = number


class PropertyPicky(Component):
    """Refuses most data, with the errors that careless code raises."""

    kind = "property_picky"

    def __init__(self, inner: Any, size: Any = 1) -> None:
        self.inner = self.build("inner", inner, Component)
        self.size = 1 / int(size) + len(size["a"])


def same(one: Any, other: Any) -> bool:
    """Equal with types and signs, NaN being equal to itself."""
    return repr(one) == repr(other)


@given(DATA)
def test_dump_and_load_change_nothing(value: Any) -> None:
    assert same(load(dump(plain(value))), value)


@given(DATA)
def test_dump_is_one_line_of_strict_json(value: Any) -> None:
    line = dump(plain(value))
    assert b"\n" not in line

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    json.loads(line, parse_constant=refuse)


@given(DATA)
def test_plain_is_a_copy_and_stays_as_it_is(value: Any) -> None:
    before = copy.deepcopy(value)
    assert same(plain(plain(value)), plain(value))
    assert same(value, before)


def _shuffled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shuffled(item) for key, item in reversed(value.items())}
    if isinstance(value, list):
        return tuple(_shuffled(item) for item in value)
    if type(value) is float:
        return np.float64(value)
    return np.bool_(value) if type(value) is bool else value


@given(DATA)
def test_the_canonical_text_knows_no_order_and_no_numpy(value: Any) -> None:
    assert canonical_json(_shuffled(value)) == canonical_json(value)
    assert hash_suggestion(_shuffled(value)) == hash_suggestion(value)


@given(DATA, DATA)
def test_different_data_has_different_canonical_texts(one: Any, other: Any) -> None:
    def key(value: Any) -> str:
        return repr(_ordered(value))

    assert (canonical_json(one) == canonical_json(other)) == (key(one) == key(other))


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value)}
    return [_ordered(item) for item in value] if isinstance(value, list) else value


@given(st.floats(width=32))
def test_numpy_floats_keep_their_value(value: float) -> None:
    got = plain(np.float32(value))
    assert type(got) is float
    assert got == value or math.isnan(value)


@given(ANYTHING)
def test_anything_becomes_plain_or_says_why_not(value: Any) -> None:
    try:
        got = plain(value)
    except NotPlain as error:
        told = str(error)
        assert 0 < len(told) < 1000
    else:
        assert same(load(dump(got)), got)


@given(content=DATA, number=st.floats())
def test_configs_come_back(content: Any, number: float) -> None:
    made = PropertyBox(content, number)
    config = to_config(made)
    assert same(config, {"property_box": {"content": content, "number": number}})
    again = from_config(load(dump(config)), context={"threads": 2})
    assert same(to_config(again), config)
    assert again.get_config_hash() == made.get_config_hash()


KINDS = st.sampled_from(["property_box", "property_picky"]) | TEXT
NAMES = st.sampled_from(["content", "number", "inner", "size", "self", "context"]) | TEXT
CONFIGS = st.recursive(
    DATA,
    lambda inner: st.dictionaries(KINDS, st.dictionaries(NAMES, inner, max_size=3) | inner, max_size=2),
    max_leaves=6,
)


@settings(max_examples=300)
@given(CONFIGS)
def test_only_own_errors_come_out_of_a_config(config: Any) -> None:
    try:
        made = from_config(config)
    except RunlibError as error:
        told = str(error)
        assert told
    else:
        assert isinstance(made, Component)


@settings(max_examples=300)
@given(st.sampled_from(["property_box", "property_picky"]), st.dictionaries(NAMES, CONFIGS, max_size=3))
def test_only_own_errors_come_out_of_wrong_arguments(kind: str, arguments: Any) -> None:
    try:
        made: Any = from_config({kind: arguments})
    except RunlibError as error:
        told = str(error)
        assert told.startswith(kind)
    else:
        assert made.get_config()
