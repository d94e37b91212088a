"""Plain data: what is taken, what is refused and with which words, and texts and hashes that never change."""

from __future__ import annotations

import array
import decimal
import enum
import math
import os
import subprocess
import sys
from collections import OrderedDict, namedtuple
from types import MappingProxyType
from typing import Any

import joblib
import numpy as np
import pytest

from runlib.engine.component import Component
from runlib.engine.data.canonical import (
    canonical_json,
    compute_hash,
    dump,
    hash_suggestion,
    load,
)
from runlib.engine.data.plain import MAX_DEPTH, MAX_INT_BITS, NotPlain, plain
from runlib.errors import RunlibError


class Color(enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    BIG = 3


class Mood(str, enum.Enum):  # noqa: UP042 (its str() is not its text)
    GOOD = "fine"


class Level(enum.StrEnum):
    LOW = "low"


Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int8(-3), -3),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.intp(7), 7),
        (np.float16(0.5), 0.5),
        (np.float32(0.25), 0.25),
        (np.float64(0.1), 0.1),
        (np.longdouble("0.25"), 0.25),
        (np.longdouble("inf"), math.inf),
        (np.bool_(True), True),
        (np.bool_(False), False),
        (np.str_("a"), "a"),
        (np.array(3), 3),
        (np.array(0.5), 0.5),
        (np.array("ab"), "ab"),
        (np.array(True), True),
        (np.array(0.5, dtype=np.longdouble), 0.5),
        (np.zeros(3), [0.0, 0.0, 0.0]),
        (np.array([[1, 2], [3, 4]], dtype=np.int8), [[1, 2], [3, 4]]),
        (np.array(["a", None, 1.5], dtype=object), ["a", None, 1.5]),
        (np.array([True, False]), [True, False]),
        (np.array([], dtype=np.float32), []),
        (np.array([0.5], dtype=np.longdouble), [0.5]),
        (range(2, 8, 2), [2, 4, 6]),
        (array.array("d", [0.5, 1.0]), [0.5, 1.0]),
        ({"a": (np.arange(2), [range(1)])}, {"a": [[0, 1], [[0]]]}),
        (Size.BIG, 3),
        (Mood.GOOD, "fine"),
        (Level.LOW, "low"),
        ((1, (2.0, "x")), [1, [2.0, "x"]]),
        (Point(1, 2), [1, 2]),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (2**80, 2**80),
    ],
)
def test_what_stands_for_data_becomes_data(value: Any, expected: Any) -> None:
    got = plain(value)
    assert got == expected
    assert type(got) is type(expected)


def test_text_keys_of_enums_and_numpy_are_their_text() -> None:
    got = plain({Mood.GOOD: 1, Level.LOW: 2, np.str_("n"): 3})
    assert got == {"fine": 1, "low": 2, "n": 3}
    assert {type(key) for key in got} == {str}


def test_non_finite_floats_are_data() -> None:
    got = plain([math.nan, np.float32("nan"), -math.inf])
    assert [type(item) for item in got] == [float] * 3
    assert math.isnan(got[0])
    assert math.isnan(got[1])
    assert got[2] == -math.inf


def test_plain_copies() -> None:
    inner = [1]
    got = plain({"a": inner, "b": inner})
    got["a"].append(2)
    assert inner == [1]
    assert got["b"] == [1]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({1, 2}, "set"),
        (b"x", "bytes"),
        (1j, "complex"),
        (object, "type"),
        (print, "builtin_function_or_method"),
        (decimal.Decimal(1), "decimal.Decimal"),
        (Color.RED, "Color; pass its .value"),
        (MappingProxyType({}), "mappingproxy"),
        (np.zeros(3, dtype=complex), "numpy.ndarray with elements of type complex128"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), "numpy.ndarray with elements of type datetime64"),
        (np.array([b"x"]), r"numpy.ndarray with elements of type \|S1"),
        (np.array({"a": 1}, dtype=object), "numpy.ndarray"),
        (np.datetime64("2020-01-01", "ns"), "numpy.datetime64"),
        (np.timedelta64(5, "ns"), "numpy.timedelta64"),
        (np.bytes_(b"x"), "numpy.bytes_"),
        (np.complex128(1), "numpy.complex128"),
        (np.zeros(1, dtype=[("a", int)])[0], "numpy.void"),
    ],
)
def test_what_is_no_data_is_named_with_its_place(value: Any, kind: str) -> None:
    with pytest.raises(NotPlain, match=rf"^a\.1\.b: is no data, but of type .*{kind}") as caught:
        plain({"a": [0, {"b": value}]})
    assert caught.value.path == "a.1.b"


def test_an_error_of_plain_data_is_one_of_runlib() -> None:
    with pytest.raises(RunlibError):
        plain(set())


@pytest.mark.skipif(np.finfo(np.longdouble).max <= sys.float_info.max, reason="longdouble is a double here")
def test_a_longdouble_beyond_float_is_refused() -> None:
    with pytest.raises(NotPlain, match=r"a: is a numpy\.longdouble beyond the range of a float"):
        plain({"a": np.longdouble("1e4000")})


@pytest.mark.parametrize("key", [1, None, True, 1.5, (1, 2), b"x", pytest.param(10**5000, id="huge")])
def test_keys_must_be_text(key: Any) -> None:
    with pytest.raises(NotPlain, match=f"^a: keys must be text, got .* of type {type(key).__name__}$"):
        plain({"a": {key: 1}})


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}, np.str_("x\ud800")])
def test_lone_surrogates_are_refused(value: Any) -> None:
    with pytest.raises(NotPlain, match="lone surrogate"):
        plain({"a": value})


@pytest.mark.parametrize("sign", [1, -1])
def test_integers_have_a_limit_that_python_can_always_write(sign: int) -> None:
    largest = sign * (2**MAX_INT_BITS - 1)
    assert load(dump(plain(largest))) == largest
    assert len(str(largest)) <= sys.int_info.str_digits_check_threshold + 1
    with pytest.raises(NotPlain, match="a: is an integer of more than 2048 bits"):
        plain({"a": largest + sign})


def test_what_contains_itself_is_refused_with_a_short_message() -> None:
    circle: dict[str, Any] = {}
    circle["round"] = [circle]
    with pytest.raises(NotPlain, match="contains itself") as caught:
        plain(circle)
    assert caught.value.path.startswith("round.0.round.0")
    assert len(str(caught.value)) < 400


def test_nesting_has_a_limit() -> None:
    deep: Any = 1
    for _ in range(MAX_DEPTH):
        deep = [deep]
    assert load(dump(plain(deep))) == deep
    with pytest.raises(NotPlain, match="nested deeper than 200"):
        plain([[deep]])


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (math.nan, b'{"$float":"nan"}'),
        ([-math.inf, math.inf], b'[{"$float":"-inf"},{"$float":"inf"}]'),
        ({"$float": "nan"}, b'{"$$float":"nan"}'),
        ({"$": 1, "$$a": 2, "a$": 3}, b'{"$$":1,"$$$a":2,"a$":3}'),
        (2**64, b'{"$int":"18446744073709551616"}'),
        (-(2**63), b"-9223372036854775808"),
        (2**64 - 1, b"18446744073709551615"),
    ],
)
def test_what_json_cannot_hold_is_tagged(value: Any, line: bytes) -> None:
    assert dump(value) == line
    assert repr(load(line)) == repr(value)


@pytest.mark.parametrize(
    "line",
    [b'{"$date":"2020"}', b'{"$float":"nan","b":1}', b'{"$int":5}', b'{"$float":"many"}', b"{", b"NaN"],
)
def test_what_dump_does_not_write_is_not_read(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        load(line)


def test_a_line_nested_without_end_is_a_value_error() -> None:
    with pytest.raises(ValueError, match=r"."):
        load(b"[" * 900 + b'"$"' + b"]" * 900)


def test_the_canonical_text_depends_on_the_data_alone() -> None:
    # The texts are those of Python's own json, whatever library writes the tape.
    data = {"b": [1e16, 1e-7, 1e-5, 5e-324, -0.0, 1.0, 1], "a": {"ü\n": None}, "$x": 2**70, "c": math.inf}
    assert canonical_json(data).decode() == (
        '{"$$x":{"$int":"1180591620717411303424"},"a":{"ü\\n":null},'
        '"b":[1e+16,1e-07,1e-05,5e-324,-0.0,1.0,1],"c":{"$float":"inf"}}'
    )


def test_hashes_are_pinned() -> None:
    data = {"x": 1e16, "y": [1, 1e-7, None], "z": {"ä": math.nan}}
    assert hash_suggestion(data) == "e2190c80f112c5022ce3d87bb013b89f"
    assert compute_hash(data) == "347ed41cb0fb32bb60f53e678b57795b"


def test_equal_data_has_equal_hashes() -> None:
    one = {"a": (1, np.float64(0.5)), "b": np.str_("x")}
    other = {"b": "x", "a": [1, 0.5]}
    assert compute_hash(one) == compute_hash(other)
    assert hash_suggestion(one) == hash_suggestion(other)
    assert len(hash_suggestion(one)) == len(compute_hash(one)) == 32


@pytest.mark.parametrize("other", [1.0, True, "1", None, [1], {"1": 1}, 2])
def test_different_data_has_different_hashes(other: Any) -> None:
    assert compute_hash({"a": 1}) != compute_hash({"a": other})
    assert hash_suggestion({"a": 1}) != hash_suggestion({"a": other})


def test_several_values_are_hashed_as_a_list() -> None:
    assert compute_hash(1, "a") == compute_hash([1, "a"])


def test_arrays_are_hashed_by_their_content() -> None:
    assert compute_hash({"x": np.arange(3)}) == compute_hash({"x": np.arange(3)})
    assert compute_hash({"x": np.arange(3)}) != compute_hash({"x": np.arange(4)})


def test_a_component_is_hashed_by_its_config_alone() -> None:
    class Thing(Component):
        def __init__(self, x: int, context: Any = None) -> None:
            super().__init__(context)
            self.x = x

    assert compute_hash(Thing(1)) == compute_hash(Thing(1, {"workers": 4})) == compute_hash({"thing": {"x": 1}})
    assert compute_hash([Thing(1)]) == compute_hash([Thing(1, {"workers": 4})])
    assert compute_hash(Thing(1)) != compute_hash(Thing(2))


CODE = """
import math
from runlib.engine.data.canonical import compute_hash, hash_suggestion
data = {"b": {"y": [1, 0.1, None, True], "x": "ü"}, "a": math.nan, "$c": 2**80}
print(hash_suggestion(data), compute_hash(data), compute_hash({"s": {"p", "q", "r"}}))
"""


def test_hashes_are_the_same_in_every_process() -> None:
    seen = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        run = [sys.executable, "-c", CODE]
        seen.add(subprocess.run(run, env=environment, check=True, capture_output=True, text=True).stdout)
    assert len(seen) == 1
    assert len(seen.pop().split()) == 3


def test_an_element_that_is_no_data_is_named() -> None:
    with pytest.raises(NotPlain, match=r"^a\.1: is no data, but of type builtin_function_or_method$"):
        plain({"a": np.array([1, len], dtype=object)})


def column_of(name: str, items: list[Any], module: str = "pandas") -> Any:
    """Something that is known as a column of pandas: by the module and the name of a base class, and its tolist()."""
    base = type(name, (), {"__module__": module, "tolist": lambda self: items})
    return type("Other", (base,), {"__module__": "pandas.core.other"})()


def test_columns_of_pandas_are_lists() -> None:
    for name in ("Index", "Series", "ExtensionArray"):
        assert plain({"a": column_of(name, ["x", np.int64(2)])}) == {"a": ["x", 2]}
        assert plain({"a": column_of(name, [1.5], "pandas.core.base")}) == {"a": [1.5]}
    with pytest.raises(NotPlain, match=r"^a: is no data, but of type pandas\.core\.other\.Other"):
        plain({"a": column_of("DataFrame", [])})


def test_hashes_of_arrays_are_those_of_their_bytes() -> None:
    """As before arrays were data: fingerprints on old tapes hold them."""
    array_ = np.arange(3.0)
    assert compute_hash(array_) == joblib.hash(array_)
    assert compute_hash({"a": [array_]}) == joblib.hash({"a": [array_]})
    assert compute_hash(array_) != compute_hash([0.0, 1.0, 2.0])
