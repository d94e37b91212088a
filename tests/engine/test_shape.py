"""Tuples and keys that are no text: kept beside plain data, and put back."""

from __future__ import annotations

import enum
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runlib.engine.data.canonical import dump, hash_suggestion, load
from runlib.engine.data.plain import NotPlain, plain
from runlib.engine.data.shape import flat, rekeyed, reshaped, shape_of, shaped
from runlib.tape.events import Enqueue, Suggest, event_from_data, event_to_data


class Colour(enum.IntEnum):
    RED = 1


SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=3)
KEYS = st.text(max_size=3) | st.integers(-9, 9)


def _written_alike(value: dict[Any, Any]) -> bool:
    return len({str(key) for key in value}) < len(value)


DATA = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(KEYS, inner, max_size=3).filter(lambda found: not _written_alike(found))
    ),
    max_leaves=12,
)


def typed(value: Any) -> Any:
    """The value with the types in it, for 1 == True and (1,) is read as equal to nothing else."""
    if isinstance(value, dict):
        return "dict", [(typed(key), typed(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return type(value).__name__, [*map(typed, value)]
    return type(value).__name__, value


@given(DATA)
def test_what_is_written_with_its_shape_comes_back(value: Any) -> None:
    kept = shaped(value)
    assert typed(kept) == typed(value)
    data, shape = load(dump(kept)), shape_of(kept)
    assert data == flat(kept) == plain(flat(kept))
    assert typed(reshaped(data, None if shape is None else load(dump(shape)))) == typed(value)


@given(DATA)
def test_a_shape_makes_no_other_evaluation(value: Any) -> None:
    assert hash_suggestion(shaped(value)) == hash_suggestion(flat(shaped(value)))


@given(DATA)
def test_an_event_with_a_shape_is_what_a_reader_of_its_line_sees(value: Any) -> None:
    for event in (Suggest(0, shaped(value)), Enqueue(shaped(value))):
        line = load(dump(event_to_data(event)))
        kind = next(iter(line))
        assert kind == event.kind
        read = event_from_data(kind, line[kind], line.get("shape"))
        assert typed(read.suggestion) == typed(value)  # type: ignore[union-attr]


def test_data_without_a_shape_has_no_note() -> None:
    event = Suggest(0, {"x": [1, {"y": None}], "z": "text"})
    assert shape_of(event.suggestion) is None
    assert event_to_data(event) == {"suggest": {"tid": 0, "suggestion": event.suggestion}}


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({np.int64(0): 1, np.str_("a"): 2}, {0: 1, "a": 2}),
        ((np.float64(1), np.arange(2)), (1.0, [0, 1])),
        ({True: 1, None: 2, 0.5: 3, -1: 4}, {True: 1, None: 2, 0.5: 3, -1: 4}),
        ({Colour.RED: 1}, {1: 1}),
        ((range(2), ()), ([0, 1], ())),
    ],
)
def test_what_stands_for_data_is_data(value: Any, kept: Any) -> None:
    assert typed(shaped(value)) == typed(kept)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            {"a": {(1, 2): 3}},
            r"^a: keys must be text or numbers, got \(1, 2\) of type tuple; write a list of",
        ),
        ({float("nan"): 1}, "keys must be text or numbers, got nan"),
        ({b"a": 1}, "keys must be text or numbers, got b'a' of type bytes"),
        ({object: 1}, "keys must be text or numbers, got <class 'object'> of type type"),
        ({1: 1, "1": 2}, r"has two keys that are written alike, got 1, '1'"),
        ({"a": (1, {2})}, r"^a\.1: is no data, but of type set"),
        ({0: [object()]}, r"^0\.0: is no data"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_place(value: Any, message: str) -> None:
    with pytest.raises(NotPlain, match=message):
        shaped(value)


def test_what_contains_itself_is_refused() -> None:
    inside: list[Any] = []
    inside.append((inside,))
    with pytest.raises(NotPlain, match="contains itself"):
        shaped(inside)


@pytest.mark.parametrize(
    "shape",
    [[[["b"], "tuple"]], [[["a", 5], "tuple"]], [[["a"], [0]]], [[["a"], "set"]], [[["a", 0], "tuple"]], ["a"], 5],
)
def test_a_shape_that_does_not_fit_is_refused(shape: Any) -> None:
    with pytest.raises(ValueError, match=r"shape|unpack"):
        reshaped({"a": [1, 2]}, shape)


def test_keys_are_found_by_their_texts() -> None:
    assert rekeyed({"0": 1, "a": 2}, [0, "a"]) == {0: 1, "a": 2}
    assert rekeyed({0: 1}, [0]) == {0: 1}
    assert rekeyed({"0": 1}, ["0"]) == {"0": 1}
    assert rekeyed("text", [0]) == "text"
