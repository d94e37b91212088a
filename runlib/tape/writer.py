"""Writing a tape: the file only grows, in single writes of whole records.

The one exception: a torn tail is copied aside, synced, and only then cut off. ``sync`` is a matter of the context:
``always`` (each ``commit`` makes everything before it durable, and each record says which number was durable when
it was written), ``interval`` (at most a second is lost at power loss) or ``never``. All three survive the death of
the process.

The tape is the file that was opened, and the one that bears its name: each ``commit`` makes sure that this is one file.
If an editor or a sync tool put another in its place, or somebody deleted it, what was written is saved beside it, and
the writing ends (``salvage.py``).

A disk without room may be waited for: what it took of a record stays, and the rest of the same record follows. A disk
that fails otherwise, or fails a sync in any way, is not written to again.
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
INTERVAL = 1.0  # seconds
NAMED = 20  # trials that a sentence lists
T = TypeVar("T")


def create_tape(
    path: Path, metadata: dict[str, Any], *first: Event, sync: Sync = "always", clock: Callable[[], float] = time.time
) -> Position:
    """Make a new tape, durably.

    Args:
        path: Of the file.
        metadata: Its first line.
        first: The events that it begins with.
        sync: As its writer will have it.
        clock: The wall clock, seconds since 1970.

    Raises:
        FileExistsError: There is one.
        TapeFormat: A reader would refuse the metadata, by the schema of the tape.
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
    """Appends records; whoever makes one holds the lock of the folder.

    Args:
        path: The tape.
        position: Where its whole records end, as its reader found.
        sync: When appended records are made durable.
        clock: The wall clock, seconds since 1970.
        guard: Asked before each append and each commit, and before a torn tail is cut off; what it raises
            (``LockStolen``) ends the writing.

    Attributes:
        directory: In which the tape is, if that is open already.

    Attributes:
        directory: In which the tape is.
        full: Called when the disk has no room for the rest of a record; when it returns, the rest is tried again, and
            what it raises ends the writing. None: nothing is waited for.
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
        # What an earlier writer synced last is not known, unless it was all: the first commit covers it.
        self._durable = position.n if position.durable == position.n else 0
        self._committed_at = clock()
        self._not_durable: list[tuple[str, int | None]] = []  # kind and trial of what was appended since the last sync
        self._broken: str | None = None
        self._stolen: LockStolen | None = None
        self._replaced: TapeReplaced | None = None
        self._file = self.directory.open_to_append(path.name)
        opened = self._file.stat()
        self._identity = opened.st_dev, opened.st_ino

    @property
    def position(self) -> Position:
        """The end of what was appended."""
        return Position(self._n, self._offset, self._h, self._durable, self._sync == "always")

    @property
    def is_well(self) -> bool:
        """Whether it may be appended to."""
        return self._broken is None

    def mend(self, tail: Tail) -> Path | None:
        """Put a torn tail aside and terminate the last record; returns where the tail is now, if there was one.

        Raises:
            TapeError: The disk refused; nothing of the tail is lost.
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
        """Write one event, and return its record as a reader of the line sees it.

        Raises:
            LockStolen: Another process took the run over; nothing was written.
            TapeError: The disk refused, now or before; what it took of the record is a torn tail. Or somebody else
                wrote to the tape; then nothing was written.
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
        """Append a record, in one write unless the disk has to be waited for in its middle."""
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
                # Nothing may ever follow half a record, whatever ends the waiting: also an interrupt from outside.
                self._broken = f"{error.strerror}, record {self._n + 1} could not be appended"
                self.full(error)
                self._broken = None

    def commit(self) -> None:
        """Make what was appended as durable as the context asks; only when this returns may it be shown.

        Raises:
            LockStolen: Another process took the run over.
            TapeError: The disk refused, now or before; a sync that failed is never tried again here. Or somebody
                else wrote to the tape.
        """
        self.check()
        self._force()

    def check(self) -> None:
        """Make sure that the run is still this writer's, and the file that it writes still the tape.

        Raises:
            LockStolen: Another process took it over.
            TapeReplaced: Another file bears the name of the tape, or none does; what was written is saved.
            TapeError: Somebody else wrote to the tape; or nothing more can be written to it, for what was said before.
        """
        if not self.check_owner():
            raise self._rescue()

    def check_owner(self) -> bool:
        """Make sure that the run is still this writer's, before anything else in its folder is replaced.

        Returns:
            Whether the file that it writes still bears the name of the tape. If not, the next commit ends the writing;
            what is appended before is saved with the rest.

        Raises:
            LockStolen: Another process took it over.
            TapeError: Somebody else wrote to the tape; or nothing more can be written to it, for what was said before.
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
        """``records 41 to 43 may not be durable: the result of trial 12, suggestions 13 and 14``."""
        first = self._n - len(self._not_durable) + 1
        records = f"record {first}" if first == self._n else f"records {first} to {self._n}"
        return f"{records} may not be durable: {_named(self._not_durable)}"

    def _make_sure(self, size: int) -> bool:
        """Stop for good if the lock is another's, or if the file has not the size that this writer gave it.

        Returns:
            Whether the file still bears its name. If not, this writer is alone with it: what comes before the next
            commit is written to it and saved with the rest.
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
        """What the system knows of the open file, and whether that bears the name; one call if it does."""
        with contextlib.suppress(FileNotFoundError):
            named = self.directory.stat(self.path.name)
            if (named.st_dev, named.st_ino) == self._identity or os.path.samestat(named, self._file.stat()):
                return named, True
        return self._file.stat(), False

    def _rescue(self) -> TapeReplaced:
        """Save what is in the open file; returns what is to be said of it."""
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
        """Make what was appended durable, unless the context says never, and give the file back.

        Raises:
            TapeReplaced: Another file bears the name of the tape, or none does, which was not said before; or what was
                saved then is gone.
            TapeError: The disk refused.
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
        if (saved is None or not saved.exists()) and self._is_mine():  # it may be gone with the whole folder
            raise self._rescue()

    def _is_mine(self) -> bool:
        """Whether no other writer took the run over, which may put another file in the place of the tape."""
        with contextlib.suppress(LockStolen, ValueError):
            if self._guard is not None:
                self._guard()
            return self._stolen is None
        return False


def _readable(line: bytes) -> Record:
    """The record as a reader of its line sees it; one that cannot be read again would end the run for good."""
    if len(line) >= LONGEST:
        raise TapeFormat(f"a record of {len(line)} bytes is longer than the {LONGEST} that a line may have")
    return codec.decode(line)[0]


def _named(events: Sequence[tuple[str, int | None]]) -> str:
    """What events were, given by kind and trial, in few words."""
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
    """``3``, ``3 and 4``, ``3, 4 and 5``; of very many the first ones and how many more."""
    shown = [str(tid) for tid in tids[:NAMED]]
    if len(tids) > NAMED:
        shown.append(f"{len(tids) - NAMED} more")
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
