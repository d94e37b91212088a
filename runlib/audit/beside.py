"""Checks the files beside the tape: large results, which belong to the run, and derived files, which can be made again.

A large result that is missing or changed is damage. A derived file that disagrees with the tape is a warning. If it
shows that the tape was longer than it is now, records are lost, and that is an error.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runlib.audit.report import Finding
from runlib.engine.data.shape import flat
from runlib.engine.data.yamlfile import write_yaml
from runlib.errors import TapeCorrupt
from runlib.run.folder.folder import RunFolder
from runlib.run.folder.large import is_apart, load_large, read_named
from runlib.run.folder.length_hints import losses, read_if_there, read_length_hints, torn_ends
from runlib.run.folder.returned import files_of
from runlib.run.loop.ending import BEST
from runlib.state.state import State

__all__ = ["LengthHints", "check_best", "check_large"]


class LengthHints:
    """Knows how long the tape was, according to other files in the folder.

    It reads these files before the tape is read, because the tape may be growing.

    Args:
        folder: The folder of the run.
    """

    def __init__(self, folder: Path) -> None:
        self._hints = read_length_hints(folder)
        self.notes = [_note_of(path) for path in torn_ends(folder)]

    def check(self, records: int) -> Iterator[Finding]:
        """Yields a finding for each loss that shows in a tape with that many records."""
        for lost in losses(self._hints, records):
            yield Finding("error", records + 1, None, lost)


def _note_of(torn: Path) -> Finding:
    found = torn.lstat()
    if not stat.S_ISREG(found.st_mode):
        return Finding("warning", None, None, f"{torn.name} is no plain file, and was not made by a run")
    text = f"{torn.name} holds {found.st_size} bytes that were being written when a writer died"
    return Finding("note", None, None, text)


def check_large(result: dict[str, Any], n: int, folder: RunFolder) -> Finding | None:
    """Returns a finding if a file that a result names is missing or changed, and None otherwise."""
    try:
        if is_apart(result):
            load_large(result["file"], folder)
        for entry in files_of(result):
            read_named(entry, folder)
    except (TapeCorrupt, OSError, ValueError, TypeError) as error:
        return Finding("error", n, None, f"record {n} names a file that is not there as it was: {error}")
    return None


def check_best(state: State, folder: RunFolder) -> Iterator[Finding]:
    """Yields findings if the suggestions that a run writes at its end differ from those on its tape, or are missing."""
    best = ((False, state.evals.top_suggestions(BEST)), (True, state.evals.top_refined_suggestions(BEST)))
    missing = []
    for refined, suggestions in best:
        for rank, suggestion in enumerate(suggestions):
            path, expected = folder.suggestion(rank, refined), write_yaml(flat(suggestion)).encode()
            if not os.path.lexists(path):
                missing.append(path.name)
            elif read_if_there(path, len(expected) + 1) != expected:
                yield Finding("warning", None, None, f"{path.name} is not what the tape says; trust runlib top instead")
    if missing:
        yield Finding("note", None, None, f"not there, until a session ends again: {', '.join(missing)}")
