"""The lines of format 1: their shape, the chain of hashes, and what survives the way there and back."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

import pytest

from runlib.errors import TapeFormat
from runlib.tape import codec
from runlib.tape.events import (
    End,
    Enqueue,
    Event,
    Note,
    Record,
    Retry,
    Session,
    Stopping,
    Submit,
    Suggest,
    Void,
    event_from_data,
)


def there_and_back(event: Event) -> Event | None:
    line, _ = codec.encode(event, 3, 1.5, None, b"0" * 16)
    record, _ = codec.decode(line)
    assert (record.n, record.t) == (3, 1.5)
    return record.event


def test_a_line_is_one_json_object_that_ends_with_its_hash() -> None:
    line, h = codec.encode(Suggest(0, {"x": 0.5}), 1, 2.5, 0, b"")
    assert line[-26:] == b', "h": "' + h + b'"}'
    assert b"\n" not in line
    data = json.loads(line)
    assert list(data) == ["suggest", "n", "t", "d", "h"]
    assert data == {"suggest": {"tid": 0, "suggestion": {"x": 0.5}}, "n": 1, "t": 2.5, "d": 0, "h": h.decode()}


def test_the_hash_is_blake2b_over_the_hash_before_and_the_bytes_before_its_own() -> None:
    first, h1 = codec.encode_line({"a": 1}, b"")
    second, h2 = codec.encode_line({"a": 1}, h1)
    assert h1.decode() == hashlib.blake2b(first[:-26], digest_size=8).hexdigest()
    assert h2.decode() == hashlib.blake2b(h1 + second[:-26], digest_size=8).hexdigest()
    assert first[:-26] == second[:-26]


def test_intact_holds_for_the_right_predecessor_only() -> None:
    line, h = codec.encode_line({"a": 1}, b"0" * 16)
    assert codec.intact(line, b"0" * 16) == h
    assert codec.intact(line, b"1" * 16) is None
    assert codec.intact(line[:-1], b"0" * 16) is None
    assert codec.intact(b"", b"") is None
    assert codec.intact(line.replace(b"1", b"2", 1), b"0" * 16) is None


def test_no_note_is_written_where_nothing_is_promised() -> None:
    with_note, _ = codec.encode(End("stop"), 9, 1.0, 7, b"")
    without, _ = codec.encode(End("stop"), 9, 1.0, None, b"")
    assert (codec.decode(with_note)[1], codec.durable_note(with_note)) == (7, 7)
    assert (codec.decode(without)[1], codec.durable_note(without)) == (None, None)
    assert b'"d"' not in without


@pytest.mark.parametrize(
    "event",
    [
        Session({"host": "a", "pid": 1, "changed": {"stop": {"stop_max": {"count": 3}}}}),
        Suggest(0, {"x": 0.1}),
        Suggest(7, [1, [2, {"y": None}]], memo={"c": 3}),
        Suggest(8, 5),
        Suggest(9, "text", memo=[1, 2]),
        Suggest(10, None),
        Suggest(11, {"x": 1}, None, 4, 17),
        Retry(0, 1, "WorkerLost", {"error": "WorkerLost", "error_text": "gone", "traceback": ""}),
        Void(3),
        Void(3, "a bad disk", "20-1-ab"),
        Enqueue({"x": [1, None]}, "20-1-ab"),
        Enqueue(None),
        Note("odd\n---\n", 3, "20-1-ab"),
        Note("of the run"),
        Stopping("enough", "20-1-ab"),
        Stopping(),
        Submit(0, {"ok": {"loss": 1.25, "duration": 0.5}}),
        Submit(1, {"error": {"error": "ValueError", "error_text": "no\n---\n", "traceback": ""}}),
        Submit(2, {"ok": {"loss": 1.25}}, of=0),
        End("stop", "Counted trials: 1/1."),
        End("closed"),
    ],
)
def test_every_kind_of_event_comes_back(event: Event) -> None:
    assert there_and_back(event) == event


@pytest.mark.parametrize(
    "value",
    [
        "\u2028 \u2029 \x85 \x0b \x0c \x1c",  # what str.splitlines would take for the end of a line
        "\x00\x07\r\n\t---\n===\n",
        "Grüße 漢字 \U0001f600",
        ', "h": "0123456789abcdef"}',
        {"h": "0123456789abcdef"},
        {"$float": "nan"},
        {"$float": "nan", "other": 1},
        {"$": 1, "$$": 2, "$$float": 3, "$int": "12"},
        {"n": 1, "t": 2, "d": 3, "skip": True},
        2**63,
        2**64 - 1,
        2**64,
        -(2**200),
        5e-324,
        0.1 + 0.2,
        1e22,
        "",
        [],
        {},
        {"": {"": []}},
    ],
)
def test_plain_data_comes_back_exactly(value: Any) -> None:
    event = Suggest(0, {"v": value}, memo=[value])
    line, _ = codec.encode(event, 1, 0.0, None, b"")
    assert b"\n" not in line
    back = codec.decode(line)[0].event
    assert back == event
    assert isinstance(back, Suggest)
    assert type(back.suggestion["v"]) is type(value)


def test_non_finite_floats_and_the_sign_of_zero_come_back() -> None:
    back = there_and_back(Submit(0, {"ok": {"loss": 1.0, "v": [math.inf, -math.inf, math.nan, -0.0]}}))
    assert isinstance(back, Submit)
    up, down, none, zero = back.result["ok"]["v"]
    assert (up, down) == (math.inf, -math.inf)
    assert math.isnan(none)
    assert math.copysign(1.0, zero) == -1.0


def test_non_finite_floats_are_strict_json() -> None:
    line, _ = codec.encode(Suggest(0, {"v": math.nan}), 1, 0.0, None, b"")

    def refuse(name: str) -> None:
        raise AssertionError(name)

    assert json.loads(line, parse_constant=refuse)["suggest"]["suggestion"] == {"v": {"$float": "nan"}}


def test_a_record_of_megabytes_comes_back() -> None:
    event = Submit(0, {"ok": {"loss": 1.0, "text": "\u2028ä\n" * 1_000_000}})
    assert there_and_back(event) == event


def test_an_unknown_kind_is_read_over_if_it_says_so() -> None:
    line, _ = codec.encode_line({"future": {"a": 1}, "n": 1, "t": 2.0, "skip": True, "d": 0}, b"")
    assert codec.decode(line) == (Record(1, 2.0, None), 0)


@pytest.mark.parametrize("skip", [{}, {"skip": False}, {"skip": 1}, {"skip": "true"}])
def test_an_unknown_kind_is_refused_otherwise(skip: dict[str, Any]) -> None:
    line, _ = codec.encode_line({"future": {"a": 1}, "n": 1, "t": 2.0, **skip}, b"")
    with pytest.raises(TapeFormat, match=r"'future'.*newer runlib"):
        codec.decode(line)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"{}",
        b'"text"',
        b"7",
        b"{",
        b'{"suggest": {"tid": 0, "suggestion": 1}}',
        b'{"suggest": {"tid": 0}, "n": 1, "t": 1}',
        b'{"suggest": [1], "n": 1, "t": 1}',
        b'{"suggest": {"tid": 0, "suggestion": {"$new": 1}}, "n": 1, "t": 1}',
        b'{"suggest": {"tid": 0, "suggestion": {"$float": "one"}}, "n": 1, "t": 1}',
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_record_is_refused(line: bytes) -> None:
    with pytest.raises(TapeFormat):
        codec.decode(line)


def test_keys_that_are_not_known_are_skipped() -> None:
    line = b'{"suggest": {"tid": 0, "suggestion": 1, "colour": 2}, "n": 1, "t": 1, "place": 3}'
    assert codec.decode(line) == (Record(1, 1, Suggest(0, 1)), None)
    beside = {"ok": {"loss": 1.0}, "later": [1], "slot": 3}
    assert event_from_data("submit", {"tid": 0, "result": beside, "later": 1}) == Submit(0, beside)


def test_a_note_is_read_from_lines_of_kinds_that_are_unknown() -> None:
    line, _ = codec.encode_line({"future": {}, "n": 4, "t": 2.0, "d": 3}, b"")
    assert codec.durable_note(line) == 3
    assert codec.durable_note(b"no json") is None
    assert codec.durable_note(b"[1]") is None


def test_a_line_is_found_in_front_of_what_is_not_its_terminator() -> None:
    line, h = codec.encode_line({"a": ', "h": "0123456789abcdef"}'}, b"")
    assert codec.find_intact(line + b"garbage", b"") == len(line)
    assert codec.find_intact(line, b"") == len(line)
    assert codec.find_intact(line[:-1], b"") is None
    assert codec.find_intact(line, h) is None


def test_a_remark_may_be_left_out_by_a_reader_that_does_not_know_it() -> None:
    line, _ = codec.encode(Note("so"), 1, 1.0, 0, b"")
    assert json.loads(line)["skip"] is True
    other, _ = codec.encode(Void(0), 1, 1.0, 0, b"")
    assert "skip" not in json.loads(other)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("void", {}),
        ("void", {"tid": "3"}),
        ("void", {"tid": True}),
        ("void", {"tid": 3, "reason": None}),
        ("void", {"tid": 3, "key": 5}),
        ("enqueue", {}),
        ("enqueue", {"suggestion": 1, "key": []}),
        ("note", {"tid": 3}),
        ("note", {"text": "x", "tid": 1.0}),
        ("note", {"text": ["x"]}),
        ("stop", {"reason": 1}),
        ("stop", []),
        ("retry", {"tid": 0, "attempt": 1, "rule": "A"}),
        ("retry", {"tid": 0, "attempt": "1", "rule": "A", "error": {}}),
        ("retry", {"tid": 0, "attempt": 1, "rule": None, "error": {}}),
        ("retry", {"tid": 0, "attempt": 1, "rule": "A", "error": "no"}),
        ("suggest", {"tid": 0, "suggestion": 1, "queued": "4"}),
    ],
)
def test_fields_of_edits_and_attempts_are_checked(kind: str, body: Any) -> None:
    with pytest.raises(TapeFormat, match=f"a '{kind}' record has other"):
        event_from_data(kind, body)


@pytest.mark.parametrize("behind", [b"", b"\n", b"\n---\n", b"\x00\x00", b"junk"])
def test_the_line_that_a_text_begins_with(behind: bytes) -> None:
    line, _ = codec.encode(Note(', "h": "0123456789abcdef"}'), 1, 1.0, 0, b"")
    assert codec.line_of(line + behind) == line
