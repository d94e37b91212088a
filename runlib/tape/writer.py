"""Writing a tape: the file only grows, in single writes of whole records.

The one exception: a torn tail is copied aside, synced, and only then cut off. ``sync`` is a matter of the context:
``always`` (each ``commit`` makes everything before it durable, and each record says which number was durable when
it was written), ``interval`` (at most a second is lost at power loss) or ``never``. All three survive the death of
the process.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

from runlib.engine import disk
from runlib.errors import TapeError
from runlib.tape import codec
from runlib.tape.codec import METADATA_END, RECORD_END
from runlib.tape.events import Event, Record
from runlib.tape.reader import Position, Tail

__all__ = ["Sync", "TapeWriter", "create_tape"]

Sync = Literal["always", "interval", "never"]
INTERVAL = 1.0  # seconds
T = TypeVar("T")


def create_tape(path: Path, metadata: dict[str, Any]) -> Position:
    """Make a new tape that holds the metadata alone, durably.

    Raises:
        FileExistsError: There is one.
    """
    line, h = codec.encode_line(metadata, b"")
    data = line + b"\n" + METADATA_END
    disk.create_file(path, data)
    return Position(0, len(data), h)


class TapeWriter:
    """Appends records; whoever makes one holds the lock of the folder.

    Args:
        path: The tape.
        position: Where its whole records end, as its reader found.
        sync: When appended records are made durable.
        clock: The wall clock, seconds since 1970.
    """

    def __init__(
        self, path: Path, position: Position, *, sync: Sync = "always", clock: Callable[[], float] = time.time
    ) -> None:
        self.path = path
        self._sync = sync
        self._clock = clock
        self._n, self._offset, self._h = position.n, position.offset, position.h
        self._durable = 0  # what an earlier writer synced is not known: the first commit covers it all
        self._committed_at = clock()
        self._broken: str | None = None
        self._file = disk.AppendFile(path)

    @property
    def position(self) -> Position:
        """The end of what was appended."""
        return Position(self._n, self._offset, self._h, self._durable, self._sync == "always")

    def mend(self, tail: Tail) -> Path | None:
        """Put a torn tail aside and terminate the last record; returns where the tail is now, if there was one.

        Raises:
            TapeError: The disk refused; nothing of the tail is lost.
        """
        return self._guarded(lambda: self._mend(tail), "its torn end could not be mended")

    def _mend(self, tail: Tail) -> Path | None:
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
            aside = self.path.with_name(f"{self.path.name}.torn-{k}")
            try:
                disk.create_file(aside, torn)
            except FileExistsError:
                k += 1
            else:
                return aside

    def append(self, event: Event) -> Record:
        """Write one event, and return its record as a reader of the line sees it.

        Raises:
            TapeError: The disk refused, now or before; what it took of the record is a torn tail.
            TypeError: The event holds something that is no plain data; nothing was written.
        """
        self._refuse_broken()
        n, t = self._n + 1, round(self._clock(), 6)
        line, h = codec.encode(event, n, t, self._durable if self._sync == "always" else None, self._h)
        data = line + b"\n" + RECORD_END
        self._guarded(lambda: self._file.append(data), f"record {n} could not be appended")
        self._n, self._offset, self._h = n, self._offset + len(data), h
        return codec.decode(line)[0]

    def commit(self) -> None:
        """Make what was appended as durable as the context asks.

        Raises:
            TapeError: The disk refused, now or before; a sync that failed is never tried again here.
        """
        self._refuse_broken()
        if self._sync == "never" or self._durable == self._n:
            return
        now = self._clock()
        if self._sync == "interval" and 0 <= now - self._committed_at < INTERVAL:
            return
        self._committed_at = now
        self._guarded(self._file.sync, f"records {self._durable + 1} to {self._n} may not be durable")
        self._durable = self._n

    def _refuse_broken(self) -> None:
        if self._broken is not None:
            raise TapeError(f"{self.path} is no longer written: {self._broken}", path=self.path, n=self._n)

    def _guarded(self, action: Callable[[], T], consequence: str) -> T:
        try:
            return action()
        except OSError as error:
            reason = error.strerror or str(error)
            self._broken = f"{reason}, {consequence}"
            raise TapeError(
                f"{self.path}: {reason}: {consequence}; restore the run once the disk is well again",
                path=self.path,
                n=self._n,
            ) from error

    def close(self) -> None:
        """Make what was appended durable, unless the context says never, and give the file back."""
        try:
            if self._broken is None and self._sync == "interval":
                self._committed_at = -INTERVAL
            if self._broken is None:
                self.commit()
        finally:
            self._file.close()
