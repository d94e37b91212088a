"""Evaluates in the process of the run, one task after the other. ``pool_serial`` serves debugging and small work.

The results are those of ``pool_processes``. The protection of a separate process is missing: a crash ends the run,
nothing else happens during an evaluation, and ``trial_timeout`` is soft (see ``runlib.pool.alarm``).

Standard output belongs to the whole process. So if several runs in threads capture the output of their trials, only one
of them evaluates at a time. What the rest of the program prints meanwhile goes to the files of the trial.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import time
from collections import deque
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

from runlib.engine.component import merge_context
from runlib.engine.data.canonical import dump, load
from runlib.engine.data.copies import copied
from runlib.engine.descriptors import fill_standard
from runlib.errors import ConfigError, PoolError
from runlib.evaluator.base import Evaluator
from runlib.pool.alarm import can_ring, limited
from runlib.pool.base import Finished, Lost, Pool, Task
from runlib.pool.environment import put_back, set_variables
from runlib.pool.evaluate import Outcome, evaluate, timed_out
from runlib.pool.output import reserved
from runlib.pool.settings import Settings, read_settings

__all__ = ["SerialPool"]

TOGETHER = 0.02  # seconds for which several tasks are evaluated before the loop gets their results

log = logging.getLogger("runlib.pool")


class SerialPool(Pool):
    """Evaluates in this process, one task after the other.

    Args:
        context: The settings ``devices`` (the first one is used, through ``CUDA_VISIBLE_DEVICES``) and
            ``capture_output``. Those given to ``open`` come first. ``max_workers`` and ``max_trials_per_worker`` are
            checked but have no effect. A ``memory_limit`` is refused, since only a separate process can keep it.
    """

    kind = "pool_serial"
    in_this_process = True
    also_called = ("sync", "local", "inline", "debug", "none", "single", "synchronous")

    def __init__(self, context: Mapping[str, Any] | None = None) -> None:
        super().__init__(context)
        self._evaluator: Evaluator | None = None
        self._queue: deque[Task] = deque()
        self._done: list[Finished | Lost] = []  # reports that are not collected yet
        self._waited = False

    def slots(self, context: Mapping[str, Any]) -> int:
        """Returns 1.

        Raises:
            ConfigError: A value in the context is wrong.
        """
        self._read(context)
        return 1

    def _read(self, context: Mapping[str, Any]) -> Settings:
        given = {key: value for key, value in merge_context(type(self), context).items() if value is not None}
        settings = read_settings({**self.context, **given})
        if settings.memory_limit is not None:
            raise ConfigError("pool_serial cannot keep a limit; use pool_processes, or none", "context.memory_limit")
        return settings

    def open(self, evaluator: Evaluator, context: Mapping[str, Any]) -> None:
        """Takes the evaluator as it is.

        Raises:
            ConfigError: A value in the context is wrong.
            PoolError: The pool is open already, or another run in this process needs other devices.
        """
        if self._evaluator is not None:
            raise PoolError("the pool is open already; close it first")
        self._settings = self._read(context)
        fill_standard()
        self._variables = set_variables(self._settings.environment(0))
        self._evaluator = evaluator

    def _opened(self) -> Evaluator:
        if self._evaluator is None:
            raise PoolError("the pool is not open")
        return self._evaluator

    def schedule(self, task: Task) -> None:
        """Takes a task for the next ``collect``.

        Raises:
            ConfigError: The task has a time limit, and this is not the main thread.
            PoolError: The pool is not open.
        """
        self._opened()
        if task.timeout is not None and not can_ring():
            raise ConfigError(
                "pool_serial keeps a time limit only in the main thread; use pool_processes, or none",
                "trial_timeout",
            )
        self._queue.append(task)

    def collect(self, timeout: float) -> list[Finished | Lost]:
        """Evaluates the next task, however long it takes, and more if they are quick. Returns at once without a task.

        Several quick tasks, which exist if suggestions are made ahead, are evaluated in one call, so that they become
        durable together, as with processes. While another run in this process captures the output of a trial, the call
        waits for at most ``timeout`` seconds.

        Raises:
            KeyboardInterrupt: The user interrupted the evaluation. The task stays scheduled.
            PoolError: The pool is not open.
        """
        evaluator = self._opened()
        if not self._queue or not self._settings.capture_output:
            return self._work(evaluator)
        with reserved(timeout) as mine:
            if mine:
                return self._work(evaluator)
        if not self._waited:
            self._waited = True
            log.info("waits for a trial of another run in this process, which captures its output as this one does")
        return []

    def _work(self, evaluator: Evaluator) -> list[Finished | Lost]:
        done = self._done
        end = time.monotonic() + TOGETHER
        with _interruptible() as interrupted:
            while self._queue and (not done or time.monotonic() < end):
                task = self._queue[0]
                result, names = self._evaluate(evaluator, task)
                if interrupted:
                    break
                if self._queue and self._queue[0] is task:  # the evaluator itself may have cancelled the task
                    self._queue.popleft()
                # The result is written as text and read again, as between processes, so that the data is the same.
                done.append(Finished(task.tid, load(dump(result)), names))
        self._done = []
        return done

    def _evaluate(self, evaluator: Evaluator, task: Task) -> Outcome:
        suggestion = copied(task.suggestion)
        folder = task.folder if self._settings.capture_output else None
        if task.timeout is None:
            return evaluate(evaluator, suggestion, folder)
        outcome = too_late = timed_out(task.timeout)
        with limited(task.timeout) as alarm:
            outcome = evaluate(evaluator, suggestion, folder)
        return too_late if alarm.rang else outcome

    def cancel(self, tid: int) -> None:
        """Gives up a task that was not collected yet."""
        self._opened()
        self._queue = deque(task for task in self._queue if task.tid != tid)

    def close(self, grace: float) -> None:
        """Drops the evaluator and the scheduled tasks. Does nothing if the pool is not open."""
        if self._evaluator is not None:
            self._evaluator = None
            self._queue.clear()
            self._done = []
            put_back(self._variables)


@contextlib.contextmanager
def _interruptible() -> Iterator[list[BaseException]]:
    """Yields a list that receives an exception which the handler of SIGINT raises: it is no result of the trial.

    Raises:
        KeyboardInterrupt: The handler raised it. One that the evaluator raises by itself is an error of the trial.
    """
    handler = signal.getsignal(signal.SIGINT)
    if not can_ring() or not callable(handler):
        yield []
        return
    interrupted: list[BaseException] = []

    def handle(number: int, frame: FrameType | None) -> None:
        try:
            handler(number, frame)
        except BaseException as error:
            interrupted.append(error)
            raise

    signal.signal(signal.SIGINT, handle)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, handler)
    if interrupted:
        raise interrupted[0]
