"""What somebody adds beside the loss becomes data or is named; it never costs the loss."""

from __future__ import annotations

import base64
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import math
import pathlib
import types
import uuid
from collections.abc import Iterator, Mapping
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest

from runlib.engine.data.canonical import dump, load, plain
from runlib.evaluator.conversion import FILES, NAMED, Conversion
from runlib.evaluator.result import ok_result


class Ours(enum.Enum):
    LOSS = "loss"
    COST = "cost"


class Colour(enum.Enum):
    RED = "red"
    SHAPE = (1, 2)


@dataclasses.dataclass
class Fold:
    number: int
    losses: Any


Point = collections.namedtuple("Point", "x y")
STRUCTURED = np.array([(1, 2.5), (3, 4.5)], dtype=[("a", int), ("b", float)])


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (np.array([0.5, 1.5]), [0.5, 1.5]),
        (np.arange(4).reshape(2, 2), [[0, 1], [2, 3]]),
        (np.array(3), 3),
        (np.array([]), []),
        (np.array([True, False]), [True, False]),
        (np.array(["a", "ä"]), ["a", "ä"]),
        (np.array([b"ab", b"c"]), ["ab", "c"]),
        (np.array([1, {"a": np.float32(0.5)}, None], dtype=object), [1, {"a": 0.5}, None]),
        (np.array([0.5, 1.5], dtype=np.longdouble), [0.5, 1.5]),
        (np.float16(0.5), 0.5),
        (np.ma.array([1, 2], mask=[False, True]), [1, None]),
        (np.array([1 + 2j]), [{"real": 1.0, "imag": 2.0}]),
        (np.complex64(1j), {"real": 0.0, "imag": 1.0}),
        (STRUCTURED, {"a": [1, 3], "b": [2.5, 4.5]}),
        (STRUCTURED[0], {"a": 1, "b": 2.5}),
        (np.datetime64("2026-11-25"), "2026-11-25"),
        (np.array(["2026-11-25", "NaT"], dtype="datetime64[D]"), ["2026-11-25", None]),
        (np.array([1500], dtype="timedelta64[ms]"), [1.5]),
        (1 + 2j, {"real": 1.0, "imag": 2.0}),
        (datetime.datetime(2026, 11, 25, 12, 30), "2026-11-25T12:30:00"),
        (datetime.date(2026, 11, 25), "2026-11-25"),
        (datetime.time(12, 30), "12:30:00"),
        (datetime.timedelta(minutes=2), 120.0),
        (pathlib.PurePosixPath("a/b"), "a/b"),
        (uuid.UUID(int=3), "00000000-0000-0000-0000-000000000003"),
        (decimal.Decimal("0.25"), 0.25),
        (fractions.Fraction(1, 4), 0.25),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"b", "a"}), ["a", "b"]),
        ({1: 0}.keys(), [1]),
        (range(3), [0, 1, 2]),
        (collections.deque([1, 2]), [1, 2]),
        (collections.Counter("aab"), {"a": 2, "b": 1}),
        (types.MappingProxyType({"a": np.zeros(1)}), {"a": [0.0]}),
        (Point(1, 2), [1, 2]),
        (Fold(1, np.ones(2)), {"number": 1, "losses": [1.0, 1.0]}),
        (Colour.RED, "red"),
        (Colour.SHAPE, [1, 2]),
        ({0: 0.5, 1: 0.25}, {"0": 0.5, "1": 0.25}),
        ({np.int64(7): 1, 2.5: 2, None: 3, Colour.RED: 4, datetime.date(2026, 1, 1): 5}, None),
        ({"a": (1, [2, (3,)])}, {"a": [1, [2, [3]]]}),
        (math.inf, math.inf),
    ],
    ids=lambda value: type(value).__name__,
)
def test_it_becomes_data(value: Any, data: Any) -> None:
    result = ok_result({"loss": 0.25, "more": value}, 0.1)
    if data is None:
        data = {"7": 1, "2.5": 2, "None": 3, "red": 4, "2026-01-01": 5}
    assert result == {"ok": {"loss": 0.25, "more": data, "duration": 0.1}}
    assert load(dump(result)) == result
    assert plain(result) == result


class Frame:
    """A data frame as pandas answers, which is not among the dependencies."""

    __module__ = "pandas.core.frame"

    def __init__(self, columns: dict[Any, list[Any]], index: list[Any]) -> None:
        self._columns, self.columns = list(columns.values()), list(columns)
        self.index, self.shape = np.array(index), (len(index), len(columns))

    @property
    def iloc(self) -> Any:
        return Columns(self._columns)


class Columns:
    def __init__(self, columns: list[list[Any]]) -> None:
        self._columns = columns

    def __getitem__(self, at: tuple[slice, int]) -> Any:
        return np.array(self._columns[at[1]])


class Series:
    __module__ = "pandas.core.series"

    def __init__(self, values: list[Any], index: list[Any]) -> None:
        self._values, self.index = values, np.array(index, dtype=object)

    def tolist(self) -> list[Any]:
        return self._values


class NAType:
    __module__ = "pandas._libs.missing"


class Interval:
    __module__ = "pandas._libs.interval"

    def __str__(self) -> str:
        return "(0, 1]"


class NaTType(datetime.datetime):
    __module__ = "pandas._libs.tslibs.nattype"

    def __ne__(self, other: object) -> bool:
        return True

    __hash__ = datetime.datetime.__hash__


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (Frame({"a": [1, 2], "b": [0.5, 1.5]}, [0, 1]), {"a": [1, 2], "b": [0.5, 1.5]}),
        (Frame({"a": [1, 2]}, [5, 7]), {"a": {"5": 1, "7": 2}}),
        (Frame({("a", "mean"): [1]}, [0]), {"a mean": [1]}),
        (Series([1.5, 2.5], [0, 1]), [1.5, 2.5]),
        (Series([1.5, 2.5], ["x", "y"]), {"x": 1.5, "y": 2.5}),
        (Series([1.5, 2.5], ["x", "x"]), [["x", 1.5], ["x", 2.5]]),
        (Series([NAType(), np.int64(3)], [0, 1]), [None, 3]),
        (Interval(), "(0, 1]"),
        (NaTType(2026, 1, 1), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_of_pandas_become_data(value: Any, data: Any) -> None:
    assert ok_result({"loss": 0.25, "more": value}, 0.1) == {"ok": {"loss": 0.25, "more": data, "duration": 0.1}}


def test_tensors_of_all_libraries_become_lists() -> None:
    class Torch:
        shape = (2,)

        def tolist(self) -> list[float]:
            return [0.5, 1.5]

    class Tensorflow:
        shape = (2,)

        def numpy(self) -> Any:
            return np.array([0.5, 1.5])

    class Other:
        shape = (2,)

        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return np.array([0.5, 1.5])

    for value in (Torch(), Tensorflow(), Other()):
        assert ok_result({"loss": 0.0, "more": value}, 0.1)["ok"]["more"] == [0.5, 1.5]


class Reading:
    """A tensor that cannot be read."""

    shape = (2,)

    def tolist(self) -> Any:
        raise RuntimeError("it lies on another device")


class Endless:
    shape = (1,)

    def tolist(self) -> Any:
        return Endless()


class Rude:
    def __getattr__(self, name: str) -> Any:
        raise ValueError(f"no {name}")

    def __repr__(self) -> str:
        raise ValueError("no text")


class Broken(Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any:
        raise OSError("gone")

    def __iter__(self) -> Iterator[str]:
        yield "a"

    def __len__(self) -> int:
        return 1


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (object(), "is no data, but of type object"),
        (len, "is no data, but of type builtin_function_or_method"),
        (Fold, "is no data, but of type type"),
        (np, "is no data, but of type module"),
        (np.random.default_rng(1), "is no data, but of type numpy.random._generator.Generator"),
        ("\ud800", "text holds a lone surrogate"),
        (2**3000, "is an integer of more than 2048 bits"),
        (np.zeros(1, dtype="V8"), "is no data, but bytes of a form that numpy knows"),
        (Reading(), "could not be read: RuntimeError: it lies on another device"),
        (Rude(), "ValueError"),
        (Broken(), "could not be read: OSError: gone"),
        (Endless(), "contains itself"),
        (MagicMock(), "no data|contains itself|could not be read"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_data_is_left_out_and_named(value: Any, reason: str) -> None:
    result = ok_result({"loss": 0.25, "more": value, "kept": [1]}, 0.1)
    assert result["ok"] == {"loss": 0.25, "kept": [1], "duration": 0.1}
    assert list(result["dropped"]) == ["more"]
    assert any(part in result["dropped"]["more"] for part in reason.split("|"))


def test_what_is_left_out_is_named_by_its_place() -> None:
    returned = {
        "loss": 0.25,
        "model": {"name": "krr", "fitted": object(), (1, 2): 3},
        "history": [1, object(), {"x": [object()]}],
        "array": np.array([1, object()], dtype=object),
    }
    result = ok_result(returned, 0.1)
    assert result["ok"]["model"] == {"name": "krr"}
    assert result["ok"]["history"] == [1, None, {"x": [None]}]
    assert result["ok"]["array"] == [1, None]
    places = ["model.fitted", "model.(1, 2)", "history.1", "history.2.x.0", "array.1"]
    assert list(result["dropped"]) == places
    assert plain(result) == result


def test_what_contains_itself_ends() -> None:
    loop: list[Any] = [1]
    loop += [loop, loop]
    table: dict[str, Any] = {"a": 1}
    table["b"] = {"table": table}
    result = ok_result({"loss": 0.25, "loop": loop, "table": table}, 0.1)
    assert result["ok"]["loop"] == [1, None, None]
    assert result["ok"]["table"] == {"a": 1, "b": {}}
    assert list(result["dropped"]) == ["loop.1", "loop.2", "table.b.table"]


def test_what_is_deeper_than_data_may_be_is_cut_off() -> None:
    deep: Any = 1
    for _ in range(1000):
        deep = [deep]
    result = ok_result({"loss": 0.25, "deep": deep}, 0.1)
    assert "is nested deeper than 200 levels" in next(iter(result["dropped"].values()))
    assert load(dump(result)) == result


def test_of_very_much_that_is_left_out_some_is_named() -> None:
    dropped = ok_result({"loss": 0.25, "models": [object()] * 1000, "x" * 1000: object()}, 0.1)["dropped"]
    assert len(dropped) == NAMED + 1
    assert dropped["..."] == f"and {1001 - NAMED} more"
    assert all(len(name) <= 200 for name in dropped)


def test_two_keys_with_one_text_are_told_apart() -> None:
    result = ok_result({"loss": 0.25, "more": {1: "a", "1": "b"}}, 0.1)
    assert result["ok"]["more"] == {"1": "a"}
    assert result["dropped"] == {"more.1": "another key has the same text"}


def test_bytes_are_put_aside_with_their_places() -> None:
    returned = {"loss": 0.25, "png": b"\x89PNG", "more": [bytearray(b"a"), {"x": memoryview(b"b")}]}
    result = ok_result(returned, 0.1)
    assert [place for place, _ in result["bytes"]] == [["png"], ["more", 0], ["more", 1, "x"]]
    assert [base64.b64decode(text) for _, text in result["bytes"]] == [b"\x89PNG", b"a", b"b"]
    assert plain(result) == result


def test_very_many_bytes_are_not_very_many_files() -> None:
    result = ok_result({"loss": 0.25, "parts": [b"x"] * (FILES + 5)}, 0.1)
    assert len(result["bytes"]) == FILES
    assert len(result["dropped"]) == 5


def test_plain_data_is_copied_as_it_is() -> None:
    given = {"a": [1, 2.5, None, True, "ä", {"b": [math.inf]}], "": {}}
    conversion = Conversion()
    made = conversion.mapping(given)
    assert made == given
    assert made["a"] is not given["a"]
    assert (conversion.dropped, conversion.files) == ({}, [])


def test_a_key_that_becomes_one_of_ours_does_not_take_its_place() -> None:
    result = ok_result({"loss": 0.25, Ours.LOSS: "x", Ours.COST: "much"}, 0.1)
    assert result["ok"] == {"loss": 0.25, "duration": 0.1}
    assert set(result["dropped"]) == {"loss", "cost"}
    assert ok_result({"loss": 0.25, "cost": 2, Ours.COST: "much"}, 0.1)["ok"]["cost"] == 2
