"""The contract of an evaluator: a suggestion goes in, a loss comes out.

An evaluator is built once per worker and called once per trial, in the main thread of the worker.
"""

from __future__ import annotations

from typing import Any

from runlib.engine.component import Component

__all__ = ["Evaluator"]


class Evaluator(Component, abstract=True):
    """Base of all evaluators: override ``__call__``.

    Attributes:
        objective: The key of what it returns that counts; set by the run.
    """

    objective = "loss"

    def __call__(self, suggestion: Any) -> Any:
        """Evaluate one suggestion.

        Returns:
            The loss, a finite number (smaller is better unless the run says otherwise), or a dict with ``loss`` (or
            what the run names as its objective) and, as wanted, ``duration``
            (seconds), ``var`` (variance of the loss), ``cost`` (in any unit, summed by ``stop_cost``),
            ``refined_suggestion``, and any other plain data.
        """
        raise NotImplementedError(f"{type(self).__qualname__} has no __call__()")

    def is_found_by_config(self) -> bool:
        """Whether another process can make this evaluator by its config; one that names a script's function cannot."""
        return True

    def fingerprint(self) -> str | None:
        """A hash of what the config does not show (the source of a function), noted for restores; or None."""
        return None

    def fingerprint_code(self) -> str | None:
        """A hash of what a function does, without its name and the text around it; None for what is no function."""
        return None
