"""``pool_serial``: evaluates in the process of the run, one task after the other. For debugging and small work.

The results are those of ``pool_processes``. What a process of its own would give is missing: a crash ends the run,
nothing else happens meanwhile, and ``trial_timeout`` is soft (see ``runlib.pool.alarm``).

Standard output is that of the process. So of several runs in threads that capture the output of their trials only one
evaluates at a time; what the rest of the program prints meanwhile goes where that of the trial goes.
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

TOGETHER = 0.02  # seconds within which several tasks are evaluated before the loop hears of them

log = logging.getLogger("runlib.pool")


class SerialPool(Pool):
    """Evaluates in this process, one after the other.

    Args:
        context: ``devices`` (the first one is used, by ``CUDA_VISIBLE_DEVICES``) and ``capture_output``; those given
            to ``open`` come first. ``max_workers`` and ``max_trials_per_worker`` are checked, and make no difference;
            a ``memory_limit`` is refused, since only another process can keep it.
    """

    kind = "pool_serial"
    in_this_process = True
    also_called = ("sync", "local", "inline", "debug", "none", "single", "synchronous")

    def __init__(self, context: Mapping[str, Any] | None = None) -> None:
        super().__init__(context)
        self._evaluator: Evaluator | None = None
        self._queue: deque[Task] = deque()
        self._done: list[Finished | Lost] = []  # finished and not yet collected
        self._waited = False

    def slots(self, context: Mapping[str, Any]) -> int:
        """Always 1.

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
        """Take the evaluator, as it is.

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
        """Take a task for the next ``collect``.

        Raises:
            ConfigError: It has a time limit, and this is not the main thread.
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
        """Evaluate the next task, however long it takes, and more if they are quick; without one, return at once.

        Several quick ones (there are, if suggestions are made ahead) are made durable at once, as with processes.
        While another run in this process captures the output of a trial, this waits for ``timeout`` seconds at most.

        Raises:
            KeyboardInterrupt: A person interrupted the evaluation; the task is still scheduled.
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
                if self._queue and self._queue[0] is task:  # not if the evaluator itself cancelled it
                    self._queue.popleft()
                # Through the same text as between processes, so that the same data comes out.
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
        """Give up a task that was not collected yet."""
        self._opened()
        self._queue = deque(task for task in self._queue if task.tid != tid)

    def close(self, grace: float) -> None:
        """Let go of the evaluator and of what is scheduled; a pool that is not open is left as it is."""
        if self._evaluator is not None:
            self._evaluator = None
            self._queue.clear()
            self._done = []
            put_back(self._variables)


@contextlib.contextmanager
def _interruptible() -> Iterator[list[BaseException]]:
    """A Ctrl-C that the handler of SIGINT turned into an exception is not a result of the trial; it stands in the list.

    Raises:
        KeyboardInterrupt: It came from the handler; one that the evaluator raises by itself is an error of the trial.
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
