"""Runs the loop, which keeps every free slot filled and puts everything on the tape before it has an effect.

One turn takes the results that the pool has. It appends each result in turn, applies it, and refills. It then makes all
records durable, and only after that starts new tasks and informs the observers. A refill depends on the state alone
(``refill.py``), so that a run that was cut off between any two records continues as if it had not been.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from runlib.engine.legible import logger
from runlib.errors import EvaluationError, PoolError
from runlib.observe.base import RunInfo
from runlib.pool.base import Finished, Lost, Pool, Task
from runlib.run.edits.inbox import Edit, InboxFolder, take_all
from runlib.run.folder.folder import RunFolder
from runlib.run.folder.outputs import make_outputs
from runlib.run.folder.returned import on_tape
from runlib.run.loop.doubt import Doubtful
from runlib.run.loop.losses import Losses
from runlib.run.loop.observers import ObserverList
from runlib.run.loop.pause import Arrivals
from runlib.run.loop.refill import Refill
from runlib.run.loop.signals import Interrupt
from runlib.run.loop.unusable import FirstResults
from runlib.search.base import Search
from runlib.state.state import State
from runlib.stop.base import Stop
from runlib.tape.events import End, Event, Retry, Submit, Void
from runlib.tape.writer import TapeWriter

__all__ = ["Loop", "Policy", "RunParts"]

ALWAYS_CAUGHT = frozenset({"Failed", "RunlibError"})  # the names of our own error, to exclude others called Failed
PATIENCE = 0.5  # seconds that the loop waits for the pool before it checks clock, signals and status
INBOX = 0.25  # the least seconds between two looks into the inbox
GRACE = 1.0  # seconds that workers get to end by themselves

log = logger()


@dataclass(frozen=True)
class Policy:
    """Holds the rules by which trials are run.

    Attributes:
        trial_timeout: The limit of one evaluation in seconds; None for no limit.
        caught_exceptions: The names of errors that become results; any other error ends the run.
        retries: The number of further attempts at a trial, by the name of the error, before the error becomes a result.
        reuse: Whether a repeated suggestion is answered by the known evaluation.
        capacity: The number of trials that are live at once: slots plus suggestions ahead.
        began: The time at which the loop begins, on the monotonic clock.
        duration: The limit of the loop in seconds; None for no limit.
        shutdown: The time before the end in which no trial is started, in seconds.
    """

    trial_timeout: float | None
    caught_exceptions: frozenset[str]
    retries: Mapping[str, int]
    reuse: bool
    capacity: int
    began: float
    duration: float | None = None
    shutdown: float = 0.0


@dataclass
class RunParts:
    """Holds the parts that work together in one call of ``run``."""

    search: Search
    stop: Stop
    pool: Pool
    state: State
    tape: TapeWriter
    folder: RunFolder
    observers: ObserverList
    info: RunInfo


@dataclass
class Loop:
    """Performs one call of ``run``.

    Args:
        parts: The parts of the run; the tape is locked.
        policy: The rules by which trials are run.
        interrupt: The interrupt, which tells whether the run is asked to end by a signal.
        clock: A monotonic clock in seconds.
        open_pool: A function that opens the pool; it is called once, when there is work to do.
        captures: Whether the output of a trial goes to files.
    """

    parts: RunParts
    policy: Policy
    interrupt: Interrupt
    clock: Callable[[], float]
    open_pool: Callable[[], None]
    captures: bool = False
    running: set[int] = field(default_factory=set)
    _failure: EvaluationError | PoolError | None = None
    _is_open: bool = False
    _looked: float = float("-inf")
    _taken: list[str] = field(default_factory=list)
    _refused: dict[str, str] = field(default_factory=dict)
    _cancelled: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        parts, policy = self.parts, self.policy
        tape = parts.folder.tape
        self._inbox = InboxFolder(parts.folder.path, parts.folder.directory)
        self._first = FirstResults(parts.info.slots)
        self._losses, self._doubtful = Losses(self.clock), Doubtful(self.clock)
        self._arrivals = Arrivals(tape, parts.pool, self.interrupt, self.running, self._left, self.clock)
        self._suggesting = Refill(
            parts.search,
            parts.stop,
            parts.state,
            capacity=policy.capacity,
            reuse=policy.reuse,
            append=self._append,
            running=self.running,
        )

    def run(self) -> End:
        """Runs turns until something ends the run, and returns the end, which is then on the tape, durable and shown.

        Raises:
            EvaluationError: An evaluation failed with an exception that is not to be caught.
            PoolError: The pool cannot go on.
            TapeError: The disk refused a record.
        """
        self.parts.tape.full = self._arrivals.wait_for_room
        while True:
            self._look_into_inbox()
            self._open()
            self._refill()
            self._commit()
            end = self._ending()
            if end is None:
                self._start()
                end = self._stuck()
            if end is not None:
                return self._finish(end)
            self._show()
            for message in self._arrivals.turn(self._patience()):
                self._take(message)
            self._take_doubtful()
            self._raise_failure()

    def _open(self) -> None:
        """Opens the pool as soon as the run is not done; a void may make a run that is done continue."""
        if not self._is_open and not self.parts.stop.done(self.parts.state):
            self._is_open = True
            self.open_pool()

    # -- results ----------------------------------------------------------------------------------

    def _take(self, message: Finished | Lost) -> None:
        if isinstance(message, Lost):
            self._fail_of_losses(self._losses.lost_alone(message.slot, self.running, message.reason))
        elif message.tid in self.running and message.signalled:
            self._doubtful.hold(message)
        elif message.tid in self.running:
            self._take_result(message)
            self.running.discard(message.tid)

    def _take_doubtful(self) -> None:
        """Takes delayed errors as results if no signal has come; otherwise their trials stay live."""
        if self.interrupt.signum is None:
            for message in self._doubtful.ripe():
                self._take(replace(message, signalled=False))

    def _take_result(self, message: Finished) -> None:
        error = message.result.get("error")
        if error is not None:
            self.parts.folder.refuse_moved()  # a moved folder may be why it failed
        if error is not None and self._tries_again(message, error):
            return
        if error is not None and not self._is_caught(message):
            suggestion = self.parts.state.live_trials[message.tid]
            self._failure = self._failure or _failure(message, suggestion, self.parts.folder)
            return
        result = on_tape(message.result, message.tid, self.parts.folder, self.parts.tape)
        # Suggestions that the earlier results call for must not know this one.
        self._suggesting.fill(lambda: True)
        self._append(Submit(message.tid, result))
        self._failure = self._failure or self._first.take(message.tid, result)
        self._count_loss(message.tid, error)
        self._suggesting.waiting = False

    def _is_caught(self, message: Finished) -> bool:
        said_by_evaluator = set(message.names) >= ALWAYS_CAUGHT
        return said_by_evaluator or bool(self.policy.caught_exceptions.intersection(message.names))

    def _tries_again(self, message: Finished, error: dict[str, Any]) -> bool:
        """Returns whether another attempt at the trial will be made; if so, puts that on the tape."""
        before = self.parts.state.attempts.get(message.tid, [])
        rules = (name for name in message.names if before.count(name) < self.policy.retries.get(name, 0))
        rule = next(rules, None)
        if rule is None:
            return False
        self._append(Retry(message.tid, self.parts.state.failed_attempts(message.tid) + 1, rule, error))
        self._count_loss(message.tid, error)
        return True

    def _count_loss(self, tid: int, error: Mapping[str, Any] | None) -> None:
        if error is None or error.get("error") != "WorkerLost":
            self._losses.survived(ok=error is None)
            return
        self._fail_of_losses(self._losses.lost_with_trial(tid, self.running, error.get("error_text", "")))

    def _fail_of_losses(self, why: str | None) -> None:
        if why is not None:
            log_file = self.parts.folder.path / "log.log"
            self._failure = self._failure or PoolError(f"{why}; look into {log_file}, then restore the run")
        elif self._losses.pause:
            self.parts.pool.rest(self._losses.pause)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            self._take_rest()
            self._commit()
            raise self._failure

    def _take_rest(self) -> None:
        """Takes the results that arrive before the end."""
        if self._is_open:
            for message in self._arrivals.rest(GRACE):
                self._take(message)

    # -- edits of the user ------------------------------------------------------------------------

    def _look_into_inbox(self) -> None:
        if self.clock() - self._looked < INBOX:
            return
        self._looked = self.clock()
        taken, refused = take_all(self._inbox, self.parts.state, self._edit)
        self._taken += taken
        self._refused.update(refused)

    def _edit(self, event: Edit) -> None:
        self._append(event)
        if isinstance(event, Void) and event.tid in self.running:
            self.running.discard(event.tid)
            self._cancelled.append(event.tid)
        self._suggesting.waiting = False

    # -- suggestions ------------------------------------------------------------------------------

    def _refill(self) -> None:
        self._suggesting.fill(self._goes_on)

    def _goes_on(self) -> bool:
        """Returns whether to make more suggestions.

        The stop is not asked, so that the trials that are live at the end depend on the results alone.
        """
        asked = self.interrupt.signum is not None or self.parts.state.stopping is not None
        return self._failure is None and not asked and not self._closing()

    # -- records and new tasks --------------------------------------------------------------------

    def _append(self, event: Event) -> None:
        record = self.parts.tape.append(event)
        self._arrivals.over()
        self.parts.state.apply(record)
        self.parts.observers.note(record)

    def _commit(self) -> None:
        self.parts.tape.commit()
        for tid in self._cancelled:
            self.parts.pool.cancel(tid)
        self._inbox.clear(self._taken, self._refused)
        self._taken, self._refused, self._cancelled = [], {}, []
        self.parts.folder.refuse_moved()

    def _start(self) -> None:
        """Starts live trials, oldest first, as far as the stop and the clock allow."""
        state = self.parts.state
        if len(self.running) == len(state.live_trials) or self._closing() or self._losses.pause:
            return
        busy = {state.eid(tid) for tid in self.running} if self.policy.reuse else set()
        for tid in state.live_trials:
            if tid in self.running or self._room() <= 0:
                continue
            if self.policy.reuse and state.eid(tid) in busy:
                continue  # the same suggestion is being evaluated, and its result will answer this trial
            if not self._has_outputs(tid):
                return
            self.running.add(tid)
            busy.add(state.eid(tid))
            folder = self.parts.folder.trial(tid)
            self.parts.pool.schedule(Task(tid, state.live_trials[tid], self.policy.trial_timeout, folder))

    def _has_outputs(self, tid: int) -> bool:
        """Returns whether the output files of a trial exist; if the disk is full, the run pauses."""
        error = make_outputs(self.parts.folder, tid) if self.captures else None
        if error is not None:
            self._arrivals.pause(error)
        elif self.captures:
            self._arrivals.over()
        return error is None

    def _room(self) -> float:
        return self.parts.stop.room(self.parts.state) - len(self.running)

    def _show(self) -> None:
        self.parts.info.running = frozenset(self.running)
        self.parts.observers.show(self.parts.state)

    # -- the end of the run -----------------------------------------------------------------------

    def _left(self) -> float:
        if self.policy.duration is None:
            return float("inf")
        return self.policy.began + self.policy.duration - self.clock()

    def _closing(self) -> bool:
        return self._left() < self.policy.shutdown

    def _patience(self) -> float:
        return max(0.0, min(PATIENCE, self._left()))

    def _ending(self) -> End | None:
        if self.interrupt.signum is not None:
            return End("signal", f"stopped by {self.interrupt.name}")
        if self.parts.state.stopping is not None:
            why = self.parts.state.stopping
            return End("asked", f"asked to stop: {why}" if why else "asked to stop")
        if self.parts.stop.done(self.parts.state):
            return End("stop", self.parts.stop.short_report(self.parts.state))
        if self._left() <= 0 or (self._closing() and not self.running):
            return End("duration", "the duration has passed")
        if self._suggesting.exhausted and not self.parts.state.live_trials:
            return End("exhausted", f"the search is exhausted: {self._suggesting.exhausted}")
        return None

    def _stuck(self) -> End | None:
        """Returns the end of the run if nothing runs and nothing may be started, because waiting would never end."""
        if self.running:
            return None
        if self._room() <= 0:
            return End("stop", self.parts.stop.short_report(self.parts.state))
        if self.parts.state.live_trials:
            return None
        if self._suggesting.waiting:
            return End("exhausted", "the search waits for a result, and none is to come")
        return None

    def _finish(self, end: End) -> End:
        self._take_rest()
        if self._failure is not None:  # the run is over, so the failure no longer ends it
            log.warning("%s", str(self._failure).partition("\n")[0])
        end = self._ending() or end  # made again, so that its report is up to date
        self._append(end)
        self._commit()
        self._show()
        return end


def _failure(message: Finished, suggestion: Any, folder: RunFolder) -> EvaluationError:
    error = message.result["error"]
    trace = f"\n\nIn the worker:\n{error['traceback']}" if error.get("traceback") else ""
    return EvaluationError(
        f"trial {message.tid} failed with {error['error']}: {error['error_text']}; its suggestion was {suggestion!r}. "
        f"The trial stays live: a restore of {folder.path} evaluates it again, unless it is voided. To record such "
        f"errors and go on, name them in caught_exceptions{trace}",
        tid=message.tid,
        suggestion=suggestion,
        folder=folder.path,
    )
