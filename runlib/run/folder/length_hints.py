"""How long a tape was, by what else lies in the folder of its run.

A tape only grows: one that is shorter than ``status.txt`` said, or than a torn end that was put aside continues, has
lost records, whole as it may look. That is said when it is audited and when it is opened for writing, which makes a
new ``status.txt``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from runlib.engine.directory import Directory

__all__ = ["LengthHint", "losses", "read_if_there", "read_length_hints", "torn_ends"]

LIMIT = 16 * 2**20  # bytes that are read of a file beside the tape
_STATUS = re.compile(r"^Tape:   (\d{1,18}) records\.$", re.MULTILINE)
_NUMBER = re.compile(rb'"n":(\d{1,18}),"t":[^ ,]+(?:,"d":\d+)?(?:,"skip":true)?, "h": "')  # at the end of a line only


@dataclass(frozen=True, slots=True)
class LengthHint:
    """What a file beside the tape says of its length.

    Attributes:
        records: How many records there were, at least.
        said: The same for people.
    """

    records: int
    said: str


def read_length_hints(folder: Path) -> list[LengthHint]:
    """What the files in the folder of a run say; to be read before the tape, if that may be growing."""
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
    """What was being written when writers died, as it was put aside."""
    return sorted(folder.glob("tape.son.torn-*"))


def read_if_there(path: Path, limit: int = LIMIT) -> bytes:
    """The bytes of a file that need not be there, as far as the limit; what is no plain file says nothing."""
    try:
        with Directory(path.parent) as folder:
            return folder.read(path.name, limit, whole=False)
    except OSError:
        return b""


def losses(hints: Iterable[LengthHint], records: int) -> Iterator[str]:
    """The losses that show in a tape with that many records, a sentence each."""
    for hint in hints:
        if hint.records > records:
            yield f"the tape has {records} records, but {hint.said}: the rest is lost"
