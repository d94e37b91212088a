"""Defines the commands ``verify`` and ``repair``, which audit a run and change nothing in its folder.

``verify`` exits with 0 if nothing is lost: the run is intact, or torn, which means that a record that was being written
when the writer died had never been shown as done. It exits with 1 if something is damaged or lost, and with 2 if there
is no run to check.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runlib.audit.repair import repair as save
from runlib.audit.report import Finding, RepairReport, Report
from runlib.audit.verify import verify as audit
from runlib.cli.ending import DONE, FAILED, WRONG, reporting, show, show_json
from runlib.cli.options import NoPlugins, Plugins, TrustOthers, load_plugins
from runlib.engine.legible import legible_line
from runlib.run.continuation.advice import ways_on
from runlib.run.run import Run

__all__ = ["repair", "verify"]

CODES = {"intact": DONE, "torn": DONE, "damaged": FAILED, "not a run": WRONG}
SHOWN = 20  # findings that are shown; --json shows all

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Of the run; nothing in it is changed.")]
Json = Annotated[bool, typer.Option("--json", help="As one line of JSON.")]


def verify(
    folder: Folder,
    replay: Annotated[
        bool, typer.Option("--replay", help="Ask the search again for every suggestion, and compare.")
    ] = False,
    json: Json = False,
    plugin: Plugins = None,
    no_plugins: NoPlugins = False,
    trust: TrustOthers = False,
) -> None:
    """Check whether the run in FOLDER is whole.

    The chain of hashes, the records, the large results and the derived files are checked. No code of the run is
    executed, except with --replay, which imports the plugins, modules and the script that the tape names and the search
    needs. With --no-plugins none of them is imported. Code that belongs to another user is imported only with --trust.
    Exit code 0: nothing is lost; 1: something is damaged or lost; 2: there is no run, or one of a newer format.
    """
    with reporting():
        load_plugins(plugin)
        report = audit(folder, replay, plugins=not no_plugins, trust=trust)
        show_json(report.as_data()) if json else show(render_report(report))
        if CODES[report.verdict] != DONE:
            raise typer.Exit(CODES[report.verdict])


def repair(
    folder: Folder,
    into: Annotated[Path, typer.Argument(metavar="INTO", help="The folder of the new run, which must not exist.")],
    json: Json = False,
) -> None:
    """Save the intact part of the run in FOLDER as a new run in INTO.

    The command reports exactly what is lost. Nothing is repaired in place: FOLDER stays as it is.
    """
    with reporting():
        report = save(folder, into)
        show_json(report.as_data()) if json else show(render_repair(report))


def render_report(report: Report) -> str:
    """Returns the verdict in one line, and the findings below it."""
    counts, lines = report.counts, [f"{report.folder}: {report.verdict}"]
    if counts:
        what = f"{counts['records']} records, {counts['trials']} trials finished, {counts['live']} live"
        asked = f", {counts['replayed']} suggestions asked for again" if counts["replayed"] else ""
        lines[0] += f" ({what}{asked})"
    return "\n".join(map(legible_line, [*lines, *_listed(report.findings)]))


def render_repair(report: RepairReport) -> str:
    """Returns a text that says what was saved, what was lost, and what that means for continuing the run."""
    mended = f", {len(report.mended)} of them put right" if report.mended else ""
    lost = f"{report.lost} lost" if report.lost else "none lost"
    lines = [f"{report.into}: {report.kept} records saved{mended}, {lost}"]
    lines += [*_listed(report.mended), *_listed(report.dropped), *(f"  note: {note}" for note in report.notes)]
    if report.lost_trials:
        lines.append(f"Lost trials: {_numbers(report.lost_trials)}.")
    if report.renumbered:
        lines.append(f"Renumbered trials: {', '.join(f'{a} -> {b}' for a, b in [*report.renumbered.items()][:SHOWN])}.")
    if report.reopened:
        lines.append(
            f"Live again, as their results are lost: {_numbers(report.reopened)}; a restore evaluates them first."
        )
    lines.append(_way_on(report))
    return "\n".join(map(legible_line, lines))


def _way_on(report: RepairReport) -> str:
    how = ways_on(Run.checkout(report.into)).by_command
    if report.exact:
        return f"Go on exactly with: {how}"
    return (
        f"Go on with: {how}. As suggestions were made knowing what is lost, the next ones will be others than those of "
        "the old run: the search adopts what is left."
    )


def _listed(findings: tuple[Finding, ...]) -> list[str]:
    lines = [f"  {found.level}: {found.text}" for found in findings[:SHOWN]]
    left = len(findings) - SHOWN
    return [*lines, f"  and {left} more; --json has them all"] if left > 0 else lines


def _numbers(numbers: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, numbers[:SHOWN]))
    return f"{shown} and {len(numbers) - SHOWN} more" if len(numbers) > SHOWN else shown
