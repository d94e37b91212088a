"""The loop: keeps every free slot filled, and puts everything on the tape before it has an effect.

A turn: take what the pool has; for each result in turn append it, apply it, and refill; make all of it durable; only
then hand over new tasks and let the observers hear. What a refill does follows from the state alone (answer the live
trials that are known already, then suggest until enough are live), so that a run that was cut off between any two
records goes on as if it had not been. A stop limits what is started, never what is suggested.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from runlib.engine.canonical import NotPlain, plain
from runlib.errors import EvaluationError, PoolError, SearchError, SearchExhausted, SearchWaiting
from runlib.observe.base import Stage
from runlib.pool.base import Finished, Lost, Pool, Task
from runlib.run.audience import Audience
from runlib.run.folder import RunFolder
from runlib.run.large import is_apart, set_apart
from runlib.run.signals import Interrupt
from runlib.search.base import Search
from runlib.state.state import State
from runlib.stop.base import Stop
from runlib.tape.events import End, Event, Submit, Suggest
from runlib.tape.writer import TapeWriter

__all__ = ["Cast", "Loop", "Policy"]

LOST_IN_A_ROW = 5
REPEATS_IN_A_ROW = 1000
PATIENCE = 0.5  # seconds that the loop waits for the pool before it looks at clock, signals and status

log = logging.getLogger("runlib")


@dataclass(frozen=True)
class Policy:
    """How trials are run.

    Attributes:
        trial_timeout: Seconds for one evaluation; None for no limit.
        caught_exceptions: Names of errors that become results; any other ends the run.
        reuse: Answer a repeated suggestion by the evaluation that is known.
        capacity: How many trials are live at once: slots and suggestions ahead.
        began: When the loop begins, on the monotonic clock.
        duration: Seconds that it may take; None for no limit.
        shutdown: Seconds before the end in which no trial is started.
    """

    trial_timeout: float | None
    caught_exceptions: frozenset[str]
    reuse: bool
    capacity: int
    began: float
    duration: float | None = None
    shutdown: float = 0.0


@dataclass
class Cast:
    """Who takes part."""

    search: Search
    stop: Stop
    pool: Pool
    state: State
    tape: TapeWriter
    folder: RunFolder
    audience: Audience
    stage: Stage


@dataclass
class Loop:
    """One call of ``run``.

    Args:
        cast: Who takes part; the pool is open, the tape is locked.
        policy: How trials are run.
        interrupt: Whether somebody wants the run to end.
        clock: A monotonic clock in seconds.
    """

    cast: Cast
    policy: Policy
    interrupt: Interrupt
    clock: Callable[[], float]
    running: set[int] = field(default_factory=set)
    _failure: EvaluationError | PoolError | None = None
    _exhausted: str = ""
    _waiting: bool = False
    _lost_in_a_row: int = 0

    def run(self) -> End:
        """Turn until something ends the run; the end is on the tape, durable and shown.

        Raises:
            EvaluationError: An evaluation failed with an exception that is not to be caught.
            PoolError: The pool cannot go on.
            TapeError: The disk refuses.
        """
        while True:
            self._refill()
            self._commit()
            end = self._ending()
            if end is None:
                self._start()
                end = self._stuck()
            if end is not None:
                return self._finish(end)
            self._show()
            with self.interrupt.waiting():
                messages = self.cast.pool.collect(self._patience())
            for message in messages:
                self._take(message)
            self._raise_failure()

    # -- what comes in ----------------------------------------------------------------------------

    def _take(self, message: Finished | Lost) -> None:
        if isinstance(message, Lost):
            self._count_lost(message.reason)
        elif message.tid in self.running:
            self._take_result(message)
            self.running.discard(message.tid)

    def _take_result(self, message: Finished) -> None:
        error = message.result.get("error")
        if error is not None and not self.policy.caught_exceptions.intersection(message.names):
            self._failure = self._failure or _failure(message, self.cast.state.live_trials[message.tid])
            return
        result = set_apart(message.result, message.tid, self.cast.folder)
        self._refill(ends=True)  # what the results before this one call for may not know this one
        self._append(Submit(message.tid, result))
        if error is not None and error.get("error") == "WorkerLost":
            self._count_lost(error.get("error_text", ""))
        else:
            self._lost_in_a_row = 0
        self._waiting = False

    def _count_lost(self, reason: str) -> None:
        self._lost_in_a_row += 1
        log.warning("a worker was lost: %s", reason)
        if self._lost_in_a_row >= LOST_IN_A_ROW:
            self._failure = self._failure or PoolError(
                f"{self._lost_in_a_row} workers in a row were lost without a result, the last one: {reason}; "
                f"look into {self.cast.folder.path / 'log.log'}, then restore the run"
            )

    def _raise_failure(self) -> None:
        if self._failure is not None:
            self._commit()
            raise self._failure

    # -- what is suggested ------------------------------------------------------------------------

    def _refill(self, ends: bool = False) -> None:
        """Suggest until enough trials are live; when the run ends, only before a further result (``ends``)."""
        state = self.cast.state
        while ends or self._goes_on():
            self._settle()
            full = len(state.live_trials) >= self.policy.capacity
            if full or not self._may_suggest() or self._exhausted or self._waiting:
                return
            if state.repeats >= REPEATS_IN_A_ROW:
                if not state.live_trials:
                    self._exhausted = f"the last {state.repeats} suggestions were all known already"
                return
            self._suggest()

    def _goes_on(self) -> bool:
        """Whether to suggest on; the stop is not asked, so that what is live at the end follows from the results."""
        return self._failure is None and self.interrupt.signum is None and not self._closing()

    def _settle(self) -> None:
        """Answer the live trials whose evaluation is known, as far as the stop has room beside the older ones.

        What runs is not asked, for after a restart nothing does: the older live trials are those that run first.
        """
        state, older = self.cast.state, 0
        if not self.policy.reuse:
            return
        for tid in list(state.live_trials):
            known = None if tid in self.running else state.known(tid)
            if known is not None and self.cast.stop.room(state) > older:
                (kind, outcome), owner = known
                self._append(Submit(tid, _as_result(kind, outcome), of=owner))
            else:
                older += 1

    def _may_suggest(self) -> bool:
        state = self.cast.state
        return state.order == "completed" or state.due(self.policy.capacity) is not None

    def _hear(self, more: int = 0) -> int | None:
        """With the order ``"suggested"``, tell the search what it has to know; returns how many results that is."""
        state = self.cast.state
        if state.order == "completed":
            return None
        state.hand_over((state.due(self.policy.capacity) or 0) + more)
        return state.heard

    def _suggest(self) -> None:
        search = self.cast.search
        heard = self._hear()
        try:
            tid, suggestion = search.suggest()
        except SearchExhausted as error:
            self._exhausted = str(error) or "the search has nothing left to suggest"
        except SearchWaiting:
            self._wait()
        else:
            self._check_tid(tid)
            try:
                self._append(Suggest(tid, plain(suggestion), plain(search.memo(tid)), heard))
            except NotPlain as error:
                raise SearchError(f"{search.kind} made a suggestion that is no plain data: {error}") from error

    def _wait(self) -> None:
        """The search wants a result: the next one in order, if that is how it is told and it is there."""
        state = self.cast.state
        if state.order == "suggested" and state.heard in state.trials:
            self._hear(more=1)
        else:
            self._waiting = True

    def _check_tid(self, tid: int) -> None:
        expected = self.cast.state.next_tid
        if tid != expected:
            raise SearchError(
                f"{self.cast.search.kind} made trial {tid}, where trial {expected} is next on the tape: it "
                "served another run, or is ahead of a tape that could not be written; make a new one, or go on with "
                "Run.restore"
            )

    # -- what goes out ----------------------------------------------------------------------------

    def _append(self, event: Event) -> None:
        record = self.cast.tape.append(event)
        self.cast.state.apply(record)
        self.cast.audience.note(record)

    def _commit(self) -> None:
        self.cast.tape.commit()

    def _start(self) -> None:
        """Hand over live trials, oldest first, as far as the stop and the clock allow."""
        state = self.cast.state
        if len(self.running) == len(state.live_trials) or self._closing():
            return
        busy = {state.eid(tid) for tid in self.running} if self.policy.reuse else set()
        for tid, suggestion in state.live_trials.items():
            if tid in self.running or self._room() <= 0:
                continue
            if self.policy.reuse and state.eid(tid) in busy:
                continue  # it is being evaluated, and will be answered with that
            self.running.add(tid)
            busy.add(state.eid(tid))
            folder = self.cast.folder.trial(tid)
            self.cast.pool.schedule(Task(tid, suggestion, self.policy.trial_timeout, folder))

    def _room(self) -> float:
        return self.cast.stop.room(self.cast.state) - len(self.running)

    def _show(self) -> None:
        self.cast.stage.running = frozenset(self.running)
        self.cast.audience.show(self.cast.state)

    # -- when it ends -----------------------------------------------------------------------------

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
        if self.cast.stop.done(self.cast.state):
            return End("stop", self.cast.stop.short_report(self.cast.state))
        if self._left() <= 0 or (self._closing() and not self.running):
            return End("duration", "the duration has passed")
        if self._exhausted and not self.cast.state.live_trials:
            return End("exhausted", f"the search is exhausted: {self._exhausted}")
        return None

    def _stuck(self) -> End | None:
        """Nothing runs and nothing may be started: waiting would be for ever."""
        if self.running:
            return None
        if self._room() <= 0:
            return End("stop", self.cast.stop.short_report(self.cast.state))
        if self.cast.state.live_trials:
            return None
        if self._waiting:
            return End("exhausted", "the search waits for a result, and none is to come")
        return None

    def _finish(self, end: End) -> End:
        self._append(end)
        self._commit()
        self._show()
        return end


def _as_result(kind: str, outcome: dict[str, Any]) -> dict[str, Any]:
    inner = {key: value for key, value in outcome.items() if key != "suggestion"}
    return {kind: inner, "file": inner.pop("file")} if is_apart(outcome) else {kind: inner}


def _failure(message: Finished, suggestion: Any) -> EvaluationError:
    error = message.result["error"]
    trace = f"\n\nIn the worker:\n{error['traceback']}" if error.get("traceback") else ""
    return EvaluationError(
        f"trial {message.tid} failed with {error['error']}: {error['error_text']}; its suggestion was {suggestion!r}. "
        "The trial stays live: a restore evaluates it again. To record such errors and go on, name them in "
        f"caught_exceptions{trace}",
        tid=message.tid,
        suggestion=suggestion,
    )
