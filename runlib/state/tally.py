"""Counts what the finished trials of a run add up to, one trial at a time, whatever their number."""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from runlib.engine.data.copies import copied
from runlib.state.results import Entry

__all__ = ["NOTHING", "Incumbent", "OnError", "Tally"]

TOP = 5  # number of the best evaluations that are kept


@dataclass(frozen=True, slots=True)
class OnError:
    """Says what a failed trial counts as.

    Attributes:
        loss: The loss that the search gets in the place of the failure; None for no loss.
        cost: The cost of the trial; None for no cost.
    """

    loss: float | None = None
    cost: float | None = None


NOTHING = OnError()


class Incumbent:
    """Holds the best ok trial; of equal ones, the earliest.

    Attributes:
        tid: The number of the trial.
        loss: The loss of the trial.
        suggestion: A copy of its suggestion, which is made when it is first read.
    """

    __slots__ = ("_copy", "_suggestion", "loss", "tid")

    def __init__(self, tid: int, loss: float, suggestion: Any) -> None:
        self.tid = tid
        self.loss = loss
        self._suggestion = suggestion
        self._copy: Any = None

    @property
    def suggestion(self) -> Any:
        """Returns a copy of the suggestion of the trial."""
        if self._copy is None:
            self._copy = copied(self._suggestion)
        return self._copy

    def shown(self) -> Incumbent:
        """Returns an equal incumbent with its own copy of the suggestion."""
        return Incumbent(self.tid, self.loss, self._suggestion)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Incumbent):
            return NotImplemented
        return (self.tid, self.loss, self.suggestion) == (other.tid, other.loss, other.suggestion)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Incumbent(tid={self.tid}, loss={self.loss}, suggestion={self.suggestion!r})"


class Tally:
    """Counts finished trials, in the order of submission.

    Attributes:
        since_best: The number of trials finished since the incumbent last changed, or since the start.
        errors_in_a_row: The number of failed trials since the last success.
        repeats: The number of trials answered from known evaluations since the last one that was evaluated.
        total_cost: The sum of ``cost`` over evaluations.
        sign: The sign of the comparison: 1 if smaller losses are better, -1 if greater ones are.

    Args:
        sign: The sign of the comparison: 1 if smaller losses are better, -1 if greater ones are.
        cost_on_error: The cost of an evaluation that failed.
    """

    def __init__(self, sign: int = 1, cost_on_error: float = 0.0) -> None:
        self.sign = sign
        self._cost_on_error = cost_on_error
        self._count_anew([])

    def _count_anew(self, trials: Iterable[tuple[int, Entry, bool]]) -> None:
        """Counts again from these trials: number, entry, and whether it was answered from a known evaluation."""
        self._incumbent: Incumbent | None = None
        self.since_best = self.errors_in_a_row = self.repeats = 0
        self.total_cost = 0.0
        self._count_by_error: dict[str, int] = {}
        self._top: list[tuple[float, int, int]] = []
        self._ranked = 0
        for tid, entry, repeated in trials:
            self._count(tid, entry, repeated)

    @property
    def best(self) -> Incumbent | None:
        """Returns the incumbent; None before the first success."""
        return None if self._incumbent is None else self._incumbent.shown()

    @property
    def count_by_error(self) -> dict[str, int]:
        """Returns the number of failed trials by the name of their error."""
        return dict(self._count_by_error)

    @property
    def top(self) -> list[tuple[int, float]]:
        """Returns ``(tid, loss)`` of the best five evaluations, or of fewer; these are kept, not computed."""
        return [(tid, self.sign * worth) for worth, _, tid in self._top]

    def _count(self, tid: int, entry: Entry, repeated: bool) -> None:
        self.repeats = self.repeats + 1 if repeated else 0
        self.since_best += 1
        state, outcome = entry
        if state == "error":
            self.errors_in_a_row += 1
            self.total_cost += 0.0 if repeated else self._cost_on_error
            name = outcome.get("error", "UnknownError")
            self._count_by_error[name] = self._count_by_error.get(name, 0) + 1
            return
        self.errors_in_a_row = 0
        if not repeated:
            self.total_cost += outcome.get("cost", 0.0)
            self._rank(self.sign * outcome["loss"], tid)
        if self._incumbent is None or self.is_better(outcome["loss"], self._incumbent.loss):
            self._incumbent = Incumbent(tid, outcome["loss"], outcome["suggestion"])
            self.since_best = 0

    def is_better(self, loss: float, than: float) -> bool:
        """Returns whether a loss is better than another, by the direction of the run."""
        return self.sign * loss < self.sign * than

    def _rank(self, worth: float, tid: int) -> None:
        self._ranked += 1
        if len(self._top) < TOP or worth < self._top[-1][0]:
            bisect.insort(self._top, (worth, self._ranked, tid))
            del self._top[TOP:]
