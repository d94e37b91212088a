"""Evaluates the untuned suggestion once after a run, to show how much the run gained.

It is evaluated like a trial, in the pool of the run, which is opened again with one worker. By then the result of the
run is safe, so nothing that the evaluation does can harm it. It is not a trial, and nothing about it goes on the tape.
"""

from __future__ import annotations

from typing import Any

from runlib.errors import EvaluationError
from runlib.pool.base import Finished, Pool, Task
from runlib.run.run import Run

__all__ = ["compare", "evaluate_baseline"]

PATIENCE = 0.5  # seconds of one wait for the pool; a result ends the wait at once


def evaluate_baseline(run: Run, suggestion: Any) -> float:
    """Returns the loss of a suggestion, by the evaluator and the pool of a run that has ended.

    Raises:
        EvaluationError: The evaluation failed, or the run has no evaluator.
        PoolError: The pool cannot go on.
    """
    context = {**run.context, "max_workers": 1, "capture_output": False}
    try:
        if run.evaluator is None:
            raise EvaluationError("the run has no evaluator", suggestion=suggestion)
        run.pool.open(run.evaluator, context)
        run.pool.schedule(Task(0, suggestion, run.trial_timeout))
        result = _wait(run.pool).result
    finally:
        run.pool.close(0.0)
    if "error" in result:
        error = result["error"]
        raise EvaluationError(f"{error['error']}: {error['error_text']}", suggestion=suggestion)
    loss: float = result["ok"]["loss"]
    return loss


def _wait(pool: Pool) -> Finished:
    while True:
        for message in pool.collect(PATIENCE):
            if isinstance(message, Finished):
                return message
            raise EvaluationError(f"the worker was lost: {message.reason}")


def compare(untuned: float, best: float | None) -> str:
    """Returns the comparison as text: ``untuned: 58.12   best: 53.4 (8.1 % lower)``."""
    if best is None:
        return f"untuned: {untuned:.6g}   best: none"
    return f"untuned: {untuned:.6g}   best: {best:.6g} ({_difference(untuned, best)})"


def _difference(untuned: float, best: float) -> str:
    if best == untuned:
        return "the same"
    way = "lower" if best < untuned else "higher"
    return f"{abs(best - untuned) / abs(untuned):.1%} {way}".replace("%", " %") if untuned else way
