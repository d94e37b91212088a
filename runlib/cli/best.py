"""Shows the best trials of a run that was read, as plain data and as a table."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from runlib.cli.brief import Brief
from runlib.cli.ending import show
from runlib.engine.data.canonical import hash_suggestion
from runlib.engine.legible import legible_line
from runlib.observe.status import format_seconds
from runlib.state.state import State

__all__ = ["best_trials", "print_best"]


def best_trials(state: State, n: int) -> list[dict[str, Any]]:
    """Returns the ``n`` best trials with distinct suggestions, or all if there are fewer.

    Trials with equal losses are in the order of submission.
    """
    rows: list[dict[str, Any]] = []
    seen: set[str] = set()
    for tid, loss in state.trials.sorted_tids_losses:
        outcome = state.trials.get_outcome(tid)
        eid = hash_suggestion(outcome["suggestion"])
        if eid in seen:
            continue
        seen.add(eid)
        rows.append({"rank": len(rows) + 1, "trial": tid, "loss": loss, **_details(outcome)})
        if len(rows) == n:
            break
    return rows


def _details(outcome: dict[str, Any]) -> dict[str, Any]:
    names = ("duration", "suggestion", "refined_suggestion")
    return {name: outcome[name] for name in names if name in outcome}


def print_best(state: State, n: int) -> None:
    """Prints a table of the best trials on standard output; it is as wide as needed if that is not a terminal."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for name in ("rank", "loss", "trial", "duration", "suggestion"):
        table.add_column(name, justify="left", overflow="fold", no_wrap=name != "suggestion")
    brief = Brief(entry[1]["suggestion"] for entry in state.trials.values())
    for row in best_trials(state, n):
        seconds = _format_duration(row.get("duration"))
        cells = (str(row["rank"]), f"{row['loss']:.6g}", str(row["trial"]), seconds, brief(row["suggestion"]))
        table.add_row(*(Text(legible_line(cell)) for cell in cells))
    console = _console()
    with console.capture() as shown:
        console.print(table)
    show("\n".join(line.rstrip() for line in shown.get().splitlines()))


def _format_duration(seconds: float | None) -> str:
    """Returns a duration as text that shows milliseconds, which ``format_seconds`` would round away.

    Evaluations often take only milliseconds.
    """
    if seconds is None:
        return ""
    return f"{seconds:.3g} s" if seconds < 10 else format_seconds(seconds)


def _console() -> Console:
    if sys.stdout.isatty():
        return Console(file=sys.stdout, highlight=False)
    return Console(file=sys.stdout, highlight=False, width=100_000, color_system=None, force_terminal=False)
