"""Manages the place of one worker: its tasks, their time limits, and its end. A place is in one state at a time.

::

    EMPTY --start--> BOOTING --"ready"--> READY --timeout, cancel, last trial--> STOPPING
      ^                 |                   |                                       |
      +---------------- the process ends, whatever the reason ----------------------+

The first task is being evaluated. Those behind it wait on the worker's line of tasks and can be taken back. Each task
is reported once or returns to the queue. A trial is reported as timed out when none of its processes runs any more, or
when they cannot be killed.
"""

from __future__ import annotations

import enum
import selectors
import signal
from collections import deque

from runlib.pool.base import Finished, Lost
from runlib.pool.evaluate import lost, out_of_memory, timed_out
from runlib.pool.processes.context import PoolContext, TaskMessage
from runlib.pool.processes.frames import Kind, Message
from runlib.pool.processes.messages import Nonsense, Ready, Result, Signalled, Unbuilt, read_message
from runlib.pool.processes.orderly import FATAL
from runlib.pool.processes.probe import Probe
from runlib.pool.processes.process import WorkerProcess

__all__ = ["Slot"]

GRACE = 0.3  # seconds between SIGTERM and SIGKILL, and between two checks of a result that is arriving
FAREWELL = 2.0  # seconds for a worker to end by itself after its last trial
BOTH = selectors.EVENT_READ | selectors.EVENT_WRITE


class State(enum.Enum):
    """Names what the worker in a slot is doing."""

    EMPTY = "empty"
    BOOTING = "booting"
    READY = "ready"
    STOPPING = "stopping"


class Slot:
    """Manages one place for a worker.

    Args:
        index: The number of the slot, from 0.
        shared: The data that all slots share.
    """

    def __init__(self, index: int, shared: PoolContext) -> None:
        self.index = index
        self.state = State.EMPTY
        self.tasks: deque[TaskMessage] = deque()
        self._shared = shared
        self._since = 0.0
        self._kill_at: float | None = None
        self._killed = self._rejected = False
        self._done = 0
        self._handed = 0
        self._signalled = self._excused = False
        self._arrived = 0
        self._outcome: Finished | Lost | None = None
        self._process: WorkerProcess | None = None

    @property
    def process(self) -> WorkerProcess:
        """Returns the worker in this slot."""
        if self._process is None:
            raise RuntimeError(f"slot {self.index} is empty")
        return self._process

    @property
    def load(self) -> int | None:
        """Returns the number of tasks of the worker, or None if it cannot take any."""
        return len(self.tasks) if self.state is State.READY and self._kill_at is None else None

    @property
    def may_queue(self) -> bool:
        """Returns whether one more task may wait with the worker. None may wait behind its last trial."""
        limit = self._shared.max_trials
        return limit is None or self._done + len(self.tasks) < limit

    @property
    def due(self) -> float | None:
        """Returns the time for the next ``on_due`` on the clock of the pool, or None if nothing is pending."""
        if self._kill_at is not None:
            return self._kill_at
        if self.state is not State.READY or not self.tasks or self.tasks[0].task.timeout is None:
            return None
        return self._since + self.tasks[0].task.timeout

    def start(self) -> None:
        """Starts a new worker in the slot."""
        self._process = process = self._shared.launch(self.index)
        self.state = State.BOOTING
        self._kill_at = self._outcome = None
        self._probe = Probe(process)
        self._killed = self._rejected = self._signalled = False
        self._done = 0
        self._since = self._shared.clock()
        self._shared.selector.register(process.stream, BOTH, self.on_stream)
        if process.handle is not None:
            self._shared.selector.register(process.handle, selectors.EVENT_READ, self.on_end)

    def assign(self, task: TaskMessage) -> None:
        """Gives the worker a task. Only a short task may wait behind another one."""
        if not self.tasks:
            self._begin()
        self._handed += 1
        task.number = self._handed
        if not self._send(task):
            self._shared.queue.appendleft(task)
            self._reject("nothing, but closed the line by which it gets its tasks")
            return
        self.tasks.append(task)

    def _begin(self) -> None:
        """Starts the time of a trial."""
        self._since = self._shared.clock()
        self._excused = False
        self._arrived = 0

    def _send(self, task: TaskMessage) -> bool:
        """Sends a task, and returns whether the worker can take it.

        A long task is only announced on the line of tasks. Its number distinguishes it from one that was taken back.
        """
        if task.short:
            return self.process.send_task(Kind.TASK, task.number, task.data)
        if not self.process.send_task(Kind.ANNOUNCED, task.number):
            return False
        self.process.send(Kind.TASK, task.number.to_bytes(8) + task.data)
        if not self.process.all_sent and self.process.stream in self._shared.selector.get_map():
            self._shared.selector.modify(self.process.stream, BOTH, self.on_stream)
        return True

    def on_stream(self, mask: int = selectors.EVENT_READ) -> None:
        """Reads from the stream, and goes on sending."""
        if self._process is None:
            return  # its end was noticed at the same time and handled first
        process = self._process
        if mask & selectors.EVENT_WRITE and process.flush():
            self._shared.selector.modify(process.stream, selectors.EVENT_READ, self.on_stream)
        if mask & selectors.EVENT_READ:
            for message in process.read():
                self._receive(message)
            if process.ended_stream:
                self._lose_stream()
            self._check()

    def _receive(self, message: Message) -> None:
        if self._rejected:
            return
        try:
            said = read_message(message)
            if not self._take(said):
                raise Nonsense("what does not belong to anything that it was asked")
        except Nonsense as nonsense:
            self._reject(str(nonsense))

    def _take(self, said: Ready | Signalled | Unbuilt | Result) -> bool:
        """Acts on a message. Returns False if a worker that follows the protocol cannot have sent it."""
        if isinstance(said, Result):
            return self._finish(said)
        if isinstance(said, Signalled):
            self._signalled = True
            return self.state is not State.BOOTING
        if self.state is not State.BOOTING:
            return self.state is State.STOPPING
        if isinstance(said, Unbuilt):
            self._shared.failure = (said.reason, said.traceback, said.type)
        else:
            self.state = State.READY
            self._shared.starting.succeeded(self._since)
        return True

    def _finish(self, said: Result) -> bool:
        signalled, self._signalled = self._signalled, False
        first = self.tasks[0] if self.tasks else None
        if first is None or (first.number, first.tid) != (said.number, said.tid):
            return self.state is State.STOPPING  # the result of a trial that was given up comes too late
        self.tasks.popleft()
        self._begin()
        self._done += 1
        signalled = "error" in said.result and (signalled or self.process.signalled)
        self._shared.events.append(Finished(said.tid, said.result, said.names, signalled))
        if self._done == self._shared.max_trials and self.state is State.READY:
            self._end_after_last()
        return True

    def _receive_all(self) -> None:
        for message in self.process.read_all():
            self._receive(message)
        self._check()

    def _check(self) -> None:
        """Rejects the worker if the data that arrived is no message at all."""
        if self.process.fault is not None:
            self._reject(self.process.fault)

    def _reject(self, what: str) -> None:
        """Ends a worker that sent invalid data. Nothing that it sends is trusted any more."""
        self._rejected = True
        self.take_back()
        self.process.refuse(what)
        if self.state is not State.STOPPING:
            self._outcome = self._loss(f"sent {what}, and was killed")
            self.state = State.STOPPING
        self._leave_stream()
        self.kill()
        self._kill_at = self._shared.clock() + GRACE

    def _loss(self, reason: str, crash_text: str = "", signalled: bool = False) -> Finished | Lost:
        """Returns the report about a lost worker: about its trial if it had one, or about the worker itself."""
        if self.tasks:
            return Finished(self.tasks.popleft().tid, *lost(reason, crash_text), signalled)
        when = "before it was ready" if self.state is State.BOOTING else "while it had no task"
        said = f"; it said:\n{crash_text}" if crash_text else ""
        return Lost(self.index, f"{reason} {when}{said}")

    def look(self, now: float) -> None:
        """Checks whether the worker waits for a task although one is unanswered; see ``probe``."""
        awaited = self.tasks[-1] if self.tasks else self._process if self.state is State.BOOTING else None
        if awaited is None or self._kill_at is not None:
            return
        answered = self._probe.look(awaited, self._since, now)
        if answered is None:
            return
        self._receive_all()
        if answered in self.tasks or (answered is self._process and self.state is State.BOOTING):
            self._reject("no answer that could be read, though it waits for a task")

    def _end_after_last(self) -> None:
        """Ends the worker after its last trial. A new one takes its place."""
        self.state = State.STOPPING
        self.process.send_task(Kind.LEAVE)
        self._kill_at = self._shared.clock() + FAREWELL

    def _lose_stream(self) -> None:
        """Handles the end of the stream: the process is about to end, or has closed the stream although it must not."""
        self._leave_stream()
        if self._kill_at is None:
            self._kill_at = self._shared.clock() + GRACE

    def _leave_stream(self) -> None:
        if self.process.stream in self._shared.selector.get_map():
            self._shared.selector.unregister(self.process.stream)

    def on_due(self) -> None:
        """Acts when the time of ``due`` has come."""
        if self._kill_at is not None:
            self._escalate()
            return
        self.on_stream()  # the result may have arrived
        if self.due is not None and self.due <= self._shared.clock() and self._kill_at is None and not self._extend():
            task = self.tasks[0].task
            self._stop(Finished(task.tid, *timed_out(task.timeout or 0.0)), task.tid)

    def _extend(self) -> bool:
        """Gives the trial more time if nothing ran for a while or its result arrives, and returns whether it did."""
        more = 0.0
        if not self._excused:
            self._excused, more = True, self._shared.clock.unseen
        if (arrived := self.process.arriving) > self._arrived:
            self._arrived, more = arrived, max(more, GRACE)
        self._since += more
        return more > 0

    @property
    def is_arriving(self) -> bool:
        """Returns whether a message has begun to arrive and is not complete."""
        return self._process is not None and self._process.arriving > 0 and not self._process.ended_stream

    def hear_rest(self, asking: bool) -> None:
        """Reads all messages that have arrived.

        Args:
            asking: Whether the worker is asked to end. If so, its messages until the end count, and its end is not
                reported.
        """
        self._receive_all()
        if asking:
            self.ask_to_end()
            self.state = State.STOPPING

    def cancel(self, tid: int) -> bool:
        """Gives up a task of this worker.

        Returns:
            Whether the worker had the task.
        """
        if self._has(tid):
            self.on_stream()  # the task may be finished by now
        if isinstance(self._outcome, Finished) and self._outcome.tid == tid:
            self._outcome = None
            return True
        if not self._has(tid):
            return False
        self.take_back()
        if self._has(tid) and self.state is State.STOPPING:
            self._drop(tid)
        elif self._has(tid):
            self._stop(None, tid)
        return True

    def _has(self, tid: int) -> bool:
        return any(task.tid == tid for task in self.tasks)

    def _drop(self, tid: int) -> None:
        self.tasks = deque(task for task in self.tasks if task.tid != tid)

    def take_back(self) -> None:
        """Puts the tasks that the worker has not begun at the front of the queue."""
        for number in reversed(self.process.take_back()):
            if self.tasks and self.tasks[-1].number == number:  # otherwise it was answered before it was begun
                self._shared.queue.appendleft(self.tasks.pop())
        self._probe.forget()

    def _stop(self, outcome: Finished | None, tid: int) -> None:
        """Ends the worker because of one of its tasks. Its results of the other tasks still count."""
        self.take_back()
        self._drop(tid)
        self._outcome = outcome
        self.state = State.STOPPING
        self.ask_to_end()
        self._kill_at = self._shared.clock() + GRACE

    def ask_to_end(self) -> None:
        """Asks a busy worker to end by SIGTERM, which it may handle in its own way, and an idle one by a message."""
        self.take_back()  # so that the message is the next one on the line
        process = self.process
        busy = self.load != 0
        process.send_task(Kind.LEAVE)
        process.wake()
        if busy:
            process.signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kills the worker and all processes in its group now."""
        self._killed = True
        self.process.signal(signal.SIGKILL)

    def _escalate(self) -> None:
        if self._killed:  # it was killed and is still there: it is stuck in the kernel, nobody knows for how long
            self._kill_at = None
            self._report_outcome()
        else:
            self.kill()
            self._kill_at = self._shared.clock() + GRACE

    def _report_outcome(self) -> None:
        if self._outcome is not None:
            self._shared.events.append(self._outcome)
            self._outcome = None

    def on_end(self, mask: int = selectors.EVENT_READ) -> None:
        """Handles the worker's death: kills the rest of its group, reads its last messages, accounts for its tasks."""
        process = self.process
        process.signal(signal.SIGKILL)
        self._receive_all()
        self.take_back()
        crash_text = process.last_words()
        self._account(self._reap(process), crash_text, process.overrun is not None)
        self.state = State.EMPTY
        self._process = None

    def _reap(self, process: WorkerProcess) -> str:
        for line in (process.stream, process.handle):
            if line is not None and line in self._shared.selector.get_map():
                self._shared.selector.unregister(line)
        # The guard removes the process first: after it is reaped, its number may be reused.
        if self._shared.guard is not None:
            self._shared.guard.remove(process.pid)
        return process.reap()

    def _account(self, reason: str, crash_text: str, overrun: bool) -> None:
        if self.state is State.STOPPING:
            self._report_outcome()
        elif self.process.unstarted is not None:
            self._shared.starting.failed(self.process.unstarted, self._shared.clock())
        elif self.tasks and overrun:
            self._shared.events.append(Finished(self.tasks.popleft().tid, *out_of_memory(reason)))
        elif self.tasks or self._shared.failure is None:
            signalled = self._was_killed() or self.process.signalled
            self._shared.events.append(self._loss(reason, crash_text, signalled))
        self._shared.queue.extendleft(reversed(self.tasks))
        self.tasks.clear()

    def _was_killed(self) -> bool:
        """Returns whether another process ended the worker."""
        return not self._killed and -(self.process.exit_code or 0) in FATAL
