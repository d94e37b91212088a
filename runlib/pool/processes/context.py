"""Holds what the slots of a pool share: the tasks without a worker, the reports, and the start of workers."""

from __future__ import annotations

import selectors
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from runlib.pool.base import Finished, Lost, Task
from runlib.pool.processes.guard import Guard
from runlib.pool.processes.process import DATAGRAM, WorkerProcess
from runlib.pool.processes.running_time import RunningTime
from runlib.pool.processes.starting import Starting

__all__ = ["PoolContext", "TaskMessage"]


class TaskMessage:
    """Holds a task with the bytes that are sent, and its number in its slot."""

    __slots__ = ("data", "number", "short", "task", "tid")

    def __init__(self, task: Task, data: bytes) -> None:
        self.task = task
        self.tid = task.tid
        self.data = data
        self.number = 0
        self.short = len(data) <= DATAGRAM


@dataclass(slots=True)
class PoolContext:
    """Holds what the slots of a pool share.

    Attributes:
        launch: A function that starts a worker for the slot of this number and sends it its payload.
        guard: The guard that knows the groups of all workers, or None if each has a supervisor.
        max_trials: The number of trials that a worker may have, or None for any number.
        starting: The object that knows whether the system has room for workers.
        clock: The clock of all limits.
        selector: The selector that waits for the streams and the ends of workers.
        queue: The tasks that no worker has.
        events: The reports that are not collected yet.
        failure: The reason why no worker can be built, the traceback, and the type that cannot be unpickled, if any.
    """

    launch: Callable[[int], WorkerProcess]
    guard: Guard | None
    max_trials: int | None = None
    starting: Starting = field(default_factory=Starting)
    clock: RunningTime = field(default_factory=RunningTime)
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    queue: deque[TaskMessage] = field(default_factory=deque)
    events: list[Finished | Lost] = field(default_factory=list)
    failure: tuple[str, str, str | None] | None = None
