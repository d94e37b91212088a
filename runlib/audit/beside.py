"""What lies beside the tape: large results, which belong to the run, and derived files, which can be made anew.

A large result that is missing or changed is damage. A derived file that disagrees with the tape is worth a warning,
except where it shows that the tape was longer than it is now: that is a loss.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runlib.audit.report import Finding
from runlib.engine.yamlfile import write_yaml
from runlib.errors import TapeCorrupt
from runlib.run.finish import BEST
from runlib.run.folder import RunFolder
from runlib.run.large import is_apart, load_large
from runlib.state.state import State

__all__ = ["Claims", "check_best", "check_large"]

_STATUS = re.compile(r"^Tape:   (\d{1,18}) records\.$", re.MULTILINE)
_NUMBER = re.compile(rb'"n":(\d{1,18}),"t":[^ ,]+(?:,"d":\d+)?(?:,"skip":true)?, "h": "')  # at the end of a line only


class Claims:
    """How long the tape was, by what else lies in the folder; read before the tape, which may be growing.

    Args:
        folder: Of the run.
    """

    def __init__(self, folder: Path) -> None:
        self._claims: list[tuple[int, str]] = []
        self.notes: list[Finding] = []
        status = _read(folder / "status.txt")
        match = _STATUS.search(status.decode("utf-8", "replace"))
        if match:
            self._claims.append((int(match[1]), f"status.txt says that it had {match[1]}"))
        for path in sorted(folder.glob("tape.son.torn-*")):
            self._read_torn(path)

    def _read_torn(self, path: Path) -> None:
        torn = _read(path)
        said = f"{path.name} holds {len(torn)} bytes that were being written when a writer died"
        self.notes.append(Finding("note", None, None, said))
        before = [int(n) - 1 for n in _NUMBER.findall(torn)]
        if before:
            self._claims.append((max(before), f"{path.name} follows on {max(before)} of them"))

    def check(self, records: int) -> Iterator[Finding]:
        """The losses that show in a tape with that many records."""
        for claimed, said in self._claims:
            if claimed > records:
                lost = f"the tape has {records} records, but {said}: the rest is lost"
                yield Finding("error", records + 1, None, lost)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it need not be there, and what cannot be read claims nothing
        return b""


def check_large(result: dict[str, Any], n: int, folder: RunFolder) -> Finding | None:
    """Whether the file that a result names is there and is what was written; None if it is, or names none."""
    if not is_apart(result):
        return None
    try:
        load_large(result["file"], folder)
    except (TapeCorrupt, OSError, ValueError, TypeError) as error:
        return Finding("error", n, None, f"record {n} names a large result that is not there as it was: {error}")
    return None


def check_best(state: State, folder: RunFolder) -> Iterator[Finding]:
    """Whether the suggestions that a run writes at its end are those that its tape has."""
    best = ((False, state.evals.top_suggestions(BEST)), (True, state.evals.top_refined_suggestions(BEST)))
    missing = []
    for refined, suggestions in best:
        for rank, suggestion in enumerate(suggestions):
            path = folder.suggestion(rank, refined)
            if not path.exists():
                missing.append(path.name)
            elif _read(path) != write_yaml(suggestion).encode():
                yield Finding("warning", None, None, f"{path.name} is not what the tape says; trust runlib top instead")
    if missing:
        yield Finding("note", None, None, f"not there, until a session ends again: {', '.join(missing)}")
