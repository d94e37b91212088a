"""Driving a run by hand: suggestions are taken and results brought by the user's own loop, as durable as any.

A suggestion is on the tape before it is given away, a result before ``submit`` returns. What was live when a loop died
is given away first by the next one. Threads may share a run: each call is one step, under a lock.
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

JOINED = 20  # repetitions of trials that are given away, before their results are waited for
UNKNOWN = -1.0  # a duration that is measured when the result comes


class ByHand:
    """What a loop of one's own calls.

    ::

        with Run(search, None, StopMax(100)).prepare() as run:
            for tid, suggestion in run.suggestions():
                run.submit(tid, loss=evaluate(**suggestion))
    """

    objective: str

    def suggestions(self) -> Iterator[tuple[int, Any]]:
        """What ``suggest`` gives away, one after the other, until the stop is reached or the search is exhausted.

        Raises:
            SearchWaiting: The search wants a result before its next suggestion.
            ReadOnlyRun: This is a checked-out run.
        """
        while True:
            try:
                yield self.suggest()
            except (StopReached, SearchExhausted):
                return

    def suggest(self) -> tuple[int, Any]:
        """The next trial, ``(tid, suggestion)``: one that a loop before left live, one that is enqueued, or a new one.

        A suggestion that is known already is answered from that (``reuse``) and not given away.

        Raises:
            StopReached: The stop leaves no room beside the trials that are given away, or somebody asked to stop.
            SearchExhausted: Nothing is left to suggest.
            SearchWaiting: Nothing to suggest until a result is submitted.
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
        """Put the result of a live trial on the tape.

        Args:
            tid: The trial.
            loss: A finite number, if it succeeded. Where the run has another ``objective``, this is its value; it may
                stand in ``data`` instead, under its name.
            var: The variance of the loss, if it is known.
            data: What else is to be kept: ``cost``, ``duration`` (seconds; by default since it was given away),
                ``refined_suggestion``, and any data; what cannot be data is left out and noted. A ``status`` of
                ``"fail"`` in it makes the trial a failed one.
            error: What happened, if it failed: a text or an exception.

        Raises:
            InvalidResult: The loss is no finite number, or another number is none; the trial stays live.
            RunlibError: There is no such trial, or it has its result, or is void; or the arguments do not go together.
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
    """A number of a trial as the tape has it: 1.0 and True are equal to 1, and would spoil a record."""
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
    except Failed as error:  # the data say so
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
    """Gives trials away and takes their results.

    Args:
        parts: Who takes part; the pool does not.
        policy: How trials are run.
    """

    def __init__(self, parts: RunParts, policy: Policy) -> None:
        self._parts, self._policy = parts, policy
        self._in_order = parts.state.order == "suggested"
        self._lock = threading.RLock()
        self._given: dict[int, float] = {}  # trials given away by this process, and when
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
        """See ``ByHand.suggest``."""
        with self._lock:
            self._look_into_inbox()
            self._let_go_of_voided()
            self._refuse_if_over()
            try:
                tid = self._next()
                self._refuse_if_over()  # known suggestions may have been the last that were wanted
                if tid is None:
                    raise self._nothing()
                self._give(tid)
            finally:
                self._commit()
            return tid, self._parts.state.live_trials[tid]

    def submit(self, tid: int, result: dict[str, Any]) -> None:
        """See ``ByHand.submit``."""
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
        """Put on the tape what a person wants and may."""
        with self._lock:
            self._append(event)
            self._refill.waiting = False
            self._commit()

    def close(self) -> None:
        """Note the end, and let the observers go."""
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
        """A live trial to give away; the refill suggests until there is one."""
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
        """The oldest live trial that is not given away, nor the repetition of one that is."""
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
