"""Implements ``stop_max``, which ends a run after a number of trials or evaluations.

The number is exact for any number of workers, because no more trials are started than results are wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runlib.engine.data.native import native
from runlib.errors import ConfigError
from runlib.state.state import State
from runlib.stop.arguments import check_whole
from runlib.stop.base import Stop

__all__ = ["StopMax"]

USES = ("trials", "evals")


class StopMax(Stop):
    """Ends a run once ``count`` results exist.

    Args:
        count: The number of results, at least 1.
        errors: Whether failed trials count.
        use: The results to count: ``"trials"``, or ``"evals"`` to count repeated suggestions once.
        context: Not used.
    """

    kind = "stop_max"
    also_called = (
        "n_trials",
        "max_trials",
        "num_trials",
        "max_evals",
        "n_evals",
        "max_evaluations",
        "num_samples",
        "n_iter",
        "n_iterations",
        "iterations",
        "n_calls",
        "count",
        "trials",
        "evals",
        "budget",
        "max_iter",
    )

    def __init__(
        self, count: int, errors: bool = True, use: str = "trials", context: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(context)
        self.errors = native(errors)
        if not isinstance(self.errors, bool):
            raise ConfigError(f"must be true or false, got {errors!r}", "errors")
        if use not in USES:
            raise ConfigError(f"must be 'trials' or 'evals', got {use!r}", "use")
        self.count = check_whole(count, "count")
        self.use = use

    def done(self, state: State) -> bool:
        """Returns whether enough results are counted."""
        return self._counted(state) >= self.count

    def room(self, state: State) -> float:
        """Returns the number of results that are missing."""
        return max(0, self.count - self._counted(state))

    def short_report(self, state: State) -> str:
        """Returns a sentence like ``Counted trials: 17/100.``"""
        what = "trials" if self.use == "trials" else "evaluations"
        which = "" if self.errors else " without error"
        return f"Counted {what}{which}: {self._counted(state)}/{self.count}."

    def _counted(self, state: State) -> int:
        table = state.trials if self.use == "trials" else state.evals
        return len(table) if self.errors else table.ok_count
