"""Implements ``stop_errors``, which ends a run in which too many trials fail.

It ends the run as any stop does, and the failed trials stay as they are. It limits nothing in advance: trials that
already run when the limit is reached are still finished.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runlib.errors import ConfigError
from runlib.state.state import State
from runlib.stop.arguments import check_number, check_whole
from runlib.stop.base import Stop

__all__ = ["StopErrors"]


class StopErrors(Stop):
    """Ends a run once ``count`` trials in a row failed, or a ``share`` of all finished ones.

    Args:
        count: The number of failures in a row, at least 1; None if it does not matter.
        share: The share of failures among all finished trials, above 0 and at most 1; None if it does not matter.
        minimum: The number of finished trials from which on the share counts.
        context: Not used.

    Raises:
        ConfigError: Neither ``count`` nor ``share`` is given, or one of them is out of its range.
    """

    kind = "stop_errors"
    also_called = ("max_errors", "max_failures", "failures", "n_failures", "max_failed")

    def __init__(
        self,
        count: int | None = None,
        share: float | None = None,
        minimum: int = 10,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(context)
        if count is None and share is None:
            raise ConfigError("needs 'count' (failures in a row), 'share' (of the finished trials), or both")
        self.count = None if count is None else check_whole(count, "count")
        self.share = None if share is None else _check_share(share)
        self.minimum = check_whole(minimum, "minimum")

    def done(self, state: State) -> bool:
        """Returns whether one of the two limits is reached."""
        return self._row_reached(state) or self._share_reached(state)

    def _row_reached(self, state: State) -> bool:
        return self.count is not None and state.errors_in_a_row >= self.count

    def _share_reached(self, state: State) -> bool:
        finished = len(state.trials)
        if self.share is None or finished < self.minimum:
            return False
        return state.trials.error_count >= self.share * finished

    def short_report(self, state: State) -> str:
        """Returns a sentence like ``Errors: 2/5 in a row, 4 of 34 trials (limit 50 %, from 10 trials on).``"""
        parts = []
        if self.count is not None:
            parts.append(f"{state.errors_in_a_row}/{self.count} in a row")
        if self.share is not None:
            limit = f"limit {100 * self.share:g} %, from {self.minimum} trials on"
            parts.append(f"{state.trials.error_count} of {len(state.trials)} trials ({limit})")
        return f"Errors: {', '.join(parts)}."


def _check_share(share: Any) -> float:
    found = check_number(share, "share")
    if not 0 < found <= 1:
        raise ConfigError(f"must be above 0 and at most 1, got {share!r}", "share")
    return found
