"""Gives access to the metadata and records of a tape, and reads them from the file whenever they are asked for."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runlib.tape.events import Record
from runlib.tape.foreign import open_tape

__all__ = ["Tape"]


class Tape:
    """Represents a tape on disk; each iteration reads it again, so that no record is held in memory.

    Args:
        path: The path of the file.
        end: The largest number of records to read, whatever follows them; None for all.

    Raises:
        NotARun: The file does not exist.
        TapeFormat: The file is no tape.
    """

    def __init__(self, path: Path, end: int | None = None) -> None:
        self.path = path
        self.end = end
        self.metadata: dict[str, Any] = open_tape(path).metadata

    def __iter__(self) -> Iterator[Record]:
        return itertools.islice(open_tape(self.path), self.end)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"Tape({str(self.path)!r})"
