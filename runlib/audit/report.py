"""Defines the reports of an audit: findings with their places, and the verdict that follows from them.

Reports are plain data. The command line decides how they are shown.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from runlib.run.metadata import readable

__all__ = ["Finding", "Level", "RepairReport", "Report", "Verdict"]

Level = Literal["note", "warning", "error"]
Verdict = Literal["intact", "torn", "damaged", "not a run"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Describes one thing that an audit noticed.

    Attributes:
        level: The severity: ``note`` (this is allowed), ``warning`` (a derived file disagrees; the run itself is whole)
            or ``error`` (something was changed, damaged or lost).
        n: The number of the record, 0 for the metadata, or None if the finding concerns no single record.
        offset: The position of the byte in the tape, or None if the finding has no single position there.
        text: One sentence for the user.
    """

    level: Level
    n: int | None
    offset: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """Says whether a run is whole.

    Attributes:
        folder: The folder of the run.
        verdict: The result: ``intact``, ``torn`` (intact up to what was being written when its writer died, which a
            restore puts aside), ``damaged``, or ``not a run`` (there is no tape, or none that this version can check).
        findings: The findings in the order in which they were made.
        counts: The numbers of ``records``, ``sessions``, ``trials``, ``ok``, ``failed``, ``live``, ``void``,
            ``evaluations``, ``files`` (large results) and ``replayed`` (suggestions that the search was asked for
            again).
    """

    folder: Path
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        """Returns the report as plain data."""
        found = [{**asdict(found), "text": readable(found.text)} for found in self.findings]
        return {**asdict(self), "folder": readable(self.folder), "findings": found}


@dataclass(frozen=True, slots=True)
class RepairReport:
    """Says what was saved of a run and what was not.

    Attributes:
        folder: The folder of the old run, which was not changed.
        into: The folder of the new run.
        kept: The number of records on the new tape.
        mended: The kept records in which a damaged byte was corrected with the help of their hash.
        dropped: The records that are not on the new tape, with their old number and the position of their first byte.
        lost_trials: The old numbers of the trials that are lost completely.
        reopened: The old numbers of the trials that lost their result. They are live again, and a restore evaluates
            them first.
        renumbered: The new ``tid`` by the old one, for those that changed.
        lost: The number of records that are not on the new tape, without duplicates of kept ones.
        exact: Whether a restore makes the suggestions that the old run would have made.
        notes: Other facts that the user should know.
    """

    folder: Path
    into: Path
    kept: int
    mended: tuple[Finding, ...] = ()
    dropped: tuple[Finding, ...] = ()
    lost_trials: tuple[int, ...] = ()
    reopened: tuple[int, ...] = ()
    renumbered: dict[int, int] = field(default_factory=dict)
    lost: int = 0
    exact: bool = True
    notes: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """Returns the report as plain data. The keys of ``renumbered`` are strings."""
        data = {**asdict(self), "folder": readable(self.folder), "into": readable(self.into)}
        data["renumbered"] = {str(old): new for old, new in self.renumbered.items()}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in data.items()}
