"""The tape as a thing to look at: its metadata and its records, read from the file whenever they are asked for."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runlib.tape.events import Record
from runlib.tape.foreign import open_tape

__all__ = ["Tape"]


class Tape:
    """A tape on disk; iterating reads it anew, so that no record is held in memory.

    Args:
        path: The file.
        end: How many records to read at most, whatever lies behind them; None for all.

    Raises:
        NotARun: There is no such file.
        TapeFormat: It is no tape.
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
