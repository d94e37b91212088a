"""Writes a tape: the file only grows, by single writes of whole records.

The only exception is a torn tail, which is copied to another file and synced before it is cut off. The context sets
``sync``: ``always`` (each ``commit`` makes everything before it durable, and each record says which number was durable
when it was written), ``interval`` (a power loss costs at most a second) or ``never``. With all three, the records
survive the death of the process.

Each ``commit`` checks that the open file is still the one with the name of the tape. If an editor or a sync tool put
another file in its place, or somebody deleted it, the content is saved beside it and the writing ends (``salvage.py``).

The writer can wait for room on a full disk. The written part of a record stays, and the rest of the same record
follows. After any other failure of the disk, or any failed sync, the writer writes nothing more.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from runlib.engine import disk
from runlib.engine.directory import Directory
from runlib.errors import LockStolen, TapeError, TapeFormat, TapeReplaced
from runlib.tape import codec
from runlib.tape.codec import LONGEST, METADATA_END, RECORD_END
from runlib.tape.events import Event, Record, Submit, Suggest
from runlib.tape.reader import Position, Tail
from runlib.tape.salvage import salvage
from runlib.tape.schema import check

__all__ = ["Sync", "TapeWriter", "create_tape", "listed"]

Sync = Literal["always", "interval", "never"]
INTERVAL = 1.0  # seconds between two syncs
NAMED = 20  # trials that a message lists
T = TypeVar("T")


def create_tape(
    path: Path, metadata: dict[str, Any], *first: Event, sync: Sync = "always", clock: Callable[[], float] = time.time
) -> Position:
    """Creates a new tape and makes it durable.

    Args:
        path: The path of the file.
        metadata: The first line.
        first: The events with which the tape begins.
        sync: The same setting that its writer will have.
        clock: The wall clock, in seconds since 1970.

    Raises:
        FileExistsError: The file already exists.
        TapeFormat: A reader would refuse the metadata or an event, by the schema of the tape or for its length.
    """
    line, h = codec.encode_line(metadata, b"")
    fault = check("metadata")(metadata)
    if fault is not None or len(line) >= LONGEST:
        raise TapeFormat(f"{path} cannot begin: {fault or 'the config of the run is too long for a line'}", path=path)
    data = line + b"\n" + METADATA_END
    for n, event in enumerate(first, 1):
        line, h = codec.encode(event, n, round(clock(), 6), 0 if sync == "always" else None, h)
        _readable(line)
        data += line + b"\n" + RECORD_END
    disk.create_file(path, data)
    return Position(len(first), len(data), h, len(first), sync == "always")


class TapeWriter:
    """Appends records to a tape; its user must hold the lock of the folder.

    Args:
        path: The path of the tape.
        position: The end of its whole records, as the reader found it.
        sync: The rule that says when appended records are made durable.
        clock: The wall clock, in seconds since 1970.
        guard: A function that is called before each append and each commit, and before a torn tail is cut off. An error
            that it raises (``LockStolen``) ends the writing.
        directory: The folder of the tape, if it is already open.

    Attributes:
        directory: The folder of the tape.
        full: A function that is called when the disk has no room for the rest of a record. When it returns, the rest is
            tried again. An error that it raises ends the writing. None means that the writer does not wait.
    """

    def __init__(
        self,
        path: Path,
        position: Position,
        *,
        sync: Sync = "always",
        clock: Callable[[], float] = time.time,
        guard: Callable[[], None] | None = None,
        directory: Directory | None = None,
    ) -> None:
        self.path = path
        self.directory = Directory(path.parent) if directory is None else directory
        self._guard = guard
        self.full: Callable[[OSError], None] | None = None
        self._sync = sync
        self._clock = clock
        self._n, self._offset, self._h = position.n, position.offset, position.h
        # It is not known what an earlier writer synced last, unless it synced everything. The first commit covers it.
        self._durable = position.n if position.durable == position.n else 0
        self._committed_at = clock()
        self._not_durable: list[tuple[str, int | None]] = []  # kind and trial of the records since the last sync
        self._broken: str | None = None
        self._stolen: LockStolen | None = None
        self._replaced: TapeReplaced | None = None
        self._file = self.directory.open_to_append(path.name)
        opened = self._file.stat()
        self._identity = opened.st_dev, opened.st_ino

    @property
    def position(self) -> Position:
        """Returns the end of the appended records."""
        return Position(self._n, self._offset, self._h, self._durable, self._sync == "always")

    @property
    def is_well(self) -> bool:
        """Returns whether the tape can be appended to."""
        return self._broken is None

    def mend(self, tail: Tail) -> Path | None:
        """Moves a torn tail to another file and terminates the last record; returns the path of that file, if any.

        Raises:
            TapeError: The disk failed; nothing of the tail is lost.
        """
        return self._guarded(lambda: self._mend(tail), lambda: "its torn end could not be mended")

    def _mend(self, tail: Tail) -> Path | None:
        self._make_sure(tail.keep + len(tail.torn))
        aside = None
        if tail.torn:
            aside = self._put_aside(tail.torn)
            self._file.cut(tail.keep)
        if tail.missing:
            self._file.append(tail.missing)
        self._file.sync()
        return aside

    def _put_aside(self, torn: bytes) -> Path:
        k = 1
        while True:
            name = f"{self.path.name}.torn-{k}"
            try:
                self.directory.create(name, torn)
            except FileExistsError:
                k += 1
            else:
                return self.path.with_name(name)

    def append(self, event: Event) -> Record:
        """Writes one event, and returns its record as a reader of the line sees it.

        Raises:
            LockStolen: Another process took over the run; nothing was written.
            TapeError: The disk failed, now or before, and the written part of the record is a torn tail. Or somebody
                else wrote to the tape, and this call wrote nothing.
            TapeFormat: A reader would refuse the record, by the schema of the tape; nothing was written.
            TypeError: The event holds something that is no plain data; nothing was written.
        """
        self._refuse_broken()
        n, t = self._n + 1, round(self._clock(), 6)
        line, h = codec.encode(event, n, t, self._durable if self._sync == "always" else None, self._h)
        data = line + b"\n" + RECORD_END
        record = _readable(line)
        new = (event.kind, getattr(event, "tid", None))
        self._guarded(lambda: self._write(data), lambda: f"record {n}, {_named([new])}, could not be appended")
        self._n, self._offset, self._h = n, self._offset + len(data), h
        if self._sync != "never":
            self._not_durable.append(new)
        return record

    def _write(self, data: bytes) -> None:
        """Appends a record in one write, unless the writer has to wait for room in the middle of it."""
        rest = memoryview(data)
        while len(rest):
            self._make_sure(self._offset + len(data) - len(rest))
            try:
                self._file.append(rest)
                return
            except disk.DiskFull as error:
                if self.full is None:
                    raise
                rest = rest[error.taken :]
                # Nothing may ever follow half a record, whatever ends the waiting, even an interrupt from outside.
                self._broken = f"{error.strerror}, record {self._n + 1} could not be appended"
                self.full(error)
                self._broken = None

    def commit(self) -> None:
        """Makes the appended records as durable as the context asks; they may be shown only when this returns.

        Raises:
            LockStolen: Another process took over the run.
            TapeReplaced: The tape was deleted, or another file took its name; the written records are saved.
            TapeError: The disk failed, now or before; a failed sync is never tried again. Or somebody else wrote to the
                tape.
        """
        self.check()
        self._force()

    def check(self) -> None:
        """Raises an error unless this process still owns the run, and its open file is still the tape.

        Raises:
            LockStolen: Another process took over the run.
            TapeReplaced: The tape was deleted, or another file took its name; the written records are saved.
            TapeError: Somebody else wrote to the tape, or an earlier error ended the writing.
        """
        if not self.check_owner():
            raise self._rescue()

    def check_owner(self) -> bool:
        """Raises an error unless this process still owns the run; called before another file in the folder is replaced.

        Returns:
            Whether the open file still has the name of the tape. If not, the next commit ends the writing, and records
                that are appended before are saved with the rest.

        Raises:
            LockStolen: Another process took over the run.
            TapeError: Somebody else wrote to the tape, or an earlier error ended the writing.
        """
        self._refuse_broken()
        return self._guarded(lambda: self._make_sure(self._offset), lambda: "it cannot be seen who writes it")

    def _force(self) -> None:
        if self._sync == "never" or self._durable == self._n:
            return
        now = self._clock()
        if self._sync == "interval" and 0 <= now - self._committed_at < INTERVAL:
            return
        self._committed_at = now
        self._guarded(self._file.sync, self._doubt)
        self._durable = self._n
        self._not_durable.clear()

    def _doubt(self) -> str:
        """Returns ``records 41 to 43 may not be durable: the result of trial 12, suggestions 13 and 14``."""
        first = self._n - len(self._not_durable) + 1
        records = f"record {first}" if first == self._n else f"records {first} to {self._n}"
        return f"{records} may not be durable: {_named(self._not_durable)}"

    def _make_sure(self, size: int) -> bool:
        """Ends the writing if another process has the lock, or if the file is not as large as this writer made it.

        Returns:
            Whether the file still has its name. If not, no other process writes to it. Records before the next commit
                go into it and are saved with the rest.
        """
        try:
            if self._guard is not None:
                self._guard()
            found, bears_name = self._look()
            if found.st_size != size:
                raise TapeError(
                    f"{self.path} has {found.st_size} bytes where {size} were expected, so another process wrote to "
                    "it: this one stops; look at it with runlib verify, then restore the run",
                    path=self.path,
                    n=self._n,
                )
        except TapeError as error:
            self._broken = str(error)
            self._stolen = error if isinstance(error, LockStolen) else None
            raise
        return bears_name

    def _look(self) -> tuple[os.stat_result, bool]:
        """Returns the status of the open file, and whether it still has its name; this is one system call if it has."""
        with contextlib.suppress(FileNotFoundError):
            named = self.directory.stat(self.path.name)
            if (named.st_dev, named.st_ino) == self._identity or os.path.samestat(named, self._file.stat()):
                return named, True
        return self._file.stat(), False

    def _rescue(self) -> TapeReplaced:
        """Saves the content of the open file, and returns the error that reports this."""
        self._replaced = error = salvage(self._file, self.directory, self._n, lambda: self.full)
        self._broken = str(error)
        return error

    def _refuse_broken(self) -> None:
        if self._stolen is not None:
            raise self._stolen
        if self._replaced is not None:
            raise self._replaced
        if self._broken is not None:
            raise TapeError(f"{self.path} is no longer written: {self._broken}", path=self.path, n=self._n)

    def _guarded(self, action: Callable[[], T], consequence: Callable[[], str]) -> T:
        try:
            return action()
        except OSError as error:
            reason, what = error.strerror or str(error), consequence()
            self._broken = f"{reason}, {what}"
            raise TapeError(
                f"{self.path}: {reason}: {what}; restore the run once the disk is well again",
                path=self.path,
                n=self._n,
            ) from error

    def close(self) -> None:
        """Makes the appended records durable, unless the context says never, and closes the file.

        Raises:
            TapeReplaced: The tape was deleted, or another file took its name, and this was not reported before. Or the
                file that was saved then is gone.
            TapeError: The disk failed.
        """
        try:
            if self._broken is None and self._sync == "interval":
                self._committed_at = -INTERVAL
            if self._broken is None:
                self._force()
            self._look_once_more()
        finally:
            self._file.close()

    def _look_once_more(self) -> None:
        if self._file.is_closed or self._look()[1]:
            return
        saved = None if self._replaced is None else self._replaced.saved
        if (saved is None or not saved.exists()) and self._is_mine():  # It may be gone with the whole folder.
            raise self._rescue()

    def _is_mine(self) -> bool:
        """Returns whether no other writer took over the run; another writer may replace the tape."""
        with contextlib.suppress(LockStolen, ValueError):
            if self._guard is not None:
                self._guard()
            return self._stolen is None
        return False


def _readable(line: bytes) -> Record:
    """Returns the record as a reader of its line sees it; raises an error if no reader could read it.

    A record that cannot be read again would make the run unusable.
    """
    if len(line) >= LONGEST:
        raise TapeFormat(f"a record of {len(line)} bytes is longer than the {LONGEST} that a line may have")
    return codec.decode(line)[0]


def _named(events: Sequence[tuple[str, int | None]]) -> str:
    """Returns a short text for events that are given by kind and trial."""
    parts, rest = [], list(events)
    for kind, one, many in (
        (Submit.kind, "the result of trial", "the results of trials"),
        (Suggest.kind, "suggestion", "suggestions"),
    ):
        tids = [tid for name, tid in rest if name == kind and tid is not None]
        rest = [(name, tid) for name, tid in rest if name != kind]
        if tids:
            parts.append(f"{one if len(tids) == 1 else many} {listed(tids)}")
    return ", ".join(parts + [f"the {name}" if tid is None else f"the {name} of trial {tid}" for name, tid in rest])


def listed(tids: Sequence[int]) -> str:
    """Returns ``3``, ``3 and 4`` or ``3, 4 and 5``; of very many trials the first ones and the number of the rest."""
    shown = [str(tid) for tid in tids[:NAMED]]
    if len(tids) > NAMED:
        shown.append(f"{len(tids) - NAMED} more")
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
