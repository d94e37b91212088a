"""Carries out a run on a terminal; however it ends, the last lines say where it is and how to continue it.

The results go to standard output. The progress, and the output of trials, go to standard error.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from runlib.cli.baseline import compare, evaluate_baseline
from runlib.cli.best import print_best
from runlib.cli.ending import FAILED, INTERRUPTED, report, say, sentence, show, show_path
from runlib.cli.streams import stdout_to_stderr
from runlib.engine import registry
from runlib.engine.code.program import working_folder, working_in
from runlib.engine.legible import legible_line, shell_word
from runlib.errors import RunlibError, TapeReplaced
from runlib.run.continuation.advice import ways_on
from runlib.run.loop.ending import is_done
from runlib.run.loop.unusable import why_none
from runlib.run.run import Run

__all__ = ["Manner", "carry_out", "working_where_it_did"]

SHOWN = 5  # rows of the table at the end


@dataclass(frozen=True)
class Manner:
    """Holds how long a run runs and how it is shown.

    Attributes:
        duration: The limit in minutes; None for no limit.
        quiet: Whether to print only the folder.
        traceback: Whether to show the traceback of a worker.
        baseline: A suggestion that the best trial is compared with; None for none.
    """

    duration: float | None
    quiet: bool
    traceback: bool
    baseline: Any = None


def carry_out(run: Run, manner: Manner) -> None:
    """Runs the run, and shows its result.

    Raises:
        typer.Exit: The run ended with an error, which was reported, or without any success, or by SIGINT.
        SystemExit: SIGTERM ended the run.
    """
    run.announces = False  # this module prints the last lines
    before = len(run.state.trials)
    if not manner.quiet and not _is_done(run):
        _announce_start(run)
    try:
        with stdout_to_stderr():
            run.run(manner.duration, progress=not manner.quiet)
    except KeyboardInterrupt:
        _show_result(run, manner)
        raise typer.Exit(INTERRUPTED) from None
    except SystemExit:
        _show_result(run, manner)
        raise
    except (RunlibError, OSError) as error:
        code = report(error, manner.traceback)
        if not isinstance(error, TapeReplaced):  # its message says where the run is now
            _show_way_on(run, manner, getattr(error, "place", None))
        raise typer.Exit(code) from None
    if is_done(run.state) and len(run.state.trials) == before > 0:
        _show_nothing_done(run, manner)
    else:
        _show_result(run, manner, finished=True)
    if why := why_none(run.state):
        say(f"error: {why}")
        raise typer.Exit(FAILED)


def _is_done(run: Run) -> bool:
    """Returns whether the run has reached its stop, or had exhausted its search when it last ended."""
    state = run.state
    try:
        wants_nothing = run.done
    except Exception:  # a stop of the user raised; the run reports the error
        return False
    return wants_nothing or (run.ended_before == "exhausted" and not state.live_trials and not state.queue)


def _show_nothing_done(run: Run, manner: Manner) -> None:
    if not manner.quiet:
        show(legible_line(f"{run.work_directory.name}: nothing to do. {_why(run)}. {len(run.state.trials)} trials."))
    _show_way_on(run, manner)


def _why(run: Run) -> str:
    ended = run.state.ended
    return "Cut off" if ended is None else (ended.text or ended.reason).rstrip(".: ")


@contextlib.contextmanager
def working_where_it_did(run: Run) -> Iterator[None]:
    """Changes, in this context, into the working folder of the program that began the run, if it still exists.

    Evaluators may read files by names that are relative to the working folder.
    """
    folder, here = run.program.folder if run.program else None, working_folder()
    if folder is None or folder == here or not os.access(folder, os.X_OK):
        yield
        return
    if here is not None:
        registry.add_path(here)
    say(legible_line(f"the working folder is {folder}, where the run was begun"))
    with working_in(folder):
        yield


def _announce_start(run: Run) -> None:
    workers = run.pool.slots(run.context)
    what = f"{workers} worker{'s' if workers > 1 else ''}"
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    how = "SIGINT is ignored" if ignored else "Ctrl-C ends it in order"
    say(legible_line(f"{run.work_directory} runs with {what}; {how}"))


def _show_result(run: Run, manner: Manner, finished: bool = False) -> None:
    if not manner.quiet:
        _show_table(run)
        if finished and manner.baseline is not None:
            _show_baseline(run, manner.baseline)
    _show_way_on(run, manner)


def _show_table(run: Run) -> None:
    state = run.state
    counted = f"{len(state.trials)} trials, {state.trials.error_count} failed."
    show(legible_line(f"{run.work_directory.name}: {_why(run)}. {counted}"))
    if state.best is not None:
        show("")
        print_best(state, SHOWN)
        show("")


def _show_baseline(run: Run, suggestion: Any) -> None:
    if sys.stderr.isatty():
        say("evaluating the baseline ...")
    try:
        with stdout_to_stderr():
            untuned = evaluate_baseline(run, suggestion)
    except RunlibError as error:
        say(f"warning: the baseline cannot be compared with: {sentence(error)}")
    else:
        best = run.state.best
        show(compare(untuned, best.loss if best else None))


def _show_way_on(run: Run, manner: Manner, place: Path | None = None) -> None:
    """Shows how to continue the run, in its new place if it was moved; with ``quiet`` shows only the folder."""
    if manner.quiet:
        show_path(place or run.work_directory)
    else:
        show(_way_on(run, place))


def _way_on(run: Run, place: Path | None) -> str:
    state, folder = run.state, place or run.work_directory
    reason = None if state.ended is None else state.ended.reason
    if reason == "exhausted":
        return f"nothing is left to try; to see more of it: runlib top {shell_word(folder)} -n 20"
    count = 2 * max(1, len(state.trials)) if reason == "stop" else None
    ways = ways_on(run, count=count, is_found=True, place=place)
    return f"to go on{'' if count is None else ' beyond this stop'}: {ways.shell}"
