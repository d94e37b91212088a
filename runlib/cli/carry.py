"""Carrying out a run on a terminal: however it ends, the last lines say where it is and how it goes on.

What it found goes to standard output, how it is getting on to standard error.
"""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from runlib.cli.baseline import compare, evaluate_baseline
from runlib.cli.best import print_best
from runlib.cli.ending import INTERRUPTED, report, say, sentence
from runlib.errors import RunlibError, TapeReplaced
from runlib.observe.base import Observer
from runlib.observe.progress import ProgressObserver
from runlib.run.run import Run

__all__ = ["Manner", "carry_out"]

SHOWN = 5  # rows of the table at the end


@dataclass(frozen=True)
class Manner:
    """For how long a run runs, and how it is shown.

    Attributes:
        duration: Minutes; None for no limit.
        quiet: Print the folder alone.
        traceback: Show the traceback of a worker.
        baseline: A suggestion that the best is compared with; None for none.
    """

    duration: float | None
    quiet: bool
    traceback: bool
    baseline: Any = None


def carry_out(run: Run, manner: Manner) -> None:
    """Run, and show what came of it.

    Raises:
        typer.Exit: The run ended with an error, which has been told, or by SIGINT.
        SystemExit: SIGTERM ended it.
    """
    run.announces = False  # its last lines are told here
    if not manner.quiet:
        # Added now, so that the tape does not note it as an observer of the run: another session may have no terminal.
        run.observers = _with_progress(run)
        _announce_start(run)
    try:
        run.run(manner.duration)
    except KeyboardInterrupt:
        _show_result(run, manner)
        raise typer.Exit(INTERRUPTED) from None
    except SystemExit:
        _show_result(run, manner)
        raise
    except (RunlibError, OSError) as error:
        code = report(error, manner.traceback)
        if not isinstance(error, TapeReplaced):  # it has said where the run is now
            _show_way_on(run, manner, getattr(error, "place", None))
        raise typer.Exit(code) from None
    _show_result(run, manner, finished=True)


def _with_progress(run: Run) -> list[Observer]:
    if any(isinstance(observer, ProgressObserver) for observer in run.observers):
        return run.observers
    return [*run.observers, ProgressObserver(run.given_context)]


def _announce_start(run: Run) -> None:
    workers = run.pool.slots(run.context)
    what = f"{workers} worker{'s' if workers > 1 else ''}"
    say(f"{run.work_directory} runs with {what}; Ctrl-C ends it in order")


def _show_result(run: Run, manner: Manner, finished: bool = False) -> None:
    if not manner.quiet:
        _show_table(run)
        if finished and manner.baseline is not None:
            _show_baseline(run, manner.baseline)
    _show_way_on(run, manner)


def _show_table(run: Run) -> None:
    state = run.state
    why = "Cut off" if state.ended is None else (state.ended.text or state.ended.reason).rstrip(".: ")
    print(f"{run.work_directory.name}: {why}. {len(state.trials)} trials, {state.trials.error_count} failed.")
    if state.best is not None:
        print()
        print_best(state, SHOWN)
        print()


def _show_baseline(run: Run, suggestion: Any) -> None:
    if sys.stderr.isatty():
        say("evaluating the baseline ...")
    try:
        untuned = evaluate_baseline(run, suggestion)
    except RunlibError as error:
        say(f"warning: the baseline cannot be compared with: {sentence(error)}")
    else:
        print(compare(untuned, run.best.loss if run.best else None))


def _show_way_on(run: Run, manner: Manner, place: Path | None = None) -> None:
    """How the run goes on, in another place if it was moved; or the folder alone, if that was asked for."""
    folder = str(place or run.work_directory)
    print(folder if manner.quiet else _way_on(run, shlex.quote(folder)), flush=True)


def _way_on(run: Run, folder: str) -> str:
    reason = None if run.state.ended is None else run.state.ended.reason
    if reason == "exhausted":
        return f"nothing is left to try; to see more of it: runlib top {folder} -n 20"
    if reason == "stop":
        count = 2 * max(1, len(run.state.trials))
        return f"to go on beyond this stop: runlib restore {folder} --stop '{{stop_max: {{count: {count}}}}}'"
    return f"to go on: runlib restore {folder}"
