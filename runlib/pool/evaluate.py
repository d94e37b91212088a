"""One evaluation, whatever happens in it: what comes out is a result and the names of its error.

Nothing that an evaluator raises gets past this, ``SystemExit`` and ``KeyboardInterrupt`` included, and all of it
leaves as text. Both pools call this, so that they cannot differ.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from runlib.errors import Failed, InvalidResult, WorkerLost
from runlib.evaluator.base import Evaluator
from runlib.evaluator.result import error_names, error_result, ok_result
from runlib.pool.output import captured

__all__ = ["evaluate", "lost", "out_of_memory", "timed_out"]

Outcome = tuple[dict[str, Any], tuple[str, ...]]


def evaluate(
    evaluator: Evaluator, suggestion: Any, folder: Path | None = None, ended: Callable[[], None] = lambda: None
) -> Outcome:
    """Call the evaluator.

    Args:
        evaluator: What is called.
        suggestion: Its argument, which it may change: the caller passes a copy.
        folder: Where its output goes; None to leave it alone.
        ended: Called when the evaluator has ended, whatever came of it.

    Returns:
        ``{"ok": {...}}`` and no names, or ``{"error": {...}}`` and the names by which it can be caught.
    """
    try:
        if folder is None:
            return _call(evaluator, suggestion, ended), ()
        with captured(folder):
            return _call(evaluator, suggestion, ended), ()
    except BaseException as error:
        return failed(error)


def _call(evaluator: Evaluator, suggestion: Any, ended: Callable[[], None]) -> dict[str, Any]:
    start = time.perf_counter()
    try:
        returned = evaluator(suggestion)
    finally:
        ended()
    try:
        return ok_result(returned, time.perf_counter() - start, evaluator.objective)
    except (Failed, InvalidResult) as error:  # where in our code that was found tells the user nothing
        raise error.with_traceback(None) from None


def failed(error: BaseException) -> Outcome:
    """The outcome for an exception, even for one that cannot be put into words."""
    with contextlib.suppress(BaseException):  # of a class that has another traceback than the interpreter gave it
        BaseException.with_traceback(error, _own_part(error.__traceback__))
    return error_result(error), tuple(error_names(error))


def _own_part(traceback: TracebackType | None) -> TracebackType | None:
    """The traceback without the frames of this module, which tell the user nothing."""
    while traceback is not None and traceback.tb_frame.f_code.co_filename == __file__:
        traceback = traceback.tb_next
    return traceback


def timed_out(seconds: float) -> Outcome:
    """The outcome for an evaluation that was stopped after ``seconds``."""
    return _error("TimeoutError", f"exceeded trial_timeout of {seconds:g} s"), tuple(error_names(TimeoutError()))


def lost(reason: str, traceback: str = "") -> Outcome:
    """The outcome for an evaluation whose worker died.

    Args:
        reason: How it ended, for people.
        traceback: What the interpreter could still say, if anything.
    """
    text = f"the worker {reason} during the evaluation"
    return _error("WorkerLost", text, traceback), tuple(error_names(WorkerLost("")))


def out_of_memory(reason: str) -> Outcome:
    """The outcome for an evaluation that was stopped for the memory it took.

    It can be caught as a MemoryError, and as the lost worker that it is, which a run does by default.

    Args:
        reason: What it took and might, for people: ``took 2.1 GiB, more than ...``.
    """
    text = f"the worker {reason} during the evaluation"
    names = [*error_names(MemoryError()), *error_names(WorkerLost(""))]
    return _error("MemoryError", text), tuple(dict.fromkeys(names))


def _error(name: str, text: str, traceback: str = "") -> dict[str, Any]:
    return {"error": {"error": name, "error_text": text, "traceback": traceback}}
