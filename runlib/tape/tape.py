"""The tape as a thing to look at: its metadata and its records, read from the file whenever they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runlib.tape.events import Record
from runlib.tape.reader import TapeReader

__all__ = ["Tape"]


class Tape:
    """A tape on disk; iterating reads it anew, so that no record is held in memory.

    Args:
        path: The file.

    Raises:
        NotARun: There is no such file.
        TapeFormat: It is no tape.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.metadata: dict[str, Any] = TapeReader(path).metadata

    def __iter__(self) -> Iterator[Record]:
        return iter(TapeReader(self.path))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"Tape({str(self.path)!r})"
