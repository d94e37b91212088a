"""The contract of a pool: it runs evaluations in slots and never blocks the loop for long.

Results cross as plain data. A pool knows nothing of tape, search or stop; it reports what happened to the tasks
that it was given, each exactly once, unless it was cancelled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runlib.engine.component import Component
from runlib.evaluator.base import Evaluator

__all__ = ["Finished", "Lost", "Pool", "Task"]


@dataclass(frozen=True, slots=True)
class Task:
    """One evaluation to be done.

    Attributes:
        tid: The trial.
        suggestion: What is evaluated: plain data.
        timeout: Seconds from the start of the evaluation; None for no limit.
        folder: Where its output goes if it is captured; made when needed.
    """

    tid: int
    suggestion: Any
    timeout: float | None = None
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """An evaluation ended.

    Attributes:
        tid: The trial.
        result: ``{"ok": {...}}`` or ``{"error": {...}}``, plain data.
        names: For an error, the names by which it can be caught: its class and the bases of that.
        signalled: Whether a signal from outside may be the reason of the error.
    """

    tid: int
    result: dict[str, Any]
    names: tuple[str, ...] = field(default=())
    signalled: bool = False


@dataclass(frozen=True, slots=True)
class Lost:
    """A worker died without a result while it had no trial (the lost trial of a worker is ``Finished``).

    Attributes:
        slot: Its place.
        reason: How it ended, for people.
    """

    slot: int
    reason: str


class Pool(Component, abstract=True):
    """Base of all pools.

    Attributes:
        in_this_process: Whether evaluations run in the process of the manager, and so in its working folder.
    """

    in_this_process = False

    def slots(self, context: Mapping[str, Any]) -> int:
        """How many evaluations run at once, from ``max_workers`` in the context."""
        raise NotImplementedError

    def open(self, evaluator: Evaluator, context: Mapping[str, Any]) -> None:
        """Start the workers; they build the evaluator while this returns.

        Args:
            evaluator: What each worker calls.
            context: Of the run: ``max_workers``, ``devices``, ``capture_output``, ``memory_limit``,
                ``max_trials_per_worker``.
        """
        raise NotImplementedError

    def schedule(self, task: Task) -> None:
        """Hand over one evaluation; beyond the free slots it waits for the next one."""
        raise NotImplementedError

    def collect(self, timeout: float) -> list[Finished | Lost]:
        """What happened since the last call, waiting at most ``timeout`` seconds for the first thing.

        Raises:
            PoolError: The evaluator cannot be built in a worker.
        """
        raise NotImplementedError

    def drain(self, patience: float) -> list[Finished | Lost]:
        """What has finished and was not collected; the pool is closed next, and nothing begins any more.

        A pool whose ``collect`` leaves nothing behind need not have this.

        Args:
            patience: Seconds for which those that still work may go on after being asked to end; what they then report
                does not count. 0 to ask nobody, and to wait for nothing.
        """
        return []

    def rest(self, seconds: float) -> None:
        """Start no worker for so many seconds; for pools that start them by themselves."""

    def cancel(self, tid: int) -> None:
        """Give up a scheduled or running evaluation; nothing is reported of it."""
        raise NotImplementedError

    def close(self, grace: float) -> None:
        """End all workers: those that still work get ``grace`` seconds after being asked, then are killed."""
        raise NotImplementedError
