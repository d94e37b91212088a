"""Events and lines: formats 1 and 2, which differ in what stands beside a result (``schema.json``), not in their lines.

A line is one JSON object whose last key is ``h``, always the last 26 bytes: ``, "h": "<16 hex>"}``. ``h`` is
blake2b (8 bytes) over the ``h`` of the line before (as its 16 letters; nothing for the first line) and the
raw bytes before ``, "h"``. One chain runs through the file, so that a changed, missing, doubled or swapped line shows.
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

FORMAT = f"runlib-tape/{NEWEST}"  # of what is written
FORMATS = tuple(f"runlib-tape/{number}" for number in range(1, NEWEST + 1))  # what can be read
LONGEST = 64 * 1024 * 1024  # bytes of a line: large results lie apart, so that one is never as long
METADATA_END = b"===\n"
RECORD_END = b"---\n"
SUFFIX = 26
SKIPPABLE = frozenset({"note"})  # kinds that a reader may leave out if it does not know them
_SUFFIX = re.compile(rb', "h": "([0-9a-f]{16})"\}')


def chain(previous: bytes, body: bytes) -> bytes:
    """The ``h`` of a line: 16 letters."""
    return hashlib.blake2b(previous + body, digest_size=8).hexdigest().encode()


def encode_line(data: dict[str, Any], previous: bytes) -> tuple[bytes, bytes]:
    """The line of an object (without its line feed) and its ``h``."""
    body = dump(data)[:-1]
    h = chain(previous, body)
    return body + b', "h": "' + h + b'"}', h


def encode(event: Event, n: int, t: float, durable: int | None, previous: bytes) -> tuple[bytes, bytes]:
    """The line of a record and its ``h``.

    Args:
        event: What happened.
        n: Its number.
        t: Seconds since 1970.
        durable: The last number known to be synced; None where no such promise is made.
        previous: The ``h`` before.
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
    """The ``h`` that a line claims to have; None if it does not end like one."""
    match = _SUFFIX.fullmatch(line[-SUFFIX:])
    return match.group(1) if match else None


def intact(line: bytes, previous: bytes) -> bytes | None:
    """The ``h`` of a line (without its line feed) that continues the chain; None if it does not."""
    h = line[-18:-2]
    return h if line[-26:-18] == b', "h": "' and line[-2:] == b'"}' and chain(previous, line[:-26]) == h else None


def find_intact(text: bytes, previous: bytes) -> int | None:
    """Where a line that continues the chain ends in ``text``, which has no line feed where it should.

    The text is hashed once, whatever the number of places that look like the end of a line.
    """
    hashed, at = hashlib.blake2b(previous, digest_size=8), 0
    for match in _SUFFIX.finditer(text):
        hashed.update(text[at : match.start()])
        at = match.start()
        if hashed.copy().hexdigest().encode() == match.group(1):
            return match.end()
    return None


def line_of(text: bytes) -> bytes:
    """The line that ``text`` begins with, without the line feed, or what may stand there in its place."""
    match = _SUFFIX.search(text)  # nowhere else in a line: JSON escapes quotes, and is written without spaces
    return text[: match.end()] if match else text


def durable_note(line: bytes) -> int | None:
    """What an intact line, even of a kind unknown here, says is durable; None if it does not say."""
    try:
        note = load(line).get("d")
    except (ValueError, AttributeError):
        return None
    return note if type(note) is int else None


def decode(line: bytes) -> tuple[Record, int | None]:
    """The record of an intact line, and the number that it says is durable.

    Raises:
        TapeFormat: It is no record of this format, or of a kind that must be understood and is not.
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
