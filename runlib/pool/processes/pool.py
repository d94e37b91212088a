"""Runs evaluations in one worker process for each slot, controlled by the loop of the run: ``pool_processes``.

The manager starts no thread and never waits for a single worker. Everything that takes time (a worker that starts, a
result of many megabytes, the seconds between asking and killing) is a state that ``collect`` returns to. A task waits
with a busy worker only if it can be taken back, so that no task waits behind a slow one while another worker is free.
"""

from __future__ import annotations

import os
import pickle
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from runlib.engine import registry
from runlib.engine.code.program import evaluation_folder
from runlib.engine.code.trust import current
from runlib.engine.component import merge_context
from runlib.engine.data.canonical import dump
from runlib.engine.data.shape import shape_of
from runlib.engine.extras import load
from runlib.errors import ConfigError, PoolError
from runlib.evaluator.base import Evaluator
from runlib.pool.base import Finished, Lost, Pool, Task
from runlib.pool.processes import probe
from runlib.pool.processes.context import PoolContext, TaskMessage
from runlib.pool.processes.frames import Kind
from runlib.pool.processes.guard import Guard
from runlib.pool.processes.payload.names import find_script
from runlib.pool.processes.payload.script import Origin, note_origin
from runlib.pool.processes.payload.unpacking import is_arriving
from runlib.pool.processes.process import WorkerProcess, has_supervisors
from runlib.pool.processes.running_time import LOOK
from runlib.pool.processes.slot import Slot, State
from runlib.pool.processes.starting import is_for_want_of_room, refusal
from runlib.pool.settings import Settings, read_settings

__all__ = ["ProcessPool"]

GLANCE = 0.05  # seconds between checks for dead workers, if the system does not report them
PATIENCE = 5.0  # seconds for a killed process to disappear


class ProcessPool(Pool):
    """Evaluates in newly started worker processes, one for each slot.

    Args:
        context: The settings ``max_workers`` (default: the number of cores that this process may use), ``devices``
            (slot i is pinned to one by ``CUDA_VISIBLE_DEVICES``), ``capture_output``, ``memory_limit`` (the memory of a
            worker and all processes that it started, in bytes or as ``"2 GiB"``; a trial above it is a MemoryError;
            Linux only) and ``max_trials_per_worker`` (a worker is replaced after so many trials). Those given to
            ``open`` come first.
    """

    kind = "pool_processes"
    also_called = ("process", "multiprocessing", "loky", "joblib", "subprocess")

    def __init__(self, context: Mapping[str, Any] | None = None) -> None:
        super().__init__(context)
        self._slots: list[Slot] = []
        self._shared: PoolContext | None = None

    def slots(self, context: Mapping[str, Any]) -> int:
        """Returns the number of evaluations that run at once.

        Raises:
            ConfigError: A value in the context is wrong.
        """
        return self._read(context).max_workers

    def _read(self, context: Mapping[str, Any]) -> Settings:
        given = {key: value for key, value in merge_context(type(self), context).items() if value is not None}
        settings = read_settings({**self.context, **given})
        if settings.memory_limit is not None and not has_supervisors():
            raise ConfigError(
                "the memory of a trial can be limited on Linux only; leave it out here", "context.memory_limit"
            )
        return settings

    def open(self, evaluator: Evaluator, context: Mapping[str, Any]) -> None:
        """Starts the workers, and does not wait until they have built the evaluator.

        Raises:
            ConfigError: A value in the context is wrong.
            PoolError: The evaluator cannot be sent, or no process can be started.
        """
        if self._shared is not None:
            raise PoolError("the pool is open already; close it first")
        if is_arriving():
            raise PoolError(
                "a worker imported a module that starts a run; put the start under: if __name__ == '__main__':"
            )
        self._settings = self._read(context)
        self._evaluator = evaluator
        _working_folder()  # raises the error for a missing folder before other code looks for a file in it
        self._payload: bytes = load("runlib.pool.processes.payload.packing").pack(evaluator)
        self._origin = note_origin(find_script(evaluator))
        self._failed = False
        self._drained = self._has_limits = False
        self._rests_until = float("-inf")
        self._shared = PoolContext(self._launch, _make_guard(), self._settings.max_trials_per_worker)
        self._slots = [Slot(index, self._shared) for index in range(self._settings.max_workers)]
        self._trouble: PoolError | None = None
        try:
            for slot in self._slots:
                self._start(slot, self._shared.clock(), opening=True)
            if self._trouble is not None:
                raise self._trouble
        except BaseException:
            self.close(0.0)
            raise

    def _start(self, slot: Slot, now: float, opening: bool = False) -> None:
        starting = self._opened().starting
        if not starting.may(now):
            return
        try:
            slot.start()
        except OSError as error:
            alone = opening and all(other.state is State.EMPTY for other in self._slots)
            if is_for_want_of_room(error) and not alone:
                starting.failed(error.errno or 0, now)
            else:  # raised after the finished trials are reported
                self._trouble = self._trouble or refusal(error)

    def _launch(self, slot: int) -> WorkerProcess:
        process = WorkerProcess(self._settings.environment(slot), self._settings.memory_limit)
        # The worker does nothing before its first message, and ends if the manager is gone. So it is always guarded.
        if (guard := self._opened().guard) is not None:
            guard.add(process.pid)
        process.send(Kind.BOOT, _boot_message(self._origin))
        process.send(Kind.PAYLOAD, self._payload)
        return process

    def _opened(self) -> PoolContext:
        if self._shared is None:
            raise PoolError("the pool is not open")
        return self._shared

    def schedule(self, task: Task) -> None:
        """Takes one evaluation. It waits here or with a busy worker until a worker is free.

        Raises:
            PoolError: The pool is not open.
        """
        shared = self._opened()
        folder = _as_text(task.folder) if self._settings.capture_output and task.folder is not None else None
        shared.queue.append(TaskMessage(task, _message(task, folder)))
        self._has_limits |= task.timeout is not None
        self._dispatch()

    def _dispatch(self) -> None:
        queue = self._opened().queue
        while queue:
            slot = self._choose(queue[0])
            if slot is None:
                return
            slot.assign(queue.popleft())

    def _choose(self, task: TaskMessage) -> Slot | None:
        """Returns a free slot for the next task, or one where it can wait and be taken back, or None."""
        busy = None
        for slot in self._slots:
            load = slot.load
            if load == 0:
                return slot
            if load == 1 and busy is None and task.short and slot.may_queue:
                busy = slot
        return busy

    def _balance(self) -> None:
        """Gives tasks that wait with a busy worker to a free one."""
        if self._opened().queue or all(slot.load != 0 for slot in self._slots):
            return
        for slot in self._slots:
            if (slot.load or 0) > 1:
                slot.take_back()
                self._dispatch()
                return

    def collect(self, timeout: float) -> list[Finished | Lost]:
        """Returns what happened since the last call, and waits at most ``timeout`` seconds for the first report.

        Raises:
            PoolError: The evaluator cannot be built in a worker (raised once), a worker cannot be started, or the pool
                is not open.
        """
        shared = self._opened()
        if self._has_limits:
            shared.clock.arrive()
        self._balance()
        end = time.monotonic() + timeout
        while True:
            self._await_something(shared, self._wait(end))
            self._check_slots()
            self._dispatch()
            if shared.events or self._has_news() or time.monotonic() >= end:
                if self._has_limits:
                    shared.clock.leave()
                return self._report(shared)

    def _await_something(self, shared: PoolContext, seconds: float) -> None:
        since = shared.clock() if self._has_limits else None
        ready = shared.selector.select(seconds)
        if since is not None:
            shared.clock.waited(seconds, since)
        for key, mask in ready:
            key.data(mask)

    def _has_news(self) -> bool:
        return self._is_in_trouble() and not self._failed

    def _wait(self, end: float) -> float:
        if self._opened().events or self._has_news():
            return 0.0
        wait = min(end - time.monotonic(), probe.PATIENCE)
        limits = [due for slot in self._slots if (due := slot.due) is not None]
        if limits:
            wait = min(wait, LOOK, min(limits) - self._opened().clock())
        wait = max(0.0, wait)
        return wait if hasattr(os, "pidfd_open") else min(wait, GLANCE)

    def _check_slots(self) -> None:
        now = self._opened().clock()
        for slot in self._slots:
            if slot.state is not State.EMPTY:
                if slot.process.handle is None and slot.process.has_ended():
                    slot.on_end()
                elif (due := slot.due) is not None and due <= now:
                    slot.on_due()
                else:
                    slot.look(now)
            if slot.state is State.EMPTY and now >= self._rests_until and not self._is_in_trouble():
                self._start(slot, now)

    def _is_in_trouble(self) -> bool:
        return self._opened().failure is not None or self._trouble is not None

    def _report(self, shared: PoolContext) -> list[Finished | Lost]:
        if not shared.events and shared.failure is not None and not self._failed:
            self._failed = True
            raise self._failure(*shared.failure)
        if not shared.events and self._trouble is not None and not self._failed:
            self._failed = True
            raise self._trouble
        events = list(shared.events)
        shared.events.clear()
        return events

    def _failure(self, reason: str, trace: str, name: str | None) -> PoolError:
        describe = load("runlib.pool.processes.payload.failure").describe_failure
        where = None if name is None else describe(self._evaluator, name, reason)
        error = PoolError(f"the evaluator cannot be built in a worker: {where or reason}")
        error.add_note(f"In the worker:\n{trace}")
        return error

    def drain(self, patience: float) -> list[Finished | Lost]:
        """Asks all workers to end, and returns what had finished by then. The pool is closed next.

        If a worker dies meanwhile, its trial counts as not tried.
        """
        if self._shared is None:
            return []
        self._drained = patience > 0
        busy = [slot for slot in self._slots if slot.load]
        for slot in self._slots:
            if slot.state is not State.EMPTY:
                slot.hear_rest(asking=self._drained)
        self._await(busy, patience)
        self._await([slot for slot in busy if slot.is_arriving], PATIENCE if patience else 0.0)
        events = list(self._shared.events)
        self._shared.events.clear()
        return events

    def rest(self, seconds: float) -> None:
        """Starts no worker for the given number of seconds."""
        self._rests_until = self._opened().clock() + seconds

    def cancel(self, tid: int) -> None:
        """Gives up a scheduled or running evaluation, which is not reported."""
        shared = self._opened()
        for slot in self._slots:
            if slot.cancel(tid):
                break
        waiting = [task for task in shared.queue if task.tid != tid]
        shared.queue.clear()
        shared.queue.extend(waiting)
        shared.events[:] = [e for e in shared.events if not (isinstance(e, Finished) and e.tid == tid)]
        self._dispatch()

    def close(self, grace: float) -> None:
        """Ends all workers. Does nothing if the pool is not open.

        Args:
            grace: The seconds that workers get after they were asked to end (busy ones by SIGTERM), before they are
                killed.
        """
        if self._shared is None:
            return
        alive = [slot for slot in self._slots if slot.state is not State.EMPTY]
        for slot in alive if grace > 0 and not self._drained else []:
            slot.ask_to_end()
        # Workers that were busy had their time when the pool was drained.
        self._await([slot for slot in alive if not (self._drained and slot.tasks)], grace)
        for slot in alive:
            if slot.state is not State.EMPTY:
                slot.kill()
        self._await(alive, PATIENCE)
        for slot in alive:
            if slot.state is not State.EMPTY:
                slot.process.give_up()
        self._await(alive, PATIENCE)
        if self._shared.guard is not None:
            self._shared.guard.close()
        self._shared.selector.close()
        self._shared, self._slots = None, []

    def _await(self, slots: list[Slot], patience: float) -> None:
        end = time.monotonic() + patience
        while True:
            for slot in slots:
                if slot.state is not State.EMPTY and slot.process.has_ended():
                    slot.on_end()
            left = end - time.monotonic()
            if left <= 0 or all(slot.state is State.EMPTY for slot in slots):
                return
            for key, mask in self._opened().selector.select(min(left, GLANCE)):
                key.data(mask)


def _make_guard() -> Guard | None:
    try:
        return None if has_supervisors() else Guard()
    except OSError as error:
        raise refusal(error) from error


def _boot_message(origin: Origin) -> bytes:
    """Returns the message that makes a worker like this process. ``runlib.pool.processes.worker.serve`` reads it."""
    message = {
        "origin": origin,
        "folder": _working_folder(),
        "path": list(sys.path),
        "argv": list(sys.argv),
        "pythonpath": os.environ.get("PYTHONPATH"),
        "plugins": [name for name in registry.plugins() if not _is_main(name)],
        "paths": registry.paths(),
        "trust": current(),
    }
    return pickle.dumps(message)


def _as_text(folder: Path) -> str:
    """Returns a path as text for JSON, whatever its bytes are. ``runlib.pool.processes.worker.serve`` reads it."""
    return os.fsencode(folder.absolute()).decode("latin-1")


def _working_folder() -> str:
    folder = evaluation_folder()
    if folder is None:
        raise PoolError(
            "the working folder of this process was deleted, in which the workers are to run: change into another "
            "folder, then restore the run"
        )
    return folder


def _is_main(plugin: str) -> bool:
    """Returns whether a plugin is the running script. Its classes are sent by value, and it must not run again."""
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    with suppress(OSError):
        return main is not None and plugin.endswith(".py") and Path(main).resolve() == Path(plugin)
    return False


def _message(task: Task, folder: str | None) -> bytes:
    """Returns a task as it is sent to a worker. The shape of its suggestion comes last, if it has one."""
    shape = shape_of(task.suggestion)
    return dump([task.tid, task.suggestion, folder, *([] if shape is None else [shape])])
