"""Writes what a run leaves at its end: the best suggestions as files, and one line on the terminal.

A pause because of a full disk is also reported on the terminal while it lasts, because the user has to free space.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Iterator

from runlib.engine.code.program import evaluating_in, working_folder
from runlib.engine.data.shape import flat
from runlib.engine.data.yamlfile import write_yaml
from runlib.engine.legible import legible, legible_line, logger
from runlib.engine.printing import tell
from runlib.errors import EvaluationError
from runlib.observe.notebook import is_notebook
from runlib.observe.terminal import is_terminal
from runlib.pool.base import Pool
from runlib.run.continuation.advice import ways_on
from runlib.run.folder.folder import RunFolder
from runlib.run.loop.pause import log as pauses
from runlib.run.loop.unusable import log as results
from runlib.run.loop.unusable import why_none
from runlib.run.view import RunView
from runlib.state.state import State

__all__ = [
    "announce",
    "announce_start",
    "is_done",
    "summary",
    "telling_on_terminal",
    "way_on",
    "working_folders",
    "write_best",
]

BEST = 5

log = logger()


def write_best(state: State, folder: RunFolder) -> None:
    """Writes ``suggestion-0.yml`` to ``suggestion-4.yml``, best first, and the refined suggestions if there are any."""
    for refined, suggestions in (
        (False, state.evals.top_suggestions(BEST)),
        (True, state.evals.top_refined_suggestions(BEST)),
    ):
        names = [folder.suggestion(rank, refined).name for rank in range(BEST)]
        with folder.opened() as directory:
            for name, suggestion in zip(names, suggestions, strict=False):
                directory.replace(name, write_yaml(flat(suggestion)).encode())
            for name in names[len(suggestions) :]:  # files of suggestions that are no longer among the best
                with contextlib.suppress(FileNotFoundError):
                    directory.take_away(name)


def summary(run: RunView, before: int) -> str:
    """Returns one line that says how the run ended, what its best loss is, and how to continue it.

    Args:
        run: The run, which has ended.
        before: The number of its trials before this call of ``run()``.
    """
    state = run.state
    why = (state.ended.text or state.ended.reason).rstrip(".") if state.ended is not None else "cut off"
    none = why_none(state) or "no trial succeeded"
    best = f"best loss {state.best.loss:.6g} of trial {state.best.tid}" if state.best else none
    nothing = "nothing to do: " if is_done(state) and len(state.trials) == before else ""
    name = run.work_directory.name
    return legible_line(f"{name}: {nothing}{len(state.trials)} trials ({why}); {best}; {way_on(run)}")


def is_done(state: State) -> bool:
    """Returns whether the run ended because its stop was reached or its search was exhausted."""
    return state.ended is not None and state.ended.reason in ("stop", "exhausted")


def way_on(run: RunView) -> str:
    """Returns how to continue the run, beyond its stop if that was reached."""
    state = run.state
    reason = None if state.ended is None else state.ended.reason
    if reason == "exhausted":
        return "nothing is left to try"
    count = 2 * max(1, len(state.trials)) if reason == "stop" else None
    what = "go on" if count is None else "go on beyond this stop"
    return f"{what} with {ways_on(run, count=count)}"


def announce(run: RunView, before: int) -> None:
    """Prints the summary if a user reads standard output; otherwise logs a warning if no trial succeeded."""
    if _is_read():
        _tell(lambda: summary(run, before))
    elif why := why_none(run.state):
        log.warning("%s: %s", run.work_directory, why)


def announce_start(run: RunView) -> None:
    """Prints where the run is and how to continue it if it is cut off, if a user reads standard output."""
    _tell(lambda: f"{run.work_directory} runs; if it is cut off, go on with {ways_on(run)}")


def _tell(text: Callable[[], str]) -> None:
    """Prints a text if a user reads standard output; a closed terminal or a full disk does not end the run."""
    if not _is_read():
        return
    tell(legible_line(text()), sys.stdout)


def _is_read() -> bool:
    """Returns whether a user reads standard output: at a terminal, or in a notebook."""
    return is_notebook() or is_terminal(sys.stdout)


class _Teller(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        # If standard error is closed, nothing is printed; the log has the record.
        tell(legible(record.getMessage()), sys.stderr)


@contextlib.contextmanager
def working_folders(run: RunView, pool: Pool) -> Iterator[None]:
    """Starts worker processes in the folder where the run was begun, and names both folders if an evaluation fails.

    This holds while the context is open. Evaluators may read files by names that are relative to the working folder.
    """
    here, begun_in = working_folder(), run.begun_in
    try:
        with evaluating_in(run.evaluates_in):
            yield
    except EvaluationError as error:
        if begun_in is not None and begun_in != here:
            said, inside, trace = str(error).partition("\n\nIn the worker:\n")
            where = f"The run was begun in the working folder {legible_line(begun_in)}, and this is {here}"
            starts_there = run.evaluates_in is not None and not pool.in_this_process
            why = "workers start there" if starts_there else "names of files in the evaluator may count from there"
            error.args = (f"{said}. {where}: {why}{inside}{trace}",)
        raise


@contextlib.contextmanager
def telling_on_terminal(wanted: bool) -> Iterator[None]:
    """Prints warnings about unusable results to standard error in this context, unless logging does so already.

    On a terminal it also reports when the run pauses and when it continues.
    """
    told = [results, pauses] if is_terminal(sys.stderr) else [results]
    if not wanted or sys.stderr is None or _logging_tells():
        told = []
    teller = _Teller()
    for told_by in told:
        told_by.addHandler(teller)
    try:
        yield
    finally:
        for told_by in told:
            told_by.removeHandler(teller)


def _logging_tells() -> bool:
    handlers = [*logging.getLogger().handlers, *logging.getLogger("runlib").handlers]
    return any(isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr for handler in handlers)
