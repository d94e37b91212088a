"""What the slots of a pool share: the tasks that no worker has, what is to be reported, how workers are started."""

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
    """A task with the bytes in which it travels, and its number in the slot that has it."""

    __slots__ = ("data", "number", "short", "task", "tid")

    def __init__(self, task: Task, data: bytes) -> None:
        self.task = task
        self.tid = task.tid
        self.data = data
        self.number = 0
        self.short = len(data) <= DATAGRAM


@dataclass(slots=True)
class PoolContext:
    """What the slots of a pool share.

    Attributes:
        launch: Starts a worker for the slot of this number and sends it its payload.
        guard: Knows the groups of all workers; None where each has a supervisor.
        max_trials: How many trials a worker may have; None for any number.
        starting: Whether the system has room for workers.
        clock: On which all limits count.
        selector: Waits for their streams and ends.
        queue: Tasks that no worker has.
        events: What is to be reported.
        failure: Why no worker can be built, the traceback of that, and the type that cannot be unpickled, if any.
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
