"""Defines the contract of an evaluator: it gets a suggestion and returns a loss.

An evaluator is built once per worker and called once per trial, in the main thread of the worker.
"""

from __future__ import annotations

from typing import Any

from runlib.engine.component import Component

__all__ = ["Evaluator"]


class Evaluator(Component, abstract=True):
    """Is the base class of all evaluators: override ``__call__``.

    Attributes:
        objective: The key of the returned dict that counts; the run sets it.
    """

    objective = "loss"

    def __call__(self, suggestion: Any) -> Any:
        """Evaluates one suggestion.

        Returns:
            The loss, a finite number (smaller is better unless the run says otherwise), or a dict with ``loss`` (or the
                key that the run names as its objective) and, as wanted, ``duration`` (seconds), ``var`` (variance of
                the loss), ``cost`` (in any unit, summed by ``stop_cost``), ``refined_suggestion``, and any other plain
                data.
        """
        raise NotImplementedError(f"{type(self).__qualname__} has no __call__()")

    def is_found_by_config(self) -> bool:
        """Returns whether another process can make this evaluator from its config.

        This is not possible for a function of a script.
        """
        return True

    def fingerprint(self) -> str | None:
        """Returns a hash of what the config does not show (the source of a function), noted for restores; or None."""
        return None

    def fingerprint_code(self) -> str | None:
        """Returns a hash of what a function does, without its name and source text; None if it is no function."""
        return None
