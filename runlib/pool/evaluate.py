"""Performs one evaluation, and returns a result and the names of its error, whatever happens.

Every exception of an evaluator is caught here, including ``SystemExit`` and ``KeyboardInterrupt``, and is returned as
text. Both pools call this function, so that they behave alike.
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
    """Calls the evaluator.

    Args:
        evaluator: The evaluator to call.
        suggestion: The argument of the evaluator, which may change it. So the caller passes a copy.
        folder: The folder for the output, or None if the output is not captured.
        ended: A function that is called when the evaluator has ended, with or without an error.

    Returns:
        ``{"ok": {...}}`` and no names, or ``{"error": {...}}`` and the names by which the error can be caught.
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
    except (Failed, InvalidResult) as error:  # the place in this module where it was found tells the user nothing
        raise error.with_traceback(None) from None


def failed(error: BaseException) -> Outcome:
    """Returns the outcome for an exception, even for one that cannot be described."""
    with contextlib.suppress(BaseException):  # the class of the error may override its traceback
        BaseException.with_traceback(error, _own_part(error.__traceback__))
    return error_result(error), tuple(error_names(error))


def _own_part(traceback: TracebackType | None) -> TracebackType | None:
    """Returns the traceback without the frames of this module, which tell the user nothing."""
    while traceback is not None and traceback.tb_frame.f_code.co_filename == __file__:
        traceback = traceback.tb_next
    return traceback


def timed_out(seconds: float) -> Outcome:
    """Returns the outcome for an evaluation that was stopped after ``seconds``."""
    return _error("TimeoutError", f"exceeded trial_timeout of {seconds:g} s"), tuple(error_names(TimeoutError()))


def lost(reason: str, traceback: str = "") -> Outcome:
    """Returns the outcome for an evaluation whose worker died.

    Args:
        reason: A text for the user that says how the worker ended.
        traceback: The last output of the interpreter, if there is any.
    """
    text = f"the worker {reason} during the evaluation"
    return _error("WorkerLost", text, traceback), tuple(error_names(WorkerLost("")))


def out_of_memory(reason: str) -> Outcome:
    """Returns the outcome for an evaluation that was stopped because it took too much memory.

    The error can be caught as a MemoryError. It can also be caught as a lost worker, which a run does by default.

    Args:
        reason: A text for the user about the memory taken and allowed: ``took 2.1 GiB, more than ...``.
    """
    text = f"the worker {reason} during the evaluation"
    names = [*error_names(MemoryError()), *error_names(WorkerLost(""))]
    return _error("MemoryError", text), tuple(dict.fromkeys(names))


def _error(name: str, text: str, traceback: str = "") -> dict[str, Any]:
    return {"error": {"error": name, "error_text": text, "traceback": traceback}}
