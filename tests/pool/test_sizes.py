"""Amounts of memory in a config, and in sentences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runlib.errors import ConfigError
from runlib.pool.sizes import describe_bytes, read_bytes


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (1, 1),
        (2**40, 2**40),
        ("2 GiB", 2 * 2**30),
        ("500 MB", 500 * 10**6),
        ("1.5GiB", 3 * 2**29),
        ("  3 kB ", 3000),
        ("3 KB", 3000),
        ("64 mib", 64 * 2**20),
        ("7 B", 7),
        ("0.5 TiB", 2**39),
    ],
)
def test_amounts(text, size):
    assert read_bytes(text, "context.memory_limit") == size


@pytest.mark.parametrize(
    "value",
    [
        0,
        -1,
        True,
        1.5,
        None,
        "",
        "2",
        "2 G",
        "2 Gib.",
        "-2 GiB",
        "0 GiB",
        "0.1 B",
        "1e3 MB",
        "2 GiB 3 MB",
        "nan GB",
        [1],
    ],
)
def test_what_is_no_amount_is_refused_with_its_place(value):
    with pytest.raises(ConfigError, match=r"text such as '2 GiB'") as caught:
        read_bytes(value, "context.memory_limit")
    assert caught.value.path == "context.memory_limit"


@given(st.text(max_size=40))
def test_only_this_error_comes_out_of_any_text(text):
    try:
        assert read_bytes(text, "here") >= 1
    except ConfigError as error:
        assert error.path == "here"  # noqa: PT017


@pytest.mark.parametrize(
    ("size", "text"),
    [(1023, "1023 B"), (1024, "1 KiB"), (3 * 2**29, "1.5 GiB"), (1001 * 2**20, "1001 MiB"), (5000 * 2**40, "5000 TiB")],
)
def test_amounts_in_sentences(size, text):
    assert describe_bytes(size) == text


@given(st.integers(1, 2**50))
def test_what_is_said_is_near_what_is_meant(size):
    assert read_bytes(describe_bytes(size), "here") == pytest.approx(size, rel=0.006)
