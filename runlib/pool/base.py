"""Defines the contract of a pool, which runs evaluations in slots and never blocks the loop for long.

Tasks and results are passed as plain data. A pool knows nothing of tape, search or stop. It reports what happened to
each of its tasks exactly once, unless the task was cancelled.
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
    """Describes one evaluation to be done.

    Attributes:
        tid: The number of the trial.
        suggestion: The suggestion to evaluate, as plain data.
        timeout: The time limit in seconds from the start of the evaluation, or None for no limit.
        folder: The folder for the output if it is captured. It is made when needed.
    """

    tid: int
    suggestion: Any
    timeout: float | None = None
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """Reports that an evaluation ended.

    Attributes:
        tid: The number of the trial.
        result: The result as plain data, ``{"ok": {...}}`` or ``{"error": {...}}``.
        names: The names by which an error can be caught: those of its class and of the base classes.
        signalled: Whether a signal from outside may be the reason of the error.
    """

    tid: int
    result: dict[str, Any]
    names: tuple[str, ...] = field(default=())
    signalled: bool = False


@dataclass(frozen=True, slots=True)
class Lost:
    """Reports that a worker died while it had no trial. The trial of a worker that died is reported as ``Finished``.

    Attributes:
        slot: The number of the worker's slot.
        reason: A text for the user that says how the worker ended.
    """

    slot: int
    reason: str


class Pool(Component, abstract=True):
    """Defines the methods of all pools.

    Attributes:
        in_this_process: Whether evaluations run in the process of the manager, and so in its working folder.
    """

    in_this_process = False

    def slots(self, context: Mapping[str, Any]) -> int:
        """Returns the number of evaluations that run at once, from ``max_workers`` in the context."""
        raise NotImplementedError

    def open(self, evaluator: Evaluator, context: Mapping[str, Any]) -> None:
        """Starts the workers, and does not wait until they have built the evaluator.

        Args:
            evaluator: The evaluator that each worker calls.
            context: The context of the run, with ``max_workers``, ``devices``, ``capture_output``, ``memory_limit`` and
                ``max_trials_per_worker``.
        """
        raise NotImplementedError

    def schedule(self, task: Task) -> None:
        """Takes one evaluation. If no slot is free, the evaluation waits for the next free one."""
        raise NotImplementedError

    def collect(self, timeout: float) -> list[Finished | Lost]:
        """Returns what happened since the last call, and waits at most ``timeout`` seconds for the first report.

        Raises:
            PoolError: The evaluator cannot be built in a worker.
        """
        raise NotImplementedError

    def drain(self, patience: float) -> list[Finished | Lost]:
        """Returns the reports that were not collected. The pool is closed next, and no evaluation begins any more.

        A pool that leaves nothing behind in ``collect`` does not need this method.

        Args:
            patience: The time in seconds that busy workers have after they were asked to end. The result of an
                evaluation that goes on after the request does not count. With 0, no worker is asked, and the call does
                not wait.
        """
        return []

    def rest(self, seconds: float) -> None:
        """Starts no worker for the given number of seconds. This concerns pools that start workers by themselves."""

    def cancel(self, tid: int) -> None:
        """Gives up a scheduled or running evaluation, which is not reported."""
        raise NotImplementedError

    def close(self, grace: float) -> None:
        """Ends all workers. Busy workers are asked to end, and are killed after ``grace`` seconds."""
        raise NotImplementedError
