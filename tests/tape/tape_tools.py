"""Tapes for tests: made quickly, read back, and damaged on purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from runlib.tape.events import Event, Record, Session, Submit, Suggest
from runlib.tape.reader import TapeReader
from runlib.tape.writer import Sync, TapeWriter, create_tape

METADATA: dict[str, Any] = {"run": {"search": {"search_x": {}}}, "format": "runlib-tape/1", "id": "a1"}


def ticking(start: float = 1_700_000_000.0, step: float = 0.25) -> Callable[[], float]:
    """A clock that goes on by ``step`` at each look."""
    now = start

    def clock() -> float:
        nonlocal now
        now += step
        return now

    return clock


def some_events(count: int) -> list[Event]:
    """A session, then suggestions and results in turn."""
    events: list[Event] = [Session({"host": "h", "pid": 7})]
    for tid in range(count // 2):
        events += [Suggest(tid, {"x": tid / 7}), Submit(tid, {"ok": {"loss": 1 / (tid + 1)}})]
    return events[:count]


def make_tape(path: Path, events: Iterable[Event], *, sync: Sync = "always", commit: bool = True) -> TapeWriter:
    """A new tape with these events, the writer being open; with ``commit`` after each event."""
    writer = TapeWriter(path, create_tape(path, METADATA), sync=sync, clock=ticking())
    for event in events:
        writer.append(event)
        if commit:
            writer.commit()
    return writer


def write_tape(path: Path, events: Iterable[Event], *, sync: Sync = "always", commit: bool = True) -> bytes:
    """The same, closed; returns the bytes of the file."""
    make_tape(path, events, sync=sync, commit=commit).close()
    return path.read_bytes()


def read_all(path: Path) -> tuple[list[Record], TapeReader]:
    """All records of a tape, and the reader at its end."""
    reader = TapeReader(path)
    return list(reader), reader


def reopen(path: Path, *, sync: Sync = "always") -> tuple[TapeWriter, Path | None]:
    """A writer at the end of a tape, which is mended; and where its torn tail is now."""
    _, reader = read_all(path)
    writer = TapeWriter(path, reader.position, sync=sync, clock=ticking(1_800_000_000.0))
    return writer, writer.mend(reader.tail) if reader.tail is not None else None


def line_ends(data: bytes) -> list[int]:
    """Where the lines of metadata and records end, their line feeds not included."""
    lines, at = [], 0
    for line in data.splitlines(keepends=True):
        if line not in (b"===\n", b"---\n"):
            lines.append(at + len(line) - 1)
        at += len(line)
    return lines
