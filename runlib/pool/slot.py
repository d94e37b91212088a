"""A place for one worker: what was handed to it, until when, and what its end means. One state at a time.

::

    EMPTY --start--> BOOTING --"ready"--> READY --timeout, cancel, last trial--> STOPPING
      ^                 |                   |                                       |
      +---------------- the process ends, whatever the reason ----------------------+

Of the tasks handed over the first is the one being evaluated; those behind it lie in the worker's line and can be
taken back. Whatever happens, each of them is reported once or goes back to the queue. A trial is reported as
timed out when nothing of it runs any more, or cannot be killed.
"""

from __future__ import annotations

import enum
import selectors
import signal
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from runlib.engine.canonical import dump, load
from runlib.pool.base import Finished, Lost, Task
from runlib.pool.evaluate import lost, out_of_memory, timed_out
from runlib.pool.guard import Guard
from runlib.pool.process import DATAGRAM, WorkerProcess

__all__ = ["Desk", "Order", "Slot"]

GRACE = 0.3  # seconds between SIGTERM and SIGKILL
FAREWELL = 2.0  # seconds for a worker that had its last trial to end by itself
BOTH = selectors.EVENT_READ | selectors.EVENT_WRITE


class State(enum.Enum):
    """What the worker in a slot is doing."""

    EMPTY = "empty"
    BOOTING = "booting"
    READY = "ready"
    STOPPING = "stopping"


class Order:
    """A task with the bytes in which it travels."""

    __slots__ = ("data", "short", "task", "tid")

    def __init__(self, task: Task, data: bytes) -> None:
        self.task = task
        self.tid = task.tid
        self.data = data
        self.short = len(data) <= DATAGRAM


@dataclass(slots=True)
class Desk:
    """What the slots of a pool share.

    Attributes:
        launch: Starts a worker for the slot of this number and sends it its parcel.
        guard: Knows the groups of all workers; None where each has a supervisor.
        max_trials: How many trials a worker may have; None for any number.
        selector: Waits for their streams and ends.
        queue: Tasks that no worker has.
        events: What is to be reported.
        failure: Why no worker can be built, the traceback of that, and the type that cannot be unpickled, if any.
    """

    launch: Callable[[int], WorkerProcess]
    guard: Guard | None
    max_trials: int | None = None
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    queue: deque[Order] = field(default_factory=deque)
    events: list[Finished | Lost] = field(default_factory=list)
    failure: tuple[str, str, str | None] | None = None


class Slot:
    """One place.

    Args:
        index: Its number, from 0.
        desk: Shared with the other slots.
    """

    def __init__(self, index: int, desk: Desk) -> None:
        self.index = index
        self.state = State.EMPTY
        self.orders: deque[Order] = deque()
        self._desk = desk
        self._since = 0.0
        self._kill_at: float | None = None
        self._killed = False
        self._done = 0
        self._long = 0
        self._verdict: Finished | None = None
        self._process: WorkerProcess | None = None

    @property
    def process(self) -> WorkerProcess:
        """The worker in this slot."""
        if self._process is None:
            raise RuntimeError(f"slot {self.index} is empty")
        return self._process

    @property
    def load(self) -> int | None:
        """How many tasks the worker has; None if it cannot take any."""
        return len(self.orders) if self.state is State.READY and self._kill_at is None else None

    @property
    def may_queue(self) -> bool:
        """Whether one more task may wait with the worker: a last trial has none behind it."""
        limit = self._desk.max_trials
        return limit is None or self._done + len(self.orders) < limit

    @property
    def due(self) -> float | None:
        """When the slot wants to be looked after, on the monotonic clock; None if nothing is pending."""
        if self._kill_at is not None:
            return self._kill_at
        if self.state is not State.READY or not self.orders or self.orders[0].task.timeout is None:
            return None
        return self._since + self.orders[0].task.timeout

    def start(self) -> None:
        """Put a fresh worker into the slot."""
        self._process = process = self._desk.launch(self.index)
        self.state = State.BOOTING
        self._kill_at = self._verdict = None
        self._killed = False
        self._done = 0
        self._desk.selector.register(process.stream, BOTH, self.on_stream)
        if process.handle is not None:
            self._desk.selector.register(process.handle, selectors.EVENT_READ, self.on_end)

    def hand(self, order: Order) -> None:
        """Give the worker a task; only a short one may wait behind another."""
        if not self.orders:
            self._since = time.monotonic()
        self.orders.append(order)
        if order.short:
            self.process.send_task(order.data)
        else:
            self._send_long(order.data)

    def _send_long(self, data: bytes) -> None:
        """The datagram only announces it; by its number a task that was taken back is told from the next one."""
        self._long += 1
        self.process.send_task(dump([self._long]))
        self.process.send(self._long.to_bytes(8) + data)
        if not self.process.all_sent:
            self._desk.selector.modify(self.process.stream, BOTH, self.on_stream)

    def on_stream(self, mask: int = selectors.EVENT_READ) -> None:
        """The stream has something to read, or room for what is to be sent."""
        if self._process is None:
            return  # its end was noticed in the same moment, and came first
        process = self._process
        if mask & selectors.EVENT_WRITE and process.flush():
            self._desk.selector.modify(process.stream, selectors.EVENT_READ, self.on_stream)
        if mask & selectors.EVENT_READ:
            for message in process.read():
                self._hear(message)
            if process.ended_stream:
                self._lose_stream()

    def _hear(self, message: bytes) -> None:
        said = load(message)
        if isinstance(said, list):
            self._finish(*said)
        elif "failed" in said:
            self._desk.failure = (said["failed"], said["traceback"], said["type"])
        elif self.state is State.BOOTING:
            self.state = State.READY

    def _finish(self, tid: int, result: dict[str, object], names: list[str]) -> None:
        if not self.orders or self.orders[0].tid != tid:
            return  # it came too late: the trial was given up
        self.orders.popleft()
        self._since = time.monotonic()
        self._done += 1
        self._desk.events.append(Finished(tid, result, tuple(names)))
        if self._done == self._desk.max_trials and self.state is State.READY:
            self._dismiss()

    def _dismiss(self) -> None:
        """The worker had its last trial: it ends, and a fresh one takes its place."""
        self.state = State.STOPPING
        self.process.farewell()
        self._kill_at = time.monotonic() + FAREWELL

    def _lose_stream(self) -> None:
        """Nothing more will come; the process is about to end, or has closed what it must not."""
        if self.process.stream in self._desk.selector.get_map():
            self._desk.selector.unregister(self.process.stream)
        if self._kill_at is None:
            self._kill_at = time.monotonic() + GRACE

    def on_due(self) -> None:
        """The moment of ``due`` has come."""
        if self._kill_at is not None:
            self._escalate()
            return
        self.on_stream()  # the result may be there
        if self.due is not None and self.due <= time.monotonic() and self._kill_at is None:
            task = self.orders[0].task
            self._stop(Finished(task.tid, *timed_out(task.timeout or 0.0)), task.tid)

    def cancel(self, tid: int) -> bool:
        """Give up a task of this worker.

        Returns:
            Whether it had it.
        """
        if self._has(tid):
            self.on_stream()  # it may be done by now
        if not self._has(tid):
            return False
        self.take_back()
        if self._has(tid) and self.state is State.STOPPING:
            self._drop(tid)
        elif self._has(tid):
            self._stop(None, tid)
        return True

    def _has(self, tid: int) -> bool:
        return any(order.tid == tid for order in self.orders)

    def _drop(self, tid: int) -> None:
        self.orders = deque(order for order in self.orders if order.tid != tid)

    def take_back(self) -> None:
        """Put the tasks that the worker has not begun at the front of the queue."""
        for _ in range(self.process.take_back()):
            self._desk.queue.appendleft(self.orders.pop())

    def _stop(self, verdict: Finished | None, tid: int) -> None:
        """End the worker because of one of its tasks; what it says of the others still counts."""
        self.take_back()
        self._drop(tid)
        self._verdict = verdict
        self.state = State.STOPPING
        self.ask_to_end()
        self._kill_at = time.monotonic() + GRACE

    def ask_to_end(self) -> None:
        """Ask a busy worker by SIGTERM, which it may heed in its own way; an idle one by a word."""
        process = self.process
        busy = self.load != 0
        process.farewell()
        if busy:
            process.signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the worker and all in its group now."""
        self._killed = True
        self.process.signal(signal.SIGKILL)

    def _escalate(self) -> None:
        if self._killed:  # and still there: stuck in the kernel, and nobody can say for how long
            self._kill_at = None
            self._pronounce()
        else:
            self.kill()
            self._kill_at = time.monotonic() + GRACE

    def _pronounce(self) -> None:
        if self._verdict is not None:
            self._desk.events.append(self._verdict)
            self._verdict = None

    def on_end(self, mask: int = selectors.EVENT_READ) -> None:
        """The worker is dead: kill what its group has left, hear its last messages, and account for its tasks."""
        process = self.process
        process.signal(signal.SIGKILL)
        for message in process.read_all():
            self._hear(message)
        self.take_back()
        words = process.last_words()
        self._account(self._bury(process), words, process.overrun is not None)
        self.state = State.EMPTY
        self._process = None

    def _bury(self, process: WorkerProcess) -> str:
        for line in (process.stream, process.handle):
            if line is not None and line in self._desk.selector.get_map():
                self._desk.selector.unregister(line)
        # Off the list first: once it is reaped its number is free for others.
        if self._desk.guard is not None:
            self._desk.guard.remove(process.pid)
        return process.bury()

    def _account(self, reason: str, words: str, overrun: bool) -> None:
        if self.state is State.STOPPING:
            self._pronounce()
        elif self.orders:
            outcome = out_of_memory(reason) if overrun else lost(reason, words)
            self._desk.events.append(Finished(self.orders.popleft().tid, *outcome))
        elif self._desk.failure is None:
            when = "before it was ready" if self.state is State.BOOTING else "while it had no task"
            said = f"; it said:\n{words}" if words else ""
            self._desk.events.append(Lost(self.index, f"{reason} {when}{said}"))
        self._desk.queue.extendleft(reversed(self.orders))
        self.orders.clear()
