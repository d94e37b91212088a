"""The suggestion that nobody tuned, evaluated once after a run, so that the gain can be seen.

It is evaluated as a trial is, in a pool of its own with one worker, so that nothing it does can harm the run, whose
result is safe by then. It is no trial: nothing of it goes on the tape.
"""

from __future__ import annotations

from typing import Any

from runlib.errors import EvaluationError
from runlib.pool.base import Finished, Pool, Task
from runlib.run.run import Run

__all__ = ["compare", "evaluate_baseline"]

PATIENCE = 0.5  # seconds between two looks at the pool; the result itself is noticed at once


def evaluate_baseline(run: Run, suggestion: Any) -> float:
    """The loss of a suggestion, by the evaluator and the pool of a run that has ended.

    Raises:
        EvaluationError: It has none.
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
    """``untuned: 58.12   best: 53.4 (8.1 % lower)``."""
    if best is None:
        return f"untuned: {untuned:.6g}   best: none"
    return f"untuned: {untuned:.6g}   best: {best:.6g} ({_difference(untuned, best)})"


def _difference(untuned: float, best: float) -> str:
    if best == untuned:
        return "the same"
    way = "lower" if best < untuned else "higher"
    return f"{abs(best - untuned) / abs(untuned):.1%} {way}".replace("%", " %") if untuned else way
