"""JSON files are read strictly, as what YAML would make of them, and are the way for what is too long for YAML."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runlib.engine.data.jsonfile import parse_json
from runlib.engine.data.yamlfile import MAX_BYTES, MAX_NODES, parse_yaml, read_yaml
from runlib.errors import ConfigError

DATA = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("ab:-#'<& ü"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab<"), inner, max_size=4),
)
SOON = 2.0  # seconds of the processor


@given(DATA)
def test_what_json_says_is_what_yaml_makes_of_it(value: Any) -> None:
    text = json.dumps(value)
    assert parse_json(text) == value
    assert json.dumps(parse_yaml(text)) == json.dumps(parse_json(text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1, column 1"),
        ('{"a": 1,\n "a": 2}', "the key 'a' stands twice"),
        ('[{"b": {"a": 1, "c": 2, "a": 3}}]', "the key 'a' stands twice"),
        ("[NaN]", "NaN is no JSON"),
        ("-Infinity", "-Infinity is no JSON"),
        ("1e999", "beyond the range of a float"),
        ("9" * 5000, "too many digits"),
        ('"\\ud800"', "lone surrogate"),
        ("[" * 100_000, "nested deeper than 200 levels"),
        ("[" * 300 + "]" * 300, "nested deeper than 200 levels"),
        ('{"a":' * 5000 + "1" + "}" * 5000, "nested deeper than 200 levels"),
        ("{a: 1}", "line 1, column 2"),
        ("[1] [2]", "line 1, column 5"),
        ("'a'", "line 1, column 1"),
    ],
)
def test_what_is_no_strict_json_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        parse_json(text, "x.json")
    assert str(caught.value).startswith("x.json")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


LONG = [
    pytest.param("[" + "1," * (MAX_NODES + 1) + "1]", id="a list"),
    pytest.param("\n".join(f"- {k}" for k in range(MAX_NODES + 1)), id="lines"),
    pytest.param("\n".join(f"k{k}: 1" for k in range(MAX_NODES // 2 + 1)), id="keys"),
    pytest.param("a: &a {x: 1}\nb: [" + "*a, " * MAX_NODES + "]", id="aliases"),
]


@pytest.mark.parametrize("text", LONG)
def test_too_much_for_yaml_is_said_with_the_way(text: str) -> None:
    with pytest.raises(ConfigError, match=r"more than 100000 values|write it as JSON, in a file that ends in \.json"):
        parse_yaml(text)


def test_a_file_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    for name, limit in (("a.yaml", MAX_BYTES), ("a.json", 64 * 2**20)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(limit + 1)
        began = time.process_time()
        with pytest.raises(ConfigError, match=rf"{name} is larger than {limit // 2**20} MiB"):
            read_yaml(tmp_path / name)
        assert time.process_time() - began < SOON


def test_a_long_list_is_read_from_json(tmp_path: Path) -> None:
    points = [{"x": k / 7, "n": k} for k in range(MAX_NODES)]
    (tmp_path / "a.json").write_text(json.dumps(points))
    began = time.process_time()
    assert read_yaml(tmp_path / "a.json") == points
    assert time.process_time() - began < SOON


@pytest.mark.slow
def test_the_time_to_refuse_does_not_grow_with_what_is_behind(tmp_path: Path) -> None:
    took = []
    for times in (1, 2):
        began = time.process_time()
        with pytest.raises(ConfigError, match="more values than YAML is read for"):
            parse_yaml("- 1\n" * (MAX_NODES * times + 5))
        took.append(time.process_time() - began)
    assert took[1] < 1.7 * took[0] + 0.2
