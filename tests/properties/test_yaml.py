"""What is written as YAML is read back without a change, and no text brings out a foreign error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from runlib.engine.data.plain import MAX_INT_BITS, plain
from runlib.engine.data.yamlfile import parse_yaml, read_yaml, write_yaml
from runlib.errors import ConfigError

LARGEST = 2**MAX_INT_BITS // 10
TRICKY = [
    *(
        "no",
        "1e-5",
        "2020-01-01",
        "~",
        "",
        "0o7",
        "1_000",
        " x",
        "x ",
        "a: b",
        "# c",
        "a #b",
        "- x",
        "'",
        '"',
        "\n",
    ),
    *(
        "a\nb",
        "\n a",
        " \n",
        "<<",
        "=",
        "!",
        "&a",
        "*a",
        "%",
        "@",
        "`",
        "---",
        "...",
        "|",
        ">",
        "\x85",
        "\u2028",
    ),
    *(
        "\ufeff",
        "\x00",
        "\x7f",
        "12:30:45",
        "\t",
        "a\tb",
        ".inf",
        "0x1F",
        "True",
        "y",
        "null",
        "\r",
        "a\r\nb",
        "?",
    ),
    *("{", "[", "-", ":", ",", "\U0001f600", "\ue000", "word " * 50, "0777", "1.", "+1", "\\", "ü"),
]
TEXT = st.one_of(
    st.sampled_from(TRICKY),
    st.text(max_size=10),
    st.text(alphabet=" \nab:-#'\"\\,[]{}&*!|>%\t\r\x85\u20281e.", max_size=20),
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.integers(-LARGEST, LARGEST), st.floats(), TEXT)
DATA = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=10,
)
PIECES = [
    *(
        "- ",
        "a: ",
        "&a ",
        "*a ",
        "<<: ",
        "!!int ",
        "!!bool ",
        "!!str ",
        "!!map ",
        "!!seq ",
        "!!set ",
        "!!binary ",
    ),
    *(
        "!!omap ",
        "!!pairs ",
        "!!timestamp ",
        "!!python/object ",
        "!foo ",
        "!<x> ",
        "? ",
        ": ",
        "\n",
        "\n  ",
        "[",
        "]",
    ),
    *(
        "{",
        "}",
        ",",
        "'",
        '"',
        "|",
        "> ",
        "|2-\n",
        "%YAML 1.2\n",
        "%TAG ! x\n",
        "---\n",
        "...\n",
        "1",
        "-",
        "1e400",
    ),
    *(
        "\\ud800",
        "\\x",
        "\\Uffffffff",
        "~",
        "#",
        "%ff",
        "\t",
        "\x00",
        "\ufeff",
        "0x",
        "!!null ",
        "!!float ",
        "<<",
        "=",
    ),
]
SOUP = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=14).map("".join)


@settings(max_examples=300)
@given(DATA)
@example(TRICKY)
@example({text: text for text in TRICKY})
@example([{text: [text]} for text in TRICKY])
def test_written_data_is_read_back(value: Any) -> None:
    assert repr(parse_yaml(write_yaml(value))) == repr(value)


@settings(max_examples=500)
@given(SOUP | st.text())
@example('"\\Uffffffff"')
@example("!!bool x")
@example("!!timestamp x")
def test_any_text_is_plain_data_or_a_config_error(text: str) -> None:
    try:
        got = parse_yaml(text)
    except ConfigError as error:
        told = str(error)
        assert told.startswith("YAML")
    else:
        assert repr(plain(got)) == repr(got)


@given(data=st.binary())
def test_any_bytes_are_plain_data_or_a_config_error(data: bytes, tmp_path_factory: Any) -> None:
    file = Path(tmp_path_factory.getbasetemp()) / "any.yaml"
    file.write_bytes(data)
    try:
        got = read_yaml(file)
    except ConfigError as error:
        told = str(error)
        assert "any.yaml" in told
    else:
        assert repr(plain(got)) == repr(got)
