"""Makes a whole tape at once from existing records, for a repaired run or a run that begins with another's history.

Each record says that all records are durable, and they are before the folder gets its name. So later damage is always
reported as damage, and never taken for an unfinished write.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from runlib.engine.data.canonical import load
from runlib.tape.codec import METADATA_END, RECORD_END, encode_line, line_of

__all__ = ["raw_records", "whole_tape"]


def whole_tape(metadata: dict[str, Any], records: Sequence[dict[str, Any]]) -> bytes:
    """Returns the bytes of a tape.

    Args:
        metadata: The first line.
        records: The records. Each has its kind with the fields, ``t``, and the other keys of its line except number,
            durable note and hash.
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
    """Yields the first ``count`` records of an intact tape in the form that ``whole_tape`` takes.

    It includes records of unknown kinds.
    """
    with path.open("rb") as file:
        file.readline(), file.readline()
        for _ in range(count):
            data = load(line_of(file.readline()))
            file.readline()
            yield {key: value for key, value in data.items() if key not in ("n", "d", "h")}
