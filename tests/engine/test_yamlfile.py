"""YAML: the core schema, strict; whatever is thrown at it ends soon and in one sentence with the place."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from runlib.engine.data.plain import MAX_DEPTH, NotPlain
from runlib.engine.data.yamlfile import parse_yaml, read_yaml, write_yaml
from runlib.errors import ConfigError

SOON = 1.0  # seconds of this process, whatever else the machine does


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5),
        ("1E+5", 1e5),
        ("-1.5e3", -1500.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("-.inf", -math.inf),
        ("+.INF", math.inf),
        ("0o17", 15),
        ("0xFf", 255),
        ("-7", -7),
        ("+7", 7),
        ("007", 7),
        ("~", None),
        ("null", None),
        ("", None),
        ("# nothing", None),
        ("true", True),
        ("FALSE", False),
        ("!!str 5", "5"),
        ("!!float 5", 5.0),
        ("!!int '5'", 5),
        ("[1, [2], {a: 3}]", [1, [2], {"a": 3}]),
        ("{a: &x [1], b: *x}", {"a": [1], "b": [1]}),
    ],
)
def test_values_of_the_core_schema(text: str, value: Any) -> None:
    got = parse_yaml(text)
    assert got == value
    assert type(got) is type(value)


def test_nan() -> None:
    assert math.isnan(parse_yaml(".NaN"))


@pytest.mark.parametrize(
    "text",
    [
        *(
            "no",
            "No",
            "yes",
            "on",
            "off",
            "y",
            "n",
            "2020-01-01",
            "12:30:45",
            "1_000",
            "0b11",
            "1e",
            "e5",
            "nan",
        ),
        *("inf", "+", ".", "0o8", "0xg", "=", "1.2.3", "nUlL", "tRue", "-.nan", "1e5x"),
    ],
)
def test_what_other_readers_change_is_text(text: str) -> None:
    assert parse_yaml(text) == text
    assert parse_yaml(f"{{a: {text}}}") == {"a": text}


def test_aliases_do_not_share_what_they_stand_for() -> None:
    got = parse_yaml("a: &x [1]\nb: *x\n")
    got["a"].append(2)
    assert got["b"] == [1]


def test_merging() -> None:
    text = "base: &b {x: 1, y: 2}\none: {<<: *b, y: 3}\ntwo: {<<: [*b, {z: 5, x: 9}]}\n'<<': text\n"
    assert parse_yaml(text) == {
        "base": {"x": 1, "y": 2},
        "one": {"x": 1, "y": 3},
        "two": {"x": 1, "y": 2, "z": 5},
        "<<": "text",
    }


def test_merging_something_deeper_that_merges_itself_is_no_double_key() -> None:
    text = "base: &b {x: 1}\np: {q: {r: &a {<<: *b, x: 2}}}\nlast: {<<: *a}\n"
    assert parse_yaml(text) == {"base": {"x": 1}, "p": {"q": {"r": {"x": 2}}}, "last": {"x": 2}}


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("a: &a {x: 1}\nb: &b {<<: *a, x: 2}\nlast: {<<: *b}", {"x": 2}),
        ("a: &a {x: 1}\nb: &b {x: 2, <<: *a}\nlast: {<<: *b}", {"x": 2}),
        ("a: &a {x: 1, y: 1}\nb: &b {<<: *a, x: 2}\nc: &c {<<: *b, y: 3}\nlast: {<<: *c}", {"x": 2, "y": 3}),
        ("a: &a {x: 1}\nb: &b {<<: *a, x: 2}\nlast: {<<: [*a, *b]}", {"x": 1}),
        ("a: &a {x: 1}\nb: &b {<<: *a, x: 2}\nlast: {<<: [*b, *a]}", {"x": 2}),
        ("a: &a {x: 1}\nb: &b {<<: *a, x: 2, z: 0}\nlast: {<<: [*a, *b], x: 3}", {"x": 3, "z": 0}),
        ("a: &a {x: 1}\nb: &b {<<: *a}\nlast: {<<: [*b, {x: 9, y: 8}]}", {"x": 1, "y": 8}),
        ("a: &a {x: 1}\nlast: &b {<<: {<<: {<<: *a, x: 2}, x: 3}}", {"x": 3}),
        ("a: &a {x: 1}\nb: &b {<<: *a, x: 2}\nlast: {<<: *b, <<: *a}", {"x": 1}),
        ("a: &a {x: {p: 1, q: 2}}\nlast: {<<: *a, x: {p: 3}}", {"x": {"p": 3}}),
    ],
)
def test_what_a_merge_means_is_said_here_and_not_by_the_version_of_pyyaml(text: str, last: Any) -> None:
    assert parse_yaml(text)["last"] == last
    assert list(parse_yaml(text)["last"]) == list(last)


def test_a_dict_that_is_merged_twice_is_the_same_both_times() -> None:
    text = "a: &a {x: 1}\nb: &b {<<: *a, x: 2}\nc: {<<: *b}\nd: {<<: [*b], y: 3}\ne: *b\n"
    assert parse_yaml(text) == {"a": {"x": 1}, "b": {"x": 2}, "c": {"x": 2}, "d": {"x": 2, "y": 3}, "e": {"x": 2}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3, column 1: the key 'a' stands twice"),
        ("a: {b: 1, 'b': 2}", "line 1, column 11: the key 'b' stands twice"),
        ("- x: {c: 1}\n- {d: {e: 1, e: 1}}\n", "line 2, column 14: the key 'e' stands twice"),
        ("1: a", "line 1, column 1: a key must be text, got '1'; put it in quotes"),
        ("true: a", "a key must be text"),
        ("~: a", "a key must be text"),
        (": a", "line 1, column 1: "),
        ("? [a]\n: b", "a key must be text, got a list or dict"),
        ("? {a: 1}\n: b", "a key must be text"),
        ("a: *x", "found undefined alias"),
        ("a: [1", "line 1"),
        ("a: b: c", "mapping values are not allowed here"),
        ("--- 1\n--- 2\n", "but found another document"),
        ("a: '\\", "line 1"),
        ('a: "\\ud800"', "line 1, column 4: text holds a lone surrogate"),
        ('"\\udfff": 1', "lone surrogate"),
        ('a: "\\Uffffffff"', "YAML: "),
        ("a: \x00", "special characters are not allowed"),
        ("a: 1e400", "1e400 is beyond the range of a float"),
        ("!!int abc", "this is no integer"),
        ("!!int ''", "this is no integer"),
        ("!!float abc", "this is no number"),
        ("!!bool 1", "this is no truth value"),
        ("!!null x", "this is no null"),
        ("!!int [1]", "this is no integer"),
        ("!!map [1]", "expected a mapping node"),
        ("!!seq {a: 1}", "expected a sequence node"),
        ("!!binary aGVsbG8=", "could not determine a constructor for the tag 'tag:yaml.org,2002:binary'"),
        ("!!timestamp 2020-01-01", "could not determine a constructor"),
        ("!!set {a, b}", "could not determine a constructor"),
        ("!!omap [a: 1]", "could not determine a constructor"),
        ("!own {a: 1}", "could not determine a constructor for the tag '!own'"),
        ("a: {<<: 5}", "line 1, column 9: while constructing a mapping, expected a mapping or list of mappings for m"),
        ("a: {<<: [{b: 1}, 5]}", "column 18: while constructing a mapping, expected a mapping for merging, but found"),
        ("%YAML " + "9" * 5000 + ".1\n--- a", "YAML"),
    ],
)
def test_what_is_refused_names_line_and_reason(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    "tag",
    [
        "python/object/apply:os.system",
        "python/object/new:os.system",
        "python/name:os.system",
        "python/module:os",
    ],
)
def test_python_tags_run_nothing(tag: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    for text in (f"!!{tag} ['touch {canary}']", f"a: !!{tag} [touch {canary}]", f"!!{tag} ''"):
        with pytest.raises(ConfigError, match="could not determine a constructor"):
            parse_yaml(text)
    assert not canary.exists()


def laughs(levels: int, width: int = 10) -> str:
    lines = ["a0: &a0 [lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines)


def merges(levels: int, width: int = 10) -> str:
    lines = ["a0: &a0 {k: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * width)}]}}" for n in range(1, levels)]
    return "\n".join(lines)


def chain(levels: int) -> str:
    return "\n".join(["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, levels)])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(laughs(9), "holds more than 100000 values", id="laughs"),
        pytest.param(laughs(60), "holds more than 100000 values", id="many-laughs"),
        pytest.param(laughs(200, 2), "holds more than 100000 values", id="narrow-laughs"),
        pytest.param(merges(9), "holds more than 100000 values", id="merges"),
        pytest.param(merges(60), "holds more than 100000 values", id="many-merges"),
        pytest.param("&a [*a]", "an alias refers to itself", id="list-of-itself"),
        pytest.param("&a {b: *a}", "an alias refers to itself", id="dict-of-itself"),
        pytest.param("&a {<<: *a}", "an alias refers to itself", id="merge-of-itself"),
        pytest.param("a: &a [&b {c: *a}, *b]", "an alias refers to itself", id="deeper"),
        pytest.param("[" * 100_000, "line 1, column 202: nested deeper than 200 levels", id="brackets"),
        pytest.param("[" * 5000 + "]" * 5000, "nested deeper than 200 levels", id="closed-brackets"),
        pytest.param("{a: " * 5000 + "1" + "}" * 5000, "nested deeper than 200 levels", id="braces"),
        pytest.param("- " * 5000 + "1", "nested deeper than 200 levels", id="dashes"),
        pytest.param(chain(300), "nested deeper than 200 levels", id="chain-of-aliases"),
        pytest.param("[" * 210 + "]" * 210, "nested deeper than 200 levels", id="just-too-deep"),
        pytest.param("9" * 5000, "an integer with too many digits", id="digits"),
        pytest.param("0x" + "f" * 5000, "an integer with too many digits", id="hex-digits"),
        pytest.param("a: -" + "1" * 200_000, "an integer with too many digits", id="very-many-digits"),
        pytest.param("9" * 5000 + ".5", "beyond the range of a float", id="float-digits"),
    ],
)
def test_bombs_are_refused_soon(text: str, message: str) -> None:
    start = time.process_time()
    with pytest.raises(ConfigError, match=message) as caught:
        parse_yaml(text)
    assert time.process_time() - start < SOON
    assert len(str(caught.value)) < 300


def test_nesting_up_to_the_limit_is_read_and_written() -> None:
    value: Any = {"a": 1}
    for _ in range(MAX_DEPTH // 2 - 1):
        value = {"a": [value]}
    assert parse_yaml(write_yaml(value)) == value


def test_a_file(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_bytes("\ufeffa: [ü, 1e-5]\r\n".encode())
    assert read_yaml(file) == read_yaml(str(file)) == {"a": ["ü", 1e-5]}


def test_a_wrong_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("a: 1\na: 2\n")
    with pytest.raises(ConfigError, match=rf"^{file}, line 2, column 1: the key 'a' stands twice$"):
        read_yaml(file)
    file.write_bytes(b"a: \xff\xfe")
    with pytest.raises(ConfigError, match=rf"^{file} is not UTF-8 text: invalid start byte at byte 3$"):
        read_yaml(file)
    with pytest.raises(ConfigError, match=r"missing\.yaml cannot be read: No such file"):
        read_yaml(tmp_path / "missing.yaml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_yaml(tmp_path)
    with pytest.raises(ConfigError, match="cannot be read: embedded null"):
        read_yaml("a\0b")


def test_binary_garbage_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "garbage.yaml"
    random = np.random.default_rng(1)
    for _ in range(50):
        file.write_bytes(b"\x00" + random.bytes(500))
        with pytest.raises(ConfigError, match=r"garbage\.yaml"):
            read_yaml(file)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "large.yaml"
    file.write_text("a" * 2_000_000)
    monkeypatch.setattr("runlib.engine.data.yamlfile.MAX_BYTES", 1 << 20)
    with pytest.raises(ConfigError, match=r"large\.yaml is larger than 1 MiB"):
        read_yaml(file)


def test_written_text_reads_well() -> None:
    config = {
        "search_hyperopt": {
            "space": {
                "x": ["hp_uniform", "x", 0, 1e-5],
                "mode": "no",
                "choice": ["hp_choice", "c", [{"a": 1}, "b"]],
            },
            "empty": [[], {}],
        }
    }
    assert write_yaml(config) == (
        "search_hyperopt:\n"
        "  space:\n"
        "    x: [hp_uniform, x, 0, 1.0e-05]\n"
        "    mode: 'no'\n"
        "    choice:\n"
        "    - hp_choice\n"
        "    - c\n"
        "    - - a: 1\n"
        "      - b\n"
        "  empty:\n"
        "  - []\n"
        "  - {}\n"
    )


def test_what_is_written_means_the_same_to_a_reader_of_yaml_1_1() -> None:
    value = {"a": ["no", "on", "1e-5", "2020-01-01", "12:30", "1_000", "0o7", "~", "<<", "=", "1.5", "0x1f", "017"]}
    value |= {"b": [1e-5, 1e16, 17, None, True, "x"]}
    assert yaml.safe_load(write_yaml(value)) == value


def test_shared_and_foreign_values_are_written_plain() -> None:
    shared = [1, 2]
    assert write_yaml({"a": shared, "b": shared, "c": (np.float32(0.5), np.int64(3))}) == (
        "a: [1, 2]\nb: [1, 2]\nc: [0.5, 3]\n"
    )


def test_what_is_no_data_is_not_written() -> None:
    circle: list[Any] = []
    circle.append(circle)
    for value in ({"a": object()}, {1: 2}, circle):
        with pytest.raises(NotPlain):
            write_yaml(value)
