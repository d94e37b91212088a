"""Checks whether a run is whole: its chain, its records, and the files beside its tape. It opens no file for writing.

The verdict depends only on what a run needs: the tape and the large results. Derived files only cause warnings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from runlib.audit.beside import LengthHints, check_best, check_large
from runlib.audit.mending import Mender
from runlib.audit.report import Finding, Level, Report, Verdict
from runlib.audit.scan import Scan, missing, read_head, scan
from runlib.audit.sequence import Sequence
from runlib.engine.code.trust import Trust
from runlib.errors import NotARun, ReplayMismatch, TapeCorrupt, TapeFormat
from runlib.run.continuation.source import Source
from runlib.run.folder.folder import RunFolder
from runlib.run.folder.opening import first_session, load_plugins, make_state
from runlib.run.folder.returned import files_of
from runlib.run.parts import make_search
from runlib.search.base import Search
from runlib.state.state import State
from runlib.tape import codec
from runlib.tape.events import End, Record, Submit
from runlib.tape.reader import TapeReader

__all__ = ["verify"]

_FORMAT = re.compile(r"runlib-tape/\d+")


def verify(folder: str | Path, replay: bool = False, *, plugins: bool = True, trust: bool = False) -> Report:
    """Checks a run, and only reads.

    Args:
        folder: The folder of the run. The run may be running, and the folder may lie on a read-only disk.
        replay: Whether the search is asked again for every suggestion, and the answers are compared. This needs the
            plugins of the search. A change of stop, workers or sessions does not matter: a suggestion depends on the
            tape alone.
        plugins: Whether the code that the tape names is imported for ``replay``.
        trust: Whether the code is imported even if it, or the tape, belongs to another user of this machine.

    Raises:
        ConfigError: With ``replay``, the search cannot be made.
        NotTrusted: The search needs code that belongs to another user, or that a tape of another user names.
    """
    try:
        found = RunFolder.find(folder)
        hints = LengthHints(found.path)
        return _Audit(found, hints, Trust(found.tape, plugins, trust)).report(replay)
    except NotARun as error:
        return Report(Path(folder), "not a run", (Finding("error", None, None, str(error)),))


class _Audit:
    def __init__(self, folder: RunFolder, hints: LengthHints, trust: Trust) -> None:
        self._folder = folder
        self._trust = trust
        self._hints = hints
        self._findings: list[Finding] = []
        self._state = State(path=folder.tape)
        self._files = self._asked = 0
        self._reached = 0  # the number of records including those behind a damaged place
        self._last: Record | None = None

    def report(self, replay: bool) -> Report:
        """Reads everything once, and returns the report."""
        verdict: Verdict = "intact"
        try:
            reader = TapeReader(self._folder.tape)
            self._read(reader, replay)
            verdict = self._tail(reader)
        except TapeFormat as error:
            if error.n is None and not self._is_damaged():
                return Report(self._folder.path, "not a run", (Finding("error", 0, 0, str(error)),))
            self._look_closer(error)
        except TapeCorrupt as error:
            self._look_closer(error)
        self._beside()
        damaged = any(found.level == "error" for found in self._findings)
        return Report(self._folder.path, "damaged" if damaged else verdict, tuple(self._findings), self._counts())

    def _look_closer(self, error: TapeCorrupt | TapeFormat) -> None:
        self._add("error", error.n or 0, error.offset or 0, str(error))
        found = scan(self._folder.tape.read_bytes(), mending=False)
        self._reached = found.reached
        self._findings += _damages(found)

    def _is_damaged(self) -> bool:
        """Returns whether a tape with unusable metadata was one of runlib, and not of another format."""
        data = self._folder.tape.read_bytes()
        head, _, _ = read_head(data, Mender())
        if head.head == "mended":
            return True
        format_ = head.metadata.get("format") if head.metadata is not None else None
        if isinstance(format_, str) and _FORMAT.fullmatch(format_):
            return format_ in codec.FORMATS  # a newer format may be whole by its own rules
        return bool(scan(data, mending=False).lines) or any(self._hints.check(0))

    def _read(self, reader: TapeReader, replay: bool) -> None:
        search = _make_search(self._folder, reader, self._trust) if replay else None
        state = self._state = make_state(reader.metadata, self._folder.tape, search)
        sequence = Sequence(state)
        offset = reader.position.offset
        for record in reader:
            self._check(sequence, record, offset)
            offset, self._last = reader.position.offset, record
        self._asked = sequence.asked

    def _check(self, sequence: Sequence, record: Record, offset: int) -> None:
        try:
            fault = sequence.take(record)
        except ReplayMismatch as error:
            self._add("error", record.n, offset, f"{error}; from here on nothing was asked again")
            self._state.feed.search = None
            fault = sequence.take(record)
        if fault is not None:
            self._add("error", record.n, offset, f"record {record.n} {fault}")
        elif isinstance(record.event, Submit):
            self._files += ("file" in record.event.result) + sum(1 for _ in files_of(record.event.result))
            large = check_large(record.event.result, record.n, self._folder)
            self._findings += [large] if large is not None else []

    def _tail(self, reader: TapeReader) -> Verdict:
        tail, n = reader.tail, reader.position.n
        if tail is None:
            return "intact"
        if tail.torn:
            said = f"{len(tail.torn)} bytes after record {n} are the beginning of what was being written"
            self._add("note", n + 1, tail.keep, f"{said}; a restore puts them aside")
        if tail.missing:
            self._add("note", n, tail.keep, f"the end of the line of record {n} is cut off; a restore completes it")
        return "torn"

    def _beside(self) -> None:
        state = self._state
        self._findings += [*self._hints.check(max(state.n, self._reached)), *self._hints.notes]
        if self._last is not None and isinstance(self._last.event, End):
            self._findings += check_best(state, self._folder)

    def _add(self, level: Level, n: int | None, offset: int | None, text: str) -> None:
        self._findings.append(Finding(level, n, offset, text))

    def _counts(self) -> dict[str, int]:
        state = self._state
        return {
            "records": state.n,
            "sessions": state.sessions,
            "trials": len(state.trials),
            "ok": state.trials.ok_count,
            "failed": state.trials.error_count,
            "live": len(state.live_trials),
            "void": len(state.voided),
            "evaluations": len(state.evals),
            "files": self._files,
            "replayed": self._asked,
        }


def _make_search(folder: RunFolder, reader: TapeReader, trust: Trust) -> Search:
    noted, source = first_session(folder), Source(folder, reader.metadata, trust=trust)
    source.learn(noted, 1)
    with source.standing_in():
        load_plugins(noted)
        return make_search(reader.metadata["run"]["search"], None)


def _damages(found: Scan) -> Iterator[Finding]:
    """Yields the findings of a closer look at a damaged tape."""
    for damage in found.damages:
        yield Finding("error", damage.n, damage.offset, found.describe(damage))
    for numbers in found.missing:
        yield Finding("error", numbers[0], None, missing(numbers))
    for line in found.doubled:
        yield Finding("error", line.n, line.offset, f"record {line.n} stands there once more, at byte {line.offset}")
    for line in found.moved:
        yield Finding("error", line.n, line.offset, f"record {line.n} was moved, to byte {line.offset}")
    for line in found.strays:
        text = f"there is another record {line.n}, at byte {line.offset}: two processes wrote at once"
        yield Finding("error", line.n, line.offset, text)
    last = max((line.n for line in found.lines), default=0)
    yield Finding(
        "note", None, None, f"{len(found.lines)} records are intact, the last one is {last}; runlib repair saves them"
    )
