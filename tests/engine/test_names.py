"""Names of runs are plain words that every file system takes."""

from __future__ import annotations

import random
from typing import Any

import pytest

from runlib.engine.names import MAX_BYTES, check_name, random_name
from runlib.errors import ConfigError


@pytest.mark.parametrize("name", ["a", "7", "first_try", "v1.2+rc-3", "Größe", "名前", "a" * MAX_BYTES])
def test_a_plain_name_is_taken_as_it_is(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *[
            "",
            ".",
            "..",
            ".hidden",
            "-x",
            "+x",
            "_x",
            "a/b",
            "/a",
            "a\\b",
            "../a",
            "a b",
            " a",
            "a\n",
            "a\0",
            "a:b",
            "a*",
        ],
        *["a\u202eb", "a\u200bb", "e\u0301", "a\udc80", "\U0001f600", 7, None, True, ["a"], b"a"],
    ],
)
def test_anything_else_is_refused_with_its_place(name: Any) -> None:
    with pytest.raises(ConfigError, match="is not a plain name: use letters") as caught:
        check_name(name)
    assert caught.value.path == "name"
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize("name", ["a" * (MAX_BYTES + 1), "ä" * (MAX_BYTES // 2 + 1)])
def test_a_name_that_is_too_long_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"longer than {MAX_BYTES} bytes"):
        check_name(name)


def test_random_names_are_two_words_and_plain() -> None:
    names = {random_name() for _ in range(50)}
    assert len(names) > 40
    for name in names:
        assert check_name(name) == name
        assert name.count("_") >= 1
        assert name.isascii()


def test_a_random_name_is_apart_from_the_random_stream_of_the_user() -> None:
    random.seed(1)
    state = random.getstate()
    first = random_name()
    assert random.getstate() == state
    random.seed(1)
    assert {random_name() for _ in range(10)} != {first}
