"""Nothing that a terminal obeys, or that reads otherwise than it is written, is left in text for people."""

from __future__ import annotations

import io
import json
import logging
import shutil
import subprocess
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runlib.engine.data.yamlfile import parse_yaml, write_yaml
from runlib.engine.legible import legible, legible_json, legible_line, logger, shell_word

MARKS = [0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)]
HARM = "".join(map(chr, [*range(32), *range(127, 160), *MARKS]))
TEXTS = st.text(st.one_of(st.characters(exclude_categories=[]), st.sampled_from(HARM + "\ud800\udfffa ")), max_size=40)


def is_safe(text: str, breaks: str = "\n\t") -> bool:
    """Whether a terminal shows this as it is written."""
    kinds = {letter: unicodedata.category(letter) for letter in text if letter not in breaks}
    marks = {0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
    return not any(kind in ("Cc", "Cs", "Zl", "Zp") or ord(letter) in marks for letter, kind in kinds.items())


@given(TEXTS)
def test_whatever_the_text(text: str) -> None:
    assert is_safe(legible(text))
    assert legible(legible(text)) == legible(text)
    assert is_safe(legible_line(text), "")
    legible(text).encode()


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"])))
def test_what_is_harmless_stays(text: str) -> None:
    assert legible(text) == legible_line(text) == text


def test_how_it_is_spelled() -> None:
    assert legible("a\x1b[31mb\x9b\x7f\u202e\u2028\ud800\U000e0041\n\tc") == (
        "a\\x1b[31mb\\x9b\\x7f\\u202e\\u2028\\ud800\\U000e0041\n\tc"
    )
    assert legible_line("a \r\n  b\tc\n\nd") == "a    b c d"
    assert legible("Länge 中文 🦦 \u200d é") == "Länge 中文 🦦 \u200d é"


@settings(max_examples=30)
@given(st.lists(TEXTS.map(lambda text: text.encode("utf-8", "replace").decode()), max_size=5).map(lambda x: [x, [x]]))
def test_json_says_what_it_said(value: object) -> None:
    text = legible_json(json.dumps(value, ensure_ascii=False))
    assert is_safe(text, "")
    assert json.loads(text) == value


@given(TEXTS.map(lambda text: text.encode("utf-8", "replace").decode()))
def test_yaml_is_safe_and_says_what_it_said(text: str) -> None:
    written = write_yaml({text: [text], "a": {"b": text}})
    assert is_safe(written)
    assert parse_yaml(written) == {text: [text], "a": {"b": text}}


@pytest.mark.parametrize(
    "name", ["plain", "with space", "it's", "a\x1b[2Jb", "a\nb", "\u202eabc", "\udcff", "$HOME", "a'\x07\\b", "ü\x9b"]
)
def test_a_word_for_the_shell_is_that_word(name: str) -> None:
    word = shell_word(name)
    assert is_safe(word, "")
    bash = shutil.which("bash")
    assert bash is not None
    done = subprocess.run([bash, "-c", f"printf %s {word}"], capture_output=True, check=True)
    assert done.stdout == name.encode("utf-8", "surrogateescape")


@pytest.mark.parametrize("name", ["runlib", "runlib.pause"])
def test_what_a_logger_says_is_safe_for_every_handler(name: str) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    log = logger(name)
    log.addHandler(handler)
    try:
        log.warning("%s is %r", "a\x1b[31m\nb", 3)
        try:
            raise ValueError("c\x9b\u202e")
        except ValueError:
            log.exception("d\x07")
    finally:
        log.removeHandler(handler)
    assert is_safe(stream.getvalue())
    assert stream.getvalue().startswith("a\\x1b[31m\nb is 3\nd\\x07\nTraceback")
    assert "ValueError: c\\x9b\\u202e" in stream.getvalue()


def test_a_wrong_call_of_a_logger_is_left_to_its_handlers(caplog: pytest.LogCaptureFixture) -> None:
    record = logging.LogRecord("runlib", logging.WARNING, "", 1, "%d", ("x",), None)
    [kept] = [one for one in logger().filters if one.filter(record)]  # type: ignore[union-attr]
    assert (record.msg, record.args) == ("%d", ("x",))
    assert kept is not None
