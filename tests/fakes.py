"""Stand-ins that tests control: a pool without processes, a search that keeps what it hears, a clock that is set."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from runlib.errors import InvalidResult, SearchExhausted
from runlib.evaluator.base import Evaluator
from runlib.evaluator.result import error_names, error_result, ok_result
from runlib.pool.base import Finished, Lost, Pool, Task
from runlib.search.base import Search, seed_for


class DirectPool(Pool):
    """Evaluates in this process, at ``collect``; by default one task at a time, the oldest first.

    Args:
        order: Gets the waiting tasks, returns those that end now; None for the oldest.
        said: What ``collect`` returns first of all.
    """

    kind = "pool_direct"

    def __init__(
        self,
        order: Callable[[list[Task]], list[Task]] | None = None,
        said: list[Finished | Lost] | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(context)
        self.order = order
        self.said = list(said or [])
        self.waiting: list[Task] = []
        self.started: list[int] = []
        self.most_at_once = 0
        self.is_open = False
        self.closed_with: list[float] = []
        self.cancelled: list[int] = []

    def _get_config(self) -> dict[str, Any]:
        return {}

    def slots(self, context: Mapping[str, Any]) -> int:
        return context.get("max_workers") or 1

    def open(self, evaluator: Evaluator, context: Mapping[str, Any]) -> None:
        self.evaluator, self.is_open = evaluator, True

    def schedule(self, task: Task) -> None:
        assert self.is_open
        self.waiting.append(task)
        self.started.append(task.tid)
        self.most_at_once = max(self.most_at_once, len(self.waiting))

    def collect(self, timeout: float) -> list[Finished | Lost]:
        if self.said:
            said, self.said = self.said, []
            return said
        chosen = self.waiting[:1] if self.order is None else self.order(self.waiting)
        self.waiting = [task for task in self.waiting if task not in chosen]
        return [self._evaluate(task) for task in chosen]

    def _evaluate(self, task: Task) -> Finished:
        try:
            return Finished(task.tid, ok_result(self.evaluator(task.suggestion), 0.25, self.evaluator.objective))
        except (Exception, InvalidResult) as error:
            return Finished(task.tid, error_result(error), tuple(error_names(error)))

    def cancel(self, tid: int) -> None:
        self.cancelled.append(tid)

    def close(self, grace: float) -> None:
        self.closed_with.append(grace)
        self.cancelled += [task.tid for task in self.waiting]
        self.waiting = []


class SpySearch(Search):
    """Suggests numbers that depend on all that it heard, and keeps that.

    Args:
        points: How many distinct suggestions there are; None for as many as floats.
        total: After how many suggestions it is exhausted.
    """

    kind = "search_spy"

    def __init__(
        self,
        space: Any = None,
        seed: int = 123,
        points: int | None = None,
        total: int | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(context)
        self.space, self.seed, self.points, self.total = space, seed, points, total
        self.heard: list[tuple[int, float | None]] = []
        self.suggested = 0
        self.asked = 0

    def suggest(self) -> tuple[int, Any]:
        if self.total is not None and self.suggested >= self.total:
            raise SearchExhausted(f"all {self.total} suggestions were made")
        known = sum(loss for _, loss in self.heard if loss is not None)
        stream = random.Random(f"{seed_for(self.seed, self.suggested)}/{known!r}")
        x = stream.random() if self.points is None else stream.randrange(self.points)
        self.asked += 1
        self.suggested += 1
        return self.suggested - 1, {"x": x}

    def submit(self, tid: int, *, error: bool = False, loss: float | None = None, var: float | None = None) -> None:
        self.heard.append((tid, None if error else loss))

    def recall(self, tid: int, suggestion: Any, memo: Any) -> None:
        assert tid == self.suggested
        self.suggested += 1


def quadratic(x: float) -> float:
    """Smallest at 0.3."""
    return (x - 0.3) ** 2


def story(state: Any) -> list[Any]:
    """The suggestions and results on the tape of a state, in order, without times and writers."""
    kinds = ("suggest", "submit")
    return [record.event for record in state.tape if record.event is not None and record.event.kind in kinds]
