"""Runs to audit: whole ones, and what can be done to their tapes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runlib import Run, StopMax
from runlib.pool.base import Finished, Task
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


class FlakyPool(DirectPool):
    """The evaluations that its plan names fail at first."""

    kind = "pool_flaky"

    def __init__(self, plan: tuple[int, ...] = (), context: Any = None) -> None:
        super().__init__(context=context)
        self.plan, self.count = plan, 0

    def _evaluate(self, task: Task) -> Finished:
        self.count += 1
        if self.count in self.plan:
            return Finished(task.tid, {"error": {"error": "Flaky", "error_text": "", "traceback": ""}}, ("Flaky",))
        return super()._evaluate(task)


def edited_run(directory: Path) -> Path:
    """A run with edits of every kind and failed attempts at trials 0 (one) and 1 (two)."""
    pool = FlakyPool((1, 3, 4))
    run = Run(SpySearch(), quadratic, StopMax(5), retries={"Flaky": 2}, pool=pool).prepare(directory)
    run.enqueue({"x": 0.4})
    run.run()
    run.void(2, "bad")
    run.annotate(0, "good")
    run.annotate(None, "on a Monday")
    run.enqueue({"x": 0.5})
    run.void(next(iter(run.state.live_trials)))
    return run.run().work_directory


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
