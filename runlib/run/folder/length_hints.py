"""Finds out from other files in the folder of a run how many records its tape must have.

A tape only grows. If it has fewer records than ``status.txt`` says, or than a torn end that was put aside implies, then
it has lost records, even if it looks complete. This is reported by an audit, and when the tape is opened for writing,
because that makes a new ``status.txt``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from runlib.engine.directory import Directory

__all__ = ["LengthHint", "losses", "read_if_there", "read_length_hints", "torn_ends"]

LIMIT = 16 * 2**20  # bytes that are read at most from a file beside the tape
_STATUS = re.compile(r"^Tape:   (\d{1,18}) records\.$", re.MULTILINE)
_NUMBER = re.compile(rb'"n":(\d{1,18}),"t":[^ ,]+(?:,"d":\d+)?(?:,"skip":true)?, "h": "')  # only at the end of a line


@dataclass(frozen=True, slots=True)
class LengthHint:
    """Holds what a file beside the tape says about the length of the tape.

    Attributes:
        records: The least number of records that the tape had.
        said: The same information as text for the user.
    """

    records: int
    said: str


def read_length_hints(folder: Path) -> list[LengthHint]:
    """Returns the hints in the folder of a run; call it before reading a tape that may be growing."""
    hints = []
    match = _STATUS.search(read_if_there(folder / "status.txt").decode("utf-8", "replace"))
    if match:
        hints.append(LengthHint(int(match[1]), f"status.txt says that it had {match[1]}"))
    for path in torn_ends(folder):
        before = [int(n) - 1 for n in _NUMBER.findall(read_if_there(path))]
        if before:
            hints.append(LengthHint(max(before), f"{path.name} follows on {max(before)} of them"))
    return hints


def torn_ends(folder: Path) -> list[Path]:
    """Returns the files with torn ends: bytes of a record that was being written when its writer died."""
    return sorted(folder.glob("tape.son.torn-*"))


def read_if_there(path: Path, limit: int = LIMIT) -> bytes:
    """Returns at most ``limit`` bytes of a file; nothing if the file is missing or is not a plain file."""
    try:
        with Directory(path.parent) as folder:
            return folder.read(path.name, limit, whole=False)
    except OSError:
        return b""


def losses(hints: Iterable[LengthHint], records: int) -> Iterator[str]:
    """Yields a sentence for each hint that shows that a tape with that many records has lost some."""
    for hint in hints:
        if hint.records > records:
            yield f"the tape has {records} records, but {hint.said}: the rest is lost"
