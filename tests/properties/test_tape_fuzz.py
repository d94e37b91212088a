"""Whatever stands in a tape, what comes out of reading it is records or an error of our own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from runlib import Run
from runlib.engine.data.canonical import dump
from runlib.errors import RunlibError
from runlib.tape import codec
from runlib.tape.events import Record
from runlib.tape.reader import TapeReader
from runlib.tape.tape import Tape

GOLDEN = (Path(__file__).parent.parent / "golden" / "format-1" / "tape.son").read_bytes()
HEAD = {"run": {"search": {}, "evaluator": {}, "stop": {}}, "format": codec.FORMAT}

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8"), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from(["tid", "suggestion", "memo", "result", "of", "reason", "text", "heard", "x"])
outcomes = st.dictionaries(
    st.sampled_from(["loss", "cost", "error", "file", "var", "duration", "x"]), values, max_size=4
)
results = st.dictionaries(st.sampled_from(["ok", "error", "file", "x"]), outcomes | values, max_size=2)
bodies = st.one_of(
    values,
    st.dictionaries(fields, values, max_size=4),
    st.fixed_dictionaries({"tid": st.integers(0, 3) | values, "suggestion": values}),
    st.fixed_dictionaries({"tid": st.integers(0, 3), "result": results}, optional={"of": st.integers(0, 3) | values}),
    st.fixed_dictionaries({"reason": values}, optional={"text": values}),
    st.fixed_dictionaries({"changed": values}, optional={"host": values, "pid": values}),
)
kinds = st.sampled_from(["session", "suggest", "submit", "end", "void", "report", ""])


@contextmanager
def a_tape(data: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tape.son"
        path.write_bytes(data)
        yield path


def read_every_way(data: bytes) -> None:
    """Read a tape by itself, as a thing to look at and as a run."""
    with a_tape(data) as path:
        for read in (lambda: list(TapeReader(path)), lambda: list(Tape(path)), lambda: repr(Run.checkout(path.parent))):
            try:
                found = read()
            except RunlibError:
                continue
            assert isinstance(found, str) or all(isinstance(record, Record) for record in found)


def chained(records: list[dict[str, Any]], head: Any = HEAD) -> bytes:
    """A tape whose hashes are right, whatever stands in it."""
    line, h = codec.encode_line(head, b"")
    data = line + b"\n===\n"
    for record in records:
        line, h = codec.encode_line(record, h)
        data += line + b"\n---\n"
    return data


@given(st.binary(max_size=300))
def test_random_bytes(data: bytes) -> None:
    read_every_way(data)


@given(
    st.lists(
        st.sampled_from([b"===\n", b"---\n", b"{", b"}", b"run:", b'"h": "', b"\n", b"\0"]) | st.binary(max_size=8)
    )
)
def test_bits_of_tapes(parts: list[bytes]) -> None:
    read_every_way(b"".join(parts))


@given(
    st.lists(st.tuples(st.integers(0, len(GOLDEN)), st.integers(0, 50), st.binary(max_size=20)), min_size=1, max_size=4)
)
def test_a_tape_with_parts_replaced(edits: list[tuple[int, int, bytes]]) -> None:
    data = GOLDEN
    for at, dropped, inserted in edits:
        data = data[:at] + inserted + data[at + dropped :]
    read_every_way(data)


@settings(max_examples=300)
@given(st.lists(st.tuples(kinds, bodies, st.sampled_from([{}, {"skip": True}]) | values), max_size=5), st.booleans())
@example([("suggest", {"tid": 0, "suggestion": 1}, {"d": "1"})], True)
@example([("submit", {"tid": [1], "result": {"ok": {}}}, {})], True)
def test_a_tape_whose_hashes_are_right_and_whose_records_are_not(
    parts: list[tuple[str, Any, Any]], numbered: bool
) -> None:
    records = []
    for n, (kind, body, more) in enumerate(parts, 1):
        numbers = {"n": n, "t": 0.5} if numbered else {}
        records.append({kind: body, **numbers, **(more if isinstance(more, dict) else {"d": more})})
    read_every_way(chained(records))


@given(values | st.dictionaries(st.sampled_from(["run", "format", "id"]), values | st.just(codec.FORMAT), max_size=3))
def test_a_tape_with_any_metadata(head: Any) -> None:
    if isinstance(head, dict) and head:
        read_every_way(chained([], head))
    read_every_way(dump(head) + b"\n===\n")
