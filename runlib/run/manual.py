"""Drives a run by hand: the user's own loop takes suggestions and submits results.

Suggestions and results are as durable as in ``run()``: a suggestion is on the tape before it is returned, and a result
before ``submit`` returns. Trials that were live when a loop died are handed out first by the next loop. Threads may
share a run, because each call takes a lock.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from runlib.engine.data.canonical import NotPlain, plain
from runlib.errors import ConfigError, Failed, InvalidResult, RunlibError, SearchExhausted, SearchWaiting, StopReached
from runlib.evaluator.result import error_result, ok_result
from runlib.run.edits.inbox import InboxFolder, take_all
from runlib.run.folder.returned import on_tape
from runlib.run.loop.ending import write_best
from runlib.run.loop.loop import Policy, RunParts
from runlib.run.loop.refill import REPEATS_IN_A_ROW, Refill
from runlib.run.loop.unusable import FirstResults
from runlib.tape.events import End, Event, Submit

__all__ = ["ByHand", "ManualDriver"]

JOINED = 20  # repetitions of handed-out trials that are made before the driver waits for their results
UNKNOWN = -1.0  # the placeholder for a duration that is measured when the result comes


class ByHand:
    """Provides the methods that the user's own loop calls.

    ::

        with Run(search, None, StopMax(100)).prepare() as run:
            for tid, suggestion in run.suggestions():
                run.submit(tid, loss=evaluate(**suggestion))
    """

    objective: str

    def suggestions(self) -> Iterator[tuple[int, Any]]:
        """Yields what ``suggest`` returns, until the stop is reached or the search is exhausted.

        Raises:
            SearchWaiting: The search needs a result before its next suggestion.
            ReadOnlyRun: This is a checked-out run.
        """
        while True:
            try:
                yield self.suggest()
            except (StopReached, SearchExhausted):
                return

    def suggest(self) -> tuple[int, Any]:
        """Returns the next trial, ``(tid, suggestion)``.

        This is a trial that an earlier loop left live, one that the user enqueued, or a new one. A suggestion whose
        evaluation is known is answered by that evaluation (``reuse``) and not returned.

        Raises:
            StopReached: The stop leaves no room beside the trials that are handed out, or the user asked the run to
                stop.
            SearchExhausted: The search has nothing left to suggest.
            SearchWaiting: The search has nothing to suggest until a result is submitted.
            ReadOnlyRun: This is a checked-out run.
        """
        return self._by_hand().suggest()

    def submit(
        self,
        tid: int,
        *,
        loss: float | None = None,
        var: float | None = None,
        data: Mapping[str, Any] | None = None,
        error: str | BaseException | None = None,
    ) -> None:
        """Puts the result of a live trial on the tape.

        Args:
            tid: The number of the trial.
            loss: The loss of a trial that succeeded, a finite number. If the run has another ``objective``, this is its
                value; it may stand in ``data`` instead, under the name of the objective.
            var: The variance of the loss, if it is known.
            data: Further data to keep: ``cost``, ``duration`` (seconds; by default the time since the trial was handed
                out), ``refined_suggestion``, and any other data. A part that cannot be stored as data is left out, and
                this is recorded. A ``status`` of ``"fail"`` makes the trial a failed one.
            error: The error of a trial that failed: a text or an exception.

        Raises:
            InvalidResult: The loss is not a finite number, or another number is not a number; the trial stays live.
            RunlibError: The trial does not exist, has its result already, or is void; or the arguments contradict each
                other.
            ReadOnlyRun: This is a checked-out run.
        """
        given = _data(data)
        if error is None:
            result = _result(loss, given, var=var, objective=self.objective)
        else:
            result = _failure(error, is_alone=loss is None and var is None and not given)
        self._by_hand().submit(_tid(tid), result)

    def _by_hand(self) -> ManualDriver:
        raise NotImplementedError


def _tid(tid: Any) -> int:
    """Returns the number of a trial as an int.

    Raises:
        ConfigError: The value is not an int; 1.0 and True are equal to 1, but would corrupt the record.
    """
    try:
        found = plain(tid)
    except NotPlain:
        found = None
    if type(found) is not int:
        raise ConfigError(f"takes the number of a trial, got {tid!r}", "tid")
    return found


def _data(data: Any) -> dict[str, Any]:
    if data is not None and not isinstance(data, Mapping):
        raise InvalidResult(f"data must be a dict, got {data!r}")
    found = dict(data or {})
    taken = {"loss", "var"} & found.keys()
    if taken:
        raise RunlibError(f"{', '.join(sorted(taken))}: an argument of its own, and not part of data")
    return found


def _result(loss: Any, data: dict[str, Any], **how: Any) -> dict[str, Any]:
    try:
        return _success(loss, data, **how)
    except Failed as error:  # the data have the status "fail"
        return error_result(error)


def _success(loss: Any, data: dict[str, Any], *, var: Any, objective: str) -> dict[str, Any]:
    if objective not in data:
        if loss is None:
            hint = "" if objective == "loss" else f"; the loss may stand in data, as {objective!r}"
            raise RunlibError(f"a result takes either a loss or an error{hint}")
        return ok_result({"loss": loss, "var": var, **data}, UNKNOWN)
    if loss is not None:
        raise RunlibError(f"{objective!r} in data is the objective, and so is the loss; give one of them")
    return ok_result({"var": var, **data}, UNKNOWN, objective)


def _failure(error: Any, *, is_alone: bool) -> dict[str, Any]:
    if not is_alone:
        raise RunlibError("a result takes either a loss or an error; a failed trial takes no var and no data")
    if isinstance(error, BaseException):
        return error_result(error)
    if not isinstance(error, str):
        raise InvalidResult(f"error must be a text or an exception, got {error!r}")
    text = error.encode("utf-8", "backslashreplace").decode("utf-8")
    return {"error": {"error": "Error", "error_text": text, "traceback": ""}}


class ManualDriver:
    """Hands out trials and takes their results.

    Args:
        parts: The parts of the run; the pool is not used.
        policy: The rules by which trials are run.
    """

    def __init__(self, parts: RunParts, policy: Policy) -> None:
        self._parts, self._policy = parts, policy
        self._in_order = parts.state.order == "suggested"
        self._lock = threading.RLock()
        self._given: dict[int, float] = {}  # the trials that this process handed out, with the time
        self._busy: set[int] = set()
        self._refill = Refill(
            parts.search,
            parts.stop,
            parts.state,
            capacity=policy.capacity,
            reuse=policy.reuse,
            append=self._append,
            running=self._busy,
        )
        self._first = FirstResults(parts.info.slots)
        parts.observers.tell(lambda observer: observer.open(parts.info, parts.state))

    def suggest(self) -> tuple[int, Any]:
        """Does what ``ByHand.suggest`` describes."""
        with self._lock:
            self._look_into_inbox()
            self._let_go_of_voided()
            self._refuse_if_over()
            try:
                tid = self._next()
                self._refuse_if_over()  # answers to known suggestions may have reached the stop
                if tid is None:
                    raise self._nothing()
                self._give(tid)
            finally:
                self._commit()
            return tid, self._parts.state.live_trials[tid]

    def submit(self, tid: int, result: dict[str, Any]) -> None:
        """Does what ``ByHand.submit`` describes."""
        with self._lock:
            state = self._parts.state
            if tid not in state.live_trials:
                raise RunlibError(f"{self._parts.folder.path}: {_why_not_live(tid, self._parts)}")
            outcome = result.get("ok")
            if outcome is not None and outcome["duration"] == UNKNOWN:
                outcome["duration"] = self._parts.info.clock() - self._given.get(tid, self._parts.info.clock())
            kept = on_tape(result, tid, self._parts.folder)
            self._append(Submit(tid, kept))
            self._first.take(tid, kept)
            self._given.pop(tid, None)
            self._busy.discard(tid)
            self._refill.waiting = False
            self._commit()

    def edit(self, event: Event) -> None:
        """Puts an edit of the user on the tape; the caller has checked it."""
        with self._lock:
            self._append(event)
            self._refill.waiting = False
            self._commit()

    def close(self) -> None:
        """Records the end of the session and closes the observers."""
        with self._lock:
            parts = self._parts
            try:
                if parts.tape.is_well:
                    done = parts.stop.done(parts.state)
                    self._append(End("stop", parts.stop.short_report(parts.state)) if done else End("closed", "closed"))
                    self._commit()
                    write_best(parts.state, parts.folder)
            finally:
                parts.info.running = frozenset()
                parts.observers.dismiss(lambda observer: observer.close(parts.state))

    def _next(self) -> int | None:
        """Returns a live trial to hand out, after asking for suggestions; None if there is nothing to hand out yet."""
        for more in range(1, JOINED + 1):
            if self._in_order:
                self._refill.fill(lambda: True)
            else:
                self._refill.capacity = len(self._given) + more
                self._refill.fill(lambda: self._parts.state.repeats < REPEATS_IN_A_ROW)
            tid = self._free()
            if tid is not None or self._in_order or len(self._parts.state.live_trials) < self._refill.capacity:
                return tid
        return None

    def _free(self) -> int | None:
        """Returns the oldest live trial that is not handed out and repeats none that is; None if there is none."""
        state = self._parts.state
        busy = {state.eid(tid) for tid in self._given} if self._policy.reuse else set()
        return next((t for t in state.live_trials if t not in self._given and state.eid(t) not in busy), None)

    def _give(self, tid: int) -> None:
        self._given[tid] = self._parts.info.clock()
        self._busy.add(tid)

    def _let_go_of_voided(self) -> None:
        self._busy.intersection_update(self._parts.state.live_trials)
        self._given = {tid: since for tid, since in self._given.items() if tid in self._busy}

    def _refuse_if_over(self) -> None:
        state, stop, given = self._parts.state, self._parts.stop, len(self._given)
        if state.stopping is not None:
            raise StopReached(f"asked to stop: {state.stopping or 'no reason was given'}")
        if stop.done(state) or stop.room(state) <= given:
            beside = f" Trials that are given away: {given}." if given else ""
            raise StopReached(f"{stop.short_report(state)}{beside}")

    def _nothing(self) -> RunlibError:
        if self._refill.exhausted or self._parts.state.repeats >= REPEATS_IN_A_ROW:
            return SearchExhausted(self._refill.exhausted or "all suggestions were known already")
        return SearchWaiting("there is nothing to suggest until a result is submitted")

    def _look_into_inbox(self) -> None:
        inbox = InboxFolder(self._parts.folder.path, self._parts.folder.directory)
        taken, refused = take_all(inbox, self._parts.state, self._append)
        if taken or refused:
            self._commit()
            inbox.clear(taken, refused)

    def _append(self, event: Event) -> None:
        record = self._parts.tape.append(event)
        self._parts.state.apply(record)
        self._parts.observers.note(record)

    def _commit(self) -> None:
        self._parts.tape.commit()
        self._parts.info.running = frozenset(self._given)
        self._parts.observers.show(self._parts.state)


def _why_not_live(tid: int, parts: RunParts) -> str:
    state = parts.state
    if tid in state.trials:
        return f"trial {tid} has its result; a trial has one"
    if tid in state.voided:
        return f"trial {tid} is void: {state.voided[tid] or 'no reason was given'}"
    return f"there is no trial {tid}; live are {sorted(state.live_trials) or 'none'}"
