"""Converts between events and lines. Formats 1 and 2 differ in the fields beside a result, not in their lines.

A line is one JSON object. Its last key is ``h``, always in the last 26 bytes: ``, "h": "<16 hex>"}``. ``h`` is blake2b
(8 bytes) over the ``h`` of the line before (as its 16 letters; nothing for the first line) and the raw bytes before ``,
"h"``. One chain runs through the file, so a changed, missing, repeated or swapped line is detected.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from runlib.engine.data.canonical import dump, load
from runlib.errors import TapeFormat
from runlib.tape.events import NEWEST, Event, Record, event_from_data, event_to_data
from runlib.tape.schema import check

__all__ = [
    "FORMAT",
    "FORMATS",
    "LONGEST",
    "METADATA_END",
    "RECORD_END",
    "chain",
    "decode",
    "durable_note",
    "encode",
    "encode_line",
    "find_intact",
    "intact",
    "line_of",
    "stored_hash",
]

FORMAT = f"runlib-tape/{NEWEST}"  # the format of new tapes
FORMATS = tuple(f"runlib-tape/{number}" for number in range(1, NEWEST + 1))  # the formats that can be read
LONGEST = 64 * 1024 * 1024  # bytes; large results have their own files, so no line is as long
METADATA_END = b"===\n"
RECORD_END = b"---\n"
SUFFIX = 26
SKIPPABLE = frozenset({"note"})  # kinds that a reader may skip if it does not know them
_SUFFIX = re.compile(rb', "h": "([0-9a-f]{16})"\}')


def chain(previous: bytes, body: bytes) -> bytes:
    """Returns the ``h`` of a line, as 16 letters."""
    return hashlib.blake2b(previous + body, digest_size=8).hexdigest().encode()


def encode_line(data: dict[str, Any], previous: bytes) -> tuple[bytes, bytes]:
    """Returns the line of an object (without its line feed) and its ``h``."""
    body = dump(data)[:-1]
    h = chain(previous, body)
    return body + b', "h": "' + h + b'"}', h


def encode(event: Event, n: int, t: float, durable: int | None, previous: bytes) -> tuple[bytes, bytes]:
    """Returns the line of a record and its ``h``.

    Args:
        event: The event.
        n: The number of the record.
        t: The time in seconds since 1970.
        durable: The last number that is known to be synced; None if the writer makes no such promise.
        previous: The ``h`` of the line before.
    """
    data: dict[str, Any] = event_to_data(event)
    data["n"] = n
    data["t"] = t
    if event.kind in SKIPPABLE:
        data["skip"] = True
    if durable is not None:
        data["d"] = durable
    return encode_line(data, previous)


def stored_hash(line: bytes) -> bytes | None:
    """Returns the ``h`` that a line claims to have; None if it does not end with one."""
    match = _SUFFIX.fullmatch(line[-SUFFIX:])
    return match.group(1) if match else None


def intact(line: bytes, previous: bytes) -> bytes | None:
    """Returns the ``h`` of a line (without its line feed) if the line continues the chain; None if it does not."""
    h = line[-18:-2]
    return h if line[-26:-18] == b', "h": "' and line[-2:] == b'"}' and chain(previous, line[:-26]) == h else None


def find_intact(text: bytes, previous: bytes) -> int | None:
    """Returns where a line that continues the chain ends in ``text``; None if there is no such line.

    The text has no line feed where it should have one. It is hashed once, however many places look like the end of a
    line.
    """
    hashed, at = hashlib.blake2b(previous, digest_size=8), 0
    for match in _SUFFIX.finditer(text):
        hashed.update(text[at : match.start()])
        at = match.start()
        if hashed.copy().hexdigest().encode() == match.group(1):
            return match.end()
    return None


def line_of(text: bytes) -> bytes:
    """Returns the line at the beginning of ``text``, without the line feed or whatever is in its place."""
    # The pattern occurs nowhere else in a line, because JSON escapes quotes and is written without spaces.
    match = _SUFFIX.search(text)
    return text[: match.end()] if match else text


def durable_note(line: bytes) -> int | None:
    """Returns the number that an intact line, even of an unknown kind, names as durable; None if it names none."""
    try:
        note = load(line).get("d")
    except (ValueError, AttributeError):
        return None
    return note if type(note) is int else None


def decode(line: bytes) -> tuple[Record, int | None]:
    """Returns the record of an intact line, and the number that the line names as durable.

    Raises:
        TapeFormat: The line is no record of this format, or this version must understand its kind but does not know it.
    """
    try:
        data = load(line)
        kind, body = next(iter(data.items()))
    except (ValueError, AttributeError, StopIteration) as error:
        raise TapeFormat(f"a line is no record: {error}") from error
    fault = _place(data)
    if fault is not None:
        raise TapeFormat(f"a line is no record as the schema of the tape has it: {fault}")
    event = event_from_data(kind, body, data.get("shape"))
    if event is None and data.get("skip") is not True:
        raise TapeFormat(f"a record is of the kind {kind!r}, which this version does not know; a newer runlib wrote it")
    return Record(data["n"], data["t"], event), data.get("d")


_place = check("place")
