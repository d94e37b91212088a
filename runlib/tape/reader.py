"""Reads a tape forward along its hash chain, one record at a time, and changes nothing.

Data that does not fit is *torn* or *corrupt*. Torn data was being written when the writer died. It is an unterminated
prefix at the very end. If the writer noted which records were durable, it is also everything that begins with a record
beyond the highest such note of all intact records. A whole record counts even if its terminator is missing, or is
damaged at the very end. Everything else is corrupt. The reader refuses it with record number, offset and expectation,
and guesses nothing.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from runlib.engine.data.canonical import load
from runlib.errors import NotARun, TapeCorrupt, TapeFormat
from runlib.tape import codec
from runlib.tape.codec import FORMAT, FORMATS, LONGEST, METADATA_END, RECORD_END
from runlib.tape.events import Record
from runlib.tape.schema import check

__all__ = ["Position", "Tail", "TapeReader"]

TERMINATOR = b"\n" + RECORD_END  # the end of each record


@dataclass(frozen=True, slots=True)
class Position:
    """Describes a place between two records.

    Attributes:
        n: The number of records before it.
        offset: The number of bytes before it.
        h: The hash of the chain up to it.
        durable: The highest number that the records before it name as durable; 0 if they name none.
        noting: Whether the record before it names one, that is, whether its writer always syncs.
    """

    n: int
    offset: int
    h: bytes
    durable: int = 0
    noting: bool = True


@dataclass(frozen=True, slots=True)
class Tail:
    """Describes what follows the last whole record.

    Attributes:
        keep: The offset up to which the file is kept.
        torn: The bytes after this offset, which are not part of the tape.
        missing: The bytes that must be written at ``keep`` to terminate the last record.
    """

    keep: int
    torn: bytes
    missing: bytes = b""


class TapeReader:
    """Iterates over the records of a tape.

    After the iteration, ``position`` is the end of the whole records, and ``tail`` describes what follows them, if
    anything.

    Args:
        path: The path of the file.
        start: The position to continue from; None for the beginning.

    Raises:
        NotARun: The file does not exist or cannot be read.
        TapeFormat: The file is no tape, or has another format.
        TapeCorrupt: The tape is damaged.
    """

    def __init__(self, path: Path, start: Position | None = None) -> None:
        self.path = path
        self.tail: Tail | None = None
        head = self._read_head()
        self._start = start
        self.position = start or head

    @functools.cached_property
    def metadata(self) -> dict[str, Any]:
        """Returns the first line, without its hash."""
        return {key: value for key, value in self._metadata.items() if key != "h"}

    def _open(self) -> BinaryIO:
        try:
            return self.path.open("rb")
        except FileNotFoundError:
            raise NotARun(f"{self.path.parent} is no run: there is no {self.path.name} in it", self.path) from None
        except OSError as error:
            raise NotARun(f"{self.path} cannot be read: {error.strerror}", self.path) from error

    def _read_head(self) -> Position:
        with self._open() as file:
            line, end = file.readline(LONGEST), file.readline(LONGEST)
        try:
            self._metadata = load(line)
            format_ = self._metadata["format"]
        except (ValueError, KeyError, TypeError):
            raise TapeFormat(
                f"{self.path} is no tape of runlib: its first line is no metadata", path=self.path
            ) from None
        if format_ not in FORMATS:
            raise TapeFormat(
                f"{self.path} is of the format {_shown(format_)}, this version reads up to {FORMAT!r}; use a newer "
                "runlib",
                path=self.path,
            )
        h = codec.intact(line[:-1], b"")
        if h is None or end != METADATA_END:
            raise self._corrupt(0, 0, "metadata that fits its own hash, followed by a line ===")
        fault = check("metadata")(self._metadata)
        if fault is not None:
            message = f"{self.path}: the metadata have other values than the schema of the tape allows: {fault}"
            raise TapeFormat(message, path=self.path, n=0, offset=0)
        return Position(0, len(line) + len(end), h)

    def __iter__(self) -> Iterator[Record]:
        with self._open() as file:
            file.seek(self.position.offset)
            yield from self._whole(file)
        rest = self._read_rest()  # Another process may have been in the middle of writing.
        start = self.position.offset
        yield from self._whole(io.BytesIO(rest))
        yield from self._finish(rest[self.position.offset - start :])

    def _whole(self, file: BinaryIO) -> Iterator[Record]:
        """Yields the records up to the end, or up to the first that does not fit."""
        here = self.position
        while line := file.readline(LONGEST):
            end = file.readline(LONGEST)
            h = codec.intact(line[:-1], here.h)
            if h is None or end != RECORD_END:
                return
            record, noted = self._decode(line, here.n, here.offset)
            here = self.position = _advance(here, len(line) + len(end), h, noted)
            yield record

    def _read_rest(self) -> bytes:
        with self._open() as file:
            file.seek(self.position.offset)
            return file.read()

    def _decode(self, line: bytes, n: int, offset: int) -> tuple[Record, int | None]:
        try:
            record, durable = codec.decode(line)
        except TapeFormat as error:
            message = f"{self.path}, record {n + 1} at byte {offset}: {error}"
            raise TapeFormat(message, path=self.path, n=n + 1, offset=offset) from error
        if record.n != n + 1:
            raise self._corrupt(n + 1, offset, f"a record numbered {n + 1}, got {record.n}")
        return record, durable

    def _finish(self, rest: bytes) -> Iterator[Record]:
        """Checks the data that does not fit, and yields a last record that lacks nothing but its terminator."""
        start, h = self.position.offset, self.position.h
        length = codec.find_intact(rest.partition(b"\n")[0], h)
        if length is None:
            if rest:
                self._refuse_corrupt(rest, start)
                self.tail = Tail(start, rest)
            return
        line, behind = rest[:length], rest[length:]
        record, noted = self._decode(line, self.position.n, start)
        self.position = _advance(self.position, length + len(TERMINATOR), line[-18:-2], noted)
        yield record
        if TERMINATOR.startswith(behind):
            self.tail = Tail(start + length + len(behind), b"", TERMINATOR[len(behind) :])
            return
        if len(behind) > len(TERMINATOR):  # This is more than a damaged terminator at the very end.
            self._refuse_corrupt(behind, start + length)
        self.tail = Tail(start + length, behind, TERMINATOR)

    def _refuse_corrupt(self, rest: bytes, offset: int) -> None:
        """Raises an error unless ``rest`` is torn; it begins at ``offset``, after the last whole record."""
        if _is_prefix(rest):
            return
        n, notes = self.position.n + 1, list(_durable_notes(rest, self.position.h))
        # A writer without notes promises nothing, so only the unterminated prefix above counts as torn.
        noting = self.position.noting and None not in notes
        if noting and n > max([self.position.durable, *(note or 0 for note in notes)]):
            return
        expected = f"record {n}, which continues the chain after {n - 1} and ends with a line ---"
        raise self._corrupt(n, offset, expected)

    def _corrupt(self, n: int, offset: int, expected: str) -> TapeCorrupt:
        what = f"record {n}" if n else "the metadata"
        return TapeCorrupt(
            f"{self.path} is damaged at {what}, byte {offset}: expected {expected}; what lies before it can still "
            "be checked out, and runlib repair saves what is intact into a new folder",
            path=self.path,
            n=n,
            offset=offset,
        )


def _shown(format_: Any) -> str:
    text = repr(format_)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _advance(position: Position, length: int, h: bytes, noted: int | None) -> Position:
    durable = max(position.durable, noted or 0)
    return Position(position.n + 1, position.offset + length, h, durable, noted is not None)


def _is_prefix(rest: bytes) -> bool:
    """Returns whether this may be the beginning of a line: JSON has no control characters, not even the line feed."""
    return rest.startswith(b"{") and min(rest) >= 0x20


def _durable_notes(rest: bytes, before: bytes) -> Iterator[int | None]:
    """Yields the durable notes of the intact lines after a damaged place.

    A line is intact if it continues the chain ``before`` the damage, or the hash that the previous line claims to have.
    """
    above = before
    for line in rest.split(b"\n"):
        if line == RECORD_END[:-1]:
            continue
        if any(codec.intact(line, previous) is not None for previous in {above, before}):
            yield codec.durable_note(line)
        above = codec.stored_hash(line) or before
