"""A tape made at once, of records that exist: for a repaired run, or one that begins with the history of another.

Every record of it says that all are durable, as they are before the folder has its name: whatever is damaged later
shows as damage, never as something that was being written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from runlib.engine.data.canonical import load
from runlib.tape.codec import METADATA_END, RECORD_END, encode_line, line_of

__all__ = ["raw_records", "whole_tape"]


def whole_tape(metadata: dict[str, Any], records: Sequence[dict[str, Any]]) -> bytes:
    """The bytes of a tape.

    Args:
        metadata: Its first line.
        records: Of each the kind with its fields, ``t``, and what else its line had but number, note and hash.
    """
    line, h = encode_line(metadata, b"")
    parts = [line, b"\n", METADATA_END]
    for n, record in enumerate(records, 1):
        kind = next(iter(record))
        rest = {key: value for key, value in record.items() if key not in (kind, "t")}
        entry = {kind: record[kind], "n": n, "t": record["t"], "d": len(records), **rest}
        line, h = encode_line(entry, h)
        parts += [line, b"\n", RECORD_END]
    return b"".join(parts)


def raw_records(path: Path, count: int) -> Iterator[dict[str, Any]]:
    """The first ``count`` records of an intact tape, as ``whole_tape`` takes them; also of kinds not known here."""
    with path.open("rb") as file:
        file.readline(), file.readline()
        for _ in range(count):
            data = load(line_of(file.readline()))
            file.readline()
            yield {key: value for key, value in data.items() if key not in ("n", "d", "h")}
