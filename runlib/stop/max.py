"""Stop after a number of trials or evaluations.

Exact, whatever the number of workers: no more trials are started than results are wanted.
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
    """Stop once ``count`` results are there.

    Args:
        count: How many, at least 1.
        errors: Whether failed ones count.
        use: ``"trials"``, or ``"evals"`` to count repeated suggestions once.
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
        """Whether enough are counted."""
        return self._counted(state) >= self.count

    def room(self, state: State) -> float:
        """How many are missing."""
        return max(0, self.count - self._counted(state))

    def short_report(self, state: State) -> str:
        """``Counted trials: 17/100.``"""
        what = "trials" if self.use == "trials" else "evaluations"
        which = "" if self.errors else " without error"
        return f"Counted {what}{which}: {self._counted(state)}/{self.count}."

    def _counted(self, state: State) -> int:
        table = state.trials if self.use == "trials" else state.evals
        return len(table) if self.errors else table.ok_count
