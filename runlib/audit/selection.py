"""Decides which intact records keep their meaning without the lost ones, and what they become on a new tape.

Trials are numbered again, because a search counts them 0, 1, 2, ...: a trial that lost its suggestion is dropped with
all its records, and the later ones move up. A trial that lost only its result is live again. Nothing else is changed:
results, suggestions, times and order stay as they were.
"""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass, field
from typing import Any

from runlib.audit.beside import check_large
from runlib.audit.report import Finding, Level
from runlib.audit.scan import Line, Scan, missing
from runlib.audit.sequence import Sequence
from runlib.errors import TapeFormat
from runlib.run.folder.folder import RunFolder
from runlib.run.folder.large import is_apart
from runlib.run.folder.returned import files_of
from runlib.state.state import State
from runlib.tape.codec import decode
from runlib.tape.events import Record, Submit, event_from_data

__all__ = ["Selection", "select"]

MOST_LOST = 1_000_000  # a tid that would mean more lost trials than this is taken for wrong
_KIND = re.compile(rb'\{"([a-z_]+)":\{(?:"tid":(\d{1,18})[,}])?')
_NO_SUGGESTION = frozenset({"session", "end", "note", "report", "retry", "stop"})  # no suggestion depends on these


@dataclass
class Selection:
    """Holds what goes on the new tape.

    Attributes:
        folder: The old folder.
        records: The contents of the new lines, without number and hash.
        files: The entries of large results on the old tape, by the new names of their files.
        tids: The new number by the old number of each trial that is kept.
        dropped: The findings about records that are not kept.
        notes: Other facts that the user should know.
        lost_trials: The old numbers of trials that are lost.
        reopened: The old numbers of trials that are live again.
        exact: Whether the next suggestion is the one that the old run would have made.
        numbers: The new number by the old number of each record that is kept.
        untraced: The number of missing records beyond the findings, because one finding covers several in a row.
    """

    folder: RunFolder
    records: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    tids: dict[int, int] = field(default_factory=dict)
    dropped: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lost_trials: set[int] = field(default_factory=set)
    reopened: tuple[int, ...] = ()
    exact: bool = True
    numbers: dict[int, int] = field(default_factory=dict)
    untraced: int = 0


def select(found: Scan, folder: RunFolder, data: bytes) -> Selection:
    """Chooses the records to keep.

    Args:
        found: The lines of the old tape.
        folder: The folder of the old run.
        data: The bytes of the old tape.

    Raises:
        TapeFormat: A record is of a kind that this version does not know.
    """
    selector = _Selector(Selection(folder))
    lost = selector.damages(found, data)
    for line in found.lines:
        selector.take(line)
    selector.strays(found)
    selector.close(lost)
    return selector.chosen


class _Selector:
    def __init__(self, chosen: Selection) -> None:
        self.chosen = chosen
        self._sequence = Sequence(State(path=chosen.folder.tape))
        self._next = 0  # old tid of the next suggestion, if none is lost
        self._suggested: dict[int, int] = {}  # old tid -> old number of the record
        self._owners: dict[int, int] = {}  # old tid of an evaluation that is lost -> new tid that replaces it
        self._names: dict[str, str] = {}
        self._lost: list[int] = []  # old tids of trials that are lost, in order
        self._meaningless: set[int] = set()
        self._maybe_lost: set[int] = set()

    # -- lost records -----------------------------------------------------------------------------

    def damages(self, found: Scan, data: bytes) -> set[int]:
        """Notes what is lost, and returns the numbers of the records on which suggestions may depend.

        Of a range of missing records, it returns the first and the last number.
        """
        whole = found.numbers
        lost = {end for numbers in found.missing for end in (numbers[0], numbers[-1])}  # close() needs only the ends
        for damage in found.damages:
            kind, tid = _guess(data[damage.offset : damage.end])
            if damage.n is None or damage.n in whole:
                self._drop(damage.n, damage.offset, f"{found.describe(damage)}; nothing is lost", "note")
                continue
            what = f" (its kind was {kind}{f', its trial {tid}' if tid else ''})" if kind else ""
            self._drop(damage.n, damage.offset, found.describe(damage) + what)
            if kind == "suggest" and tid:
                self._maybe_lost.add(int(tid))
            if kind not in _NO_SUGGESTION:
                lost.add(damage.n)
            if kind in ("", "session"):
                self.chosen.notes.append(f"if record {damage.n} changed stop or time limit, the change is lost")
        for numbers in found.missing:
            self._drop(numbers[0], None, missing(numbers))
            self.chosen.untraced += len(numbers) - 1
        for line in found.doubled:
            self._drop(line.n, line.offset, f"record {line.n} stood there once more; nothing is lost", "note")
        if found.moved:
            moved = ", ".join(str(line.n) for line in found.moved[:20])
            self.chosen.notes.append(f"records stood out of order and are in order again: {moved}")
        return lost

    def _drop(self, n: int | None, offset: int | None, text: str, level: Level = "error") -> None:
        self.chosen.dropped.append(Finding(level, n, offset, text))

    # -- kept records -----------------------------------------------------------------------------

    def take(self, line: Line) -> None:
        """Keeps a record, or notes why it is dropped."""
        record = self._read(line)
        if record is None:
            return
        data = line.data
        kind = next(iter(data))
        body = data[kind]
        if kind == "suggest" and body["tid"] - self._next + len(self._lost) > MOST_LOST:
            self._meaningless.add(line.n)
            self._drop(line.n, line.offset, f"record {line.n} is intact but its trial, {body['tid']}, cannot be")
            return
        if isinstance(body, dict) and kind != "session" and isinstance(body.get("tid"), int):
            body = self._renumbered(kind, body, line.n)
        if kind == "suggest" and body is not None and body.get("queued") is not None:
            body = {**body, "queued": self._wanted(body, record)}
        fault = "speaks of a trial whose suggestion is lost" if body is None else None
        if fault is None:
            event = None if record.event is None else event_from_data(kind, body)
            fault = self._sequence.take(Record(len(self.chosen.records) + 1, record.t, event))
        if fault is not None:
            self._meaningless.add(line.n)
            self._drop(line.n, line.offset, f"record {line.n} is intact but {fault}")
            return
        rest = {key: value for key, value in data.items() if key not in (kind, "n", "d", "h")}
        if kind == "suggest":
            self.chosen.tids[data[kind]["tid"]] = body["tid"]
            self._suggested[data[kind]["tid"]] = line.n
        self.chosen.records.append({kind: body, **rest})
        self.chosen.numbers[line.n] = len(self.chosen.records)

    def _wanted(self, body: dict[str, Any], record: Record) -> int:
        """Returns the new number of the record that enqueued a suggestion.

        If that record is lost, it is made again from the suggestion.
        """
        queued: int = body["queued"]
        if queued not in self.chosen.numbers:
            enqueue = {"suggestion": body["suggestion"]}
            n = len(self.chosen.records) + 1
            self._sequence.take(Record(n, record.t, event_from_data("enqueue", enqueue)))
            self.chosen.records.append({"enqueue": enqueue, "t": record.t})
            self.chosen.numbers[queued] = n
            self.chosen.notes.append(f"record {queued}, which is lost, is made anew from what came of it")
        return self.chosen.numbers[queued]

    def _read(self, line: Line) -> Record | None:
        """Returns the record of a line. Notes the fault and returns None if the record lacks the form of its kind."""
        tape = self.chosen.folder.tape
        try:
            return decode(line.text)[0]
        except TapeFormat as error:
            if not _is_malformed(line):
                raise TapeFormat(
                    f"{tape}, record {line.n}: {error}", path=tape, n=line.n, offset=line.offset
                ) from error
            self._meaningless.add(line.n)
            self._drop(line.n, line.offset, f"record {line.n} has the hash of its bytes, but {error}")
            return None

    def _renumbered(self, kind: str, body: dict[str, Any], n: int) -> dict[str, Any] | None:
        """Returns the record with the new number of its trial, or None if the trial is lost."""
        tid, tids = body["tid"], self.chosen.tids
        if kind == "suggest":
            self._lose(range(self._next, tid))
            self._next = max(self._next, tid + 1)
            return self._suggest(body)
        if tid not in tids:
            self._lose(range(tid, tid + 1))
            return None
        body = {**body, "tid": tids[tid]}
        return self._submit(body, n) if kind == "submit" else body

    def _lose(self, tids: range) -> None:
        for tid in tids:
            if tid not in self.chosen.lost_trials:
                self.chosen.lost_trials.add(tid)
                bisect.insort(self._lost, tid)

    def _suggest(self, body: dict[str, Any]) -> dict[str, Any]:
        tid, state = body["tid"], self._sequence.state
        new = self.chosen.tids.get(tid, state.next_tid)
        if body.get("heard") is not None:
            # The results that are lost no longer count as known.
            known = body["heard"] - bisect.bisect_left(self._lost, body["heard"])
            body = {**body, "heard": min(known, self._sequence.finished_in_a_row)}
        return {**body, "tid": new}

    def _submit(self, body: dict[str, Any], n: int) -> dict[str, Any]:
        result, of = body.get("result"), body.get("of")
        if isinstance(result, dict) and ("file" in result or "files" in result):
            body["result"] = self._with_file(result, body["tid"], n)
        if of is None:
            return body
        owner = self._owners.get(of, self.chosen.tids.get(of))
        if owner in self._sequence.state.trials:
            return {**body, "of": owner}
        self._owners[of] = body["tid"]  # the record holds the full result, so it can replace the lost one
        return {key: value for key, value in body.items() if key != "of"}

    def _with_file(self, result: dict[str, Any], tid: int, n: int) -> dict[str, Any]:
        fault = check_large(result, n, self.chosen.folder)
        if fault is not None:
            self.chosen.notes.append(f"{fault.text}; what its record says of it is kept")
            return {key: value for key, value in result.items() if key not in ("file", "files")}
        moved = dict(result)
        if is_apart(result):
            moved["file"] = self._moved(result["file"], f"trials/{tid}/result.json")
        if "files" in result:
            files = [(entry, entry["name"].rpartition("/")[2]) for entry in files_of(result)]
            moved["files"] = [self._moved(entry, f"trials/{tid}/{name}") for entry, name in files]
        return moved

    def _moved(self, entry: dict[str, Any], name: str) -> dict[str, Any]:
        """Returns the entry of a file in the folder of its trial, which may have another number now."""
        new = self._names.setdefault(entry["name"], name)
        self.chosen.files[new] = entry
        return {**entry, "name": new}

    def strays(self, found: Scan) -> None:
        """Keeps the results of a second writer for trials that both writers knew.

        Its suggestions are dropped, because they do not belong to this tape.
        """
        first = min((line.n for line in found.strays), default=0)
        for line in found.strays:
            record = self._read(line)
            if record is None:
                continue
            tid = record.event.tid if isinstance(record.event, Submit) else None
            if tid is not None and tid in self._suggested and self._suggested[tid] < first and self._is_live(tid):
                self.take(line)
                self.chosen.notes.append(f"the result of trial {tid} comes from a second writer")
            else:
                self._drop(line.n, line.offset, f"record {line.n} of a second writer does not fit the others")
        self.chosen.exact = not found.strays

    def _is_live(self, tid: int) -> bool:
        return self.chosen.tids[tid] in self._sequence.state.live_trials

    def close(self, lost: set[int]) -> None:
        """Determines what the losses mean for a restore."""
        chosen, lost = self.chosen, lost | self._meaningless
        last_suggested, last_lost = max(self._suggested.values(), default=0), max(lost, default=0)
        chosen.exact = chosen.exact and not (lost and min(lost) < last_suggested)
        open_ = (tid for tid, n in self._suggested.items() if n < last_lost and self._is_live(tid))
        chosen.reopened = tuple(open_)
        chosen.lost_trials |= self._maybe_lost - chosen.tids.keys()


def _is_malformed(line: Line) -> bool:
    """Returns whether a line that is no record is of a known kind, and not of a kind of a newer version."""
    try:
        kind, body = next(iter(line.data.items()))
        return event_from_data(kind, body) is not None
    except (TapeFormat, ValueError, AttributeError, StopIteration):
        return True


def _guess(text: bytes) -> tuple[str, str]:
    """Returns the kind and the trial of a damaged record as far as they can be read, or empty texts."""
    match = _KIND.match(text)
    return (match[1].decode(), (match[2] or b"").decode()) if match else ("", "")
