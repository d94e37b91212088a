"""What an audit says: findings at their places, and the verdict that follows from them.

Reports are plain data; how they are shown is the business of the command line.
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
    """One thing that an audit noticed.

    Attributes:
        level: ``note`` (as it may be), ``warning`` (a derived file that disagrees; the run itself is whole) or
            ``error`` (something was changed, damaged or lost).
        n: The record, 0 for the metadata, None if it is not one record.
        offset: Its byte in the tape; None if it is not one place there.
        text: For people, one sentence.
    """

    level: Level
    n: int | None
    offset: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """Whether a run is whole.

    Attributes:
        folder: Of the run.
        verdict: ``intact``; ``torn`` (intact up to what was being written when its writer died, which a restore puts
            aside); ``damaged``; ``not a run`` (no tape, or none that this version can judge).
        findings: In the order in which they were found.
        counts: ``records``, ``sessions``, ``trials``, ``ok``, ``failed``, ``live``, ``void``, ``evaluations``,
            ``files`` (large results), ``replayed`` (suggestions that were asked for again).
    """

    folder: Path
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        """The report as plain data."""
        found = [{**asdict(found), "text": readable(found.text)} for found in self.findings]
        return {**asdict(self), "folder": readable(self.folder), "findings": found}


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What was saved of a run, and what was not.

    Attributes:
        folder: The run as it was; nothing in it was changed.
        into: The new run.
        kept: How many records the new tape has.
        mended: Kept records of which a damaged byte was put right, as their hash demands.
        dropped: What is not on the new tape, with the number it had and its first byte.
        lost_trials: The trials, by their old numbers, of which nothing is left.
        reopened: The trials, by their old numbers, whose result is lost: live again, and evaluated first on restore.
        renumbered: Old -> new ``tid``, for those that changed.
        lost: How many records are not on the new tape, and not there twice either.
        exact: Whether a restore makes the suggestions that the old run would have made.
        notes: What else is to be known.
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
        """The report as plain data; the keys of ``renumbered`` are strings."""
        data = {**asdict(self), "folder": readable(self.folder), "into": readable(self.into)}
        data["renumbered"] = {str(old): new for old, new in self.renumbered.items()}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in data.items()}
