"""Runs to audit: whole ones, and what can be done to their tapes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runlib import Run, StopMax
from runlib.tape.codec import RECORD_END
from runlib.tape.events import Event
from runlib.tape.reader import TapeReader
from tests.fakes import DirectPool, SpySearch, quadratic
from tests.tape.tape_tools import write_tape

SEPARATOR = b"\n" + RECORD_END


def finished_run(directory: Path, search: Any = None, count: int = 6, evaluator: Any = quadratic, **more: Any) -> Path:
    """A run of some trials that ended, in ``directory``."""
    run = Run(search or SpySearch(), evaluator, StopMax(count), pool=DirectPool(), **more).prepare(directory)
    return run.run().work_directory


def go_on(folder: Path, count: int = 12) -> Run:
    """The run restored and run further."""
    return Run.restore(folder, evaluator=quadratic, pool=DirectPool(), new_stop=StopMax(count)).run()


def tape_run(folder: Path, events: list[Event], **how: Any) -> bytes:
    """A folder that holds a tape with these events; returns its bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    return write_tape(folder / "tape.son", events, **how)


def set_tape(folder: Path, data: bytes) -> Path:
    """The folder with a tape of these bytes."""
    folder.mkdir(exist_ok=True)
    (folder / "tape.son").write_bytes(data)
    return folder


def pieces(data: bytes) -> list[bytes]:
    """The metadata with the first record, the other records, and nothing behind the last terminator."""
    return data.split(SEPARATOR)


def join(parts: list[bytes]) -> bytes:
    """The tape of these."""
    return SEPARATOR.join(parts)


def flip(data: bytes, place: int, bit: int = 0) -> bytes:
    """The same with one bit changed."""
    return data[:place] + bytes((data[place] ^ (1 << bit),)) + data[place + 1 :]


def smear(data: bytes, n: int) -> bytes:
    """The same with four bytes in the middle of record ``n`` overwritten."""
    line = pieces(data)[n - 1]
    place = data.index(line) + len(line) - 60
    return data[:place] + b"XXXX" + data[place + 4 :]


def events(folder: Path) -> list[Event | None]:
    """Those on the tape of a folder."""
    return [record.event for record in TapeReader(folder / "tape.son")]


def contents(folder: Path) -> dict[str, bytes | None]:
    """Every file in a folder with its bytes, and every folder with None."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}
