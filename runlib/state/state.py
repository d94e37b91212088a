"""Computes the state of a run: everything that is known about it is a fold over the tape.

The state changes only in ``State.apply(record)``, in live and restored runs alike. The live run appends an event and
applies what a reader of its line would see. A trial ends at most once; one that has not ended is live. Each event costs
the same whatever the number of trials, because counts, incumbent and the best few are kept and not computed again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from runlib.engine.data.canonical import NotPlain, hash_suggestion
from runlib.engine.data.copies import Shown, copied
from runlib.engine.data.shape import shaped
from runlib.engine.legible import logger
from runlib.errors import TapeCorrupt
from runlib.search.base import Search
from runlib.state.results import Entry, ResultTable
from runlib.state.returned import ABOUT_THE_RESULT, Returned
from runlib.state.search_feed import SearchFeed
from runlib.state.tally import NOTHING, Incumbent, OnError, Tally
from runlib.tape.events import EDITS, End, Enqueue, Note, Record, Retry, Session, Stopping, Submit, Suggest, Void
from runlib.tape.tape import Tape

__all__ = ["Direction", "Incumbent", "Order", "State"]

log = logger()

Order = Literal["completed", "suggested"]
Direction = Literal["min", "max"]

RESULTS = frozenset({"ok", "error"})
# These errors depend on the machine, not on the suggestion.
NOT_REUSED = frozenset({"TimeoutError", "WorkerLost", "MemoryError"})


class State(Tally):
    """Holds what the records applied so far add up to; the counts are those of ``Tally``.

    All that is read of it is a copy, which the reader may change.

    Attributes:
        trials: The finished trials by ``tid``, in the order of submission.
        evals: The finished evaluations by ``eid``, one for each distinct suggestion.
        live_trials: The suggestions that are not yet submitted: ``tid`` -> suggestion, in the order of suggestion.
        beside: The keys that runlib added beside the results of finished trials, by trial, if it added any:
            ``dropped``, what was returned and could not be data; ``files``, the bytes in it; ``file``, the place of a
            large result; ``given_loss``, what was returned as ``loss`` beside another objective.
        ended: The end of the last session; None if it is still running, or was cut off.
        voided: The trials that no longer count, with the reason; they are neither finished nor live.
        queue: The suggestions that users want to be tried, by the number of their record.
        notes: The remarks of users, by the number of their record.
        stopping: The reason why a user wants this session to end; None if nobody does.
        attempts: The rules that allowed further attempts at live trials, by trial, one rule for each failed attempt
            that is known.
        commands: The keys of the commands that had their effect.
        next_tid: The number that the trial of the next suggestion will have.
        sessions: The number of times that a writer opened the tape.
        last_session_n: The number of the record of the last session.
        n: The number of the last record.
        t: The time of the last record, in seconds since 1970.

    Args:
        search: The search that gets the results; None for reading only.
        path: The path of the tape.
        clock: The wall clock of a live run; None for reading, where time ends with the last record.
        direction: The direction of the run: ``"min"`` if smaller losses are better, ``"max"`` if greater ones are.
        order: The time when the search gets a result: ``"completed"``, at once; ``"suggested"``, when ``hand_over`` is
            called, in the order in which the trials were suggested.
        on_error: The loss and the cost that failed trials count as.
        origin: The entry in the metadata of a fork. Up to record ``at`` its history is that of another run, and the
            settings of that run are in its own config. Up to ``adopted`` the suggestions are those of another search.
        spelled: A function that makes plain data of a user's suggestion, in the spelling of the search.
    """

    def __init__(
        self,
        search: Search | None = None,
        *,
        path: Path | None = None,
        clock: Callable[[], float] | None = None,
        order: Order = "completed",
        direction: Direction = "min",
        on_error: OnError = NOTHING,
        origin: Mapping[str, Any] | None = None,
        spelled: Callable[[Any], Any] = shaped,
    ) -> None:
        sign = -1 if direction == "max" else 1
        super().__init__(sign, on_error.cost or 0.0)
        self.direction = direction
        self.order = order
        self.spelled = spelled
        adopted = (origin or {}).get("adopted", 0)
        in_order = order == "suggested"
        self.feed = SearchFeed(search, in_order, adopted=adopted, sign=sign, loss_on_error=on_error.loss)
        self._inherited = (origin or {}).get("at", 0)
        self.clock = clock
        self._path = path
        self.trials: ResultTable[int] = ResultTable(sign)
        self.evals: ResultTable[str] = ResultTable(sign)
        self._live: dict[int, Any] = {}
        self._voided: dict[int, str] = {}
        self._queue: dict[int, Any] = {}
        self._notes: dict[int, Note] = {}
        self._attempts: dict[int, list[str]] = {}
        self._commands: dict[str, None] = {}
        self._returned = Returned()
        self.live_trials, self.voided, self.queue = Shown(self._live), Shown(self._voided), Shown(self._queue)
        self.notes, self.attempts, self.beside = Shown(self._notes), Shown(self._attempts), Shown(self._returned.beside)
        self.commands = self._commands.keys()
        self.stopping: str | None = None
        self._failed: dict[int, int] = {}
        self.next_tid = 0
        self.n, self.t = 0, 0.0
        self.ended: End | None = None
        self.sessions = 0
        self._changes: dict[str, Any] = {}
        self._last_session: dict[str, Any] = {}
        self.last_session_n = 0
        self._eids: dict[int, str] = {}
        self._owner: dict[str, int] = {}
        self._older: dict[str, list[int]] = {}  # earlier evaluations, if there are several
        # Finished trials that were not evaluated themselves, each with the trial that was.
        self._of: dict[int, int] = {}
        self._opened: float | None = None
        self._written = 0.0  # when the run itself last wrote; users may write at any time
        self._closed_time = 0.0

    @property
    def changes(self) -> dict[str, Any]:
        """Returns changed settings of sessions: ``stop``, ``trial_timeout``, ``caught_exceptions``, ``retries``."""
        found: dict[str, Any] = copied(self._changes)
        return found

    @property
    def last_session(self) -> dict[str, Any]:
        """Returns the ``info`` of the last session."""
        found: dict[str, Any] = copied(self._last_session)
        return found

    @property
    def search(self) -> Search | None:
        """Returns the search that gets the results; None for reading only."""
        return self.feed.search

    @property
    def tape(self) -> Tape:
        """Returns the tape with the records of this state, which are read from the file."""
        if self._path is None:
            raise ValueError("this state was made without a tape")
        return Tape(self._path, self.n)

    @property
    def runtime(self) -> float:
        """Returns the seconds that writers had the tape open, over all sessions."""
        if self._opened is None:
            return self._closed_time
        now = self.clock() if self.clock is not None else self._written
        return self._closed_time + max(0.0, now - self._opened)

    def eid(self, tid: int) -> str:
        """Returns the evaluation of a live trial."""
        return self._eids[tid]

    def known(self, tid: int) -> tuple[Entry, int] | None:
        """Returns the entry of an evaluation that answers a live trial, and the trial that had it; or None."""
        eid = self._eids[tid]
        if eid not in self.evals:
            return None
        entry = self.evals[eid]
        return None if entry[0] == "error" and entry[1].get("error") in NOT_REUSED else (entry, self._owner[eid])

    def result(self, tid: int) -> dict[str, Any]:
        """Returns the result of a finished trial, as its evaluation has it on the tape.

        Raises:
            KeyError: The trial is not among the finished.
        """
        found: dict[str, Any] = copied(self._returned.result(tid, self.trials.peek(tid)))
        return found

    def answer(self, tid: int) -> dict[str, Any]:
        """Returns the result of a finished trial, as far as another trial with its suggestion can have it.

        Raises:
            KeyError: The trial is not among the finished.
        """
        return {k: v for k, v in self.result(tid).items() if k in RESULTS or k in ABOUT_THE_RESULT}

    def failed_attempts(self, tid: int) -> int:
        """Returns the number of failed attempts at a live trial, even if a repair did not find their records."""
        return self._failed.get(tid, 0)

    def apply(self, record: Record) -> None:
        """Applies the next record.

        Raises:
            TapeCorrupt: It cannot follow those before it, such as a second end of one trial.
        """
        event = record.event
        if isinstance(event, Suggest):
            self._suggest(event, record.n)
        elif isinstance(event, Submit):
            self._submit(event, record.n)
        elif isinstance(event, Session):
            self._session(event, record)
        elif isinstance(event, Retry):
            self._retry(event, record.n)
        elif isinstance(event, End):
            self._end(event, record)
        elif isinstance(event, EDITS):
            self._edit(event, record.n)
        self.n, self.t = record.n, record.t
        if not isinstance(event, EDITS):
            self._written = record.t

    def _suggest(self, event: Suggest, n: int) -> None:
        if event.tid in self._live or event.tid in self.trials or event.tid in self._voided:
            raise self._corrupt(f"suggests trial {event.tid} a second time", n)
        eid = hash_suggestion(event.suggestion)
        if event.queued is not None:
            if event.queued not in self._queue or hash_suggestion(self._queue[event.queued]) != eid:
                raise self._corrupt(f"tries what record {event.queued} is said to want, which is not so", n)
            del self._queue[event.queued]
        self._live[event.tid] = event.suggestion
        self._eids[event.tid] = eid
        self.next_tid += 1

    def _submit(self, event: Submit, n: int) -> None:
        tid = event.tid
        if tid not in self._live:
            raise self._corrupt(f"ends trial {tid}, which is not live", n)
        if len(RESULTS & event.result.keys()) != 1:
            raise self._corrupt(f"ends trial {tid} with neither 'ok' nor 'error' alone", n)
        suggestion, eid = self._close(tid)
        entry = self._entry(event, suggestion)
        self.trials.put(tid, entry)
        if event.of is None:
            if eid in self._owner:
                self._older.setdefault(eid, []).append(self._owner[eid])
            self.evals.put(eid, entry)
            self._owner[eid] = tid
        else:
            self._of[tid] = event.of
        self._count(tid, entry, event.of is not None)
        self.feed.finished(tid, entry)

    def _close(self, tid: int) -> tuple[Any, str]:
        """Removes a trial from the live ones, and returns its suggestion and its evaluation."""
        self._attempts.pop(tid, None)
        self._failed.pop(tid, None)
        return self._live.pop(tid), self._eids.pop(tid)

    def _retry(self, event: Retry, n: int) -> None:
        if event.tid not in self._live or event.attempt <= self.failed_attempts(event.tid):
            raise self._corrupt(f"notes attempt {event.attempt} at trial {event.tid}, which is not its next", n)
        self._failed[event.tid] = event.attempt
        self._attempts.setdefault(event.tid, []).append(event.rule)

    def _edit(self, event: Void | Enqueue | Note | Stopping, n: int) -> None:
        if event.key is not None:
            self._commands[event.key] = None
        if isinstance(event, Enqueue):
            self._enqueue(event, n)
        elif isinstance(event, Note):
            self._notes[n] = event
        elif isinstance(event, Stopping):
            self.stopping = event.reason
        else:
            self._void(event, n)

    def _enqueue(self, event: Enqueue, n: int) -> None:
        """Adds a suggestion to the queue, unless it is no plain data.

        Only plain data can become a trial. An older version wrote such a suggestion, and could not continue from there.
        """
        try:
            self._queue[n] = shaped(event.suggestion)
        except NotPlain as error:
            log.warning("record %d wants a suggestion to be tried that is left out: %s", n, error)

    def _void(self, event: Void, n: int) -> None:
        tid = event.tid
        if tid in self._live:
            self._close(tid)
            self._drop(tid, event.reason, was_live=True)
        elif tid in self.trials:
            for shared in self.sharing(tid):
                self._drop(shared, event.reason, was_live=False)
            self._count_anew((tid, self.trials.peek(tid), tid in self._of) for tid in self.trials)
        else:
            raise self._corrupt(f"voids trial {tid}, which is neither live nor finished", n)

    def sharing(self, tid: int) -> list[int]:
        """Returns the finished trials with a result from the same evaluation as finished trial ``tid``, in order."""
        owner = self._of.get(tid, tid)
        others = (other for other, of in self._of.items() if of == owner)
        return [shared for shared in (owner, *others) if shared in self.trials]

    def _drop(self, tid: int, reason: str, was_live: bool) -> None:
        self._voided[tid] = reason
        self._returned.forget(tid)
        if not was_live:
            self._drop_evaluation(tid, self.trials.drop(tid))
        self.feed.voided(tid, was_live)

    def _drop_evaluation(self, tid: int, entry: Entry) -> None:
        """Removes an evaluation; if its suggestion was evaluated several times, the last of the others replaces it."""
        eid = hash_suggestion(entry[1]["suggestion"])
        if self._owner.get(eid) != tid:
            return
        self.evals.drop(eid)
        del self._owner[eid]
        older = [other for other in self._older.pop(eid, []) if other in self.trials]
        if older:
            self._owner[eid] = older.pop()
            self.evals.put(eid, self.trials.peek(self._owner[eid]))
        if older:
            self._older[eid] = older

    def due(self, window: int) -> int | None:
        """Returns how many results the search must know before the next suggestion; None if they are not all there.

        With the order ``"suggested"``, suggestion *k* knows the results of the trials before *k* - ``window`` + 1 and
        no others, whatever was finished by then. So it does not depend on the timing.
        """
        due = max(self.heard, self.next_tid - window + 1)
        return due if self.feed.is_there(self.heard, due) else None

    @property
    def heard(self) -> int:
        """Returns how many results the search was told in the order of suggestions; it counts only with that order."""
        return self.feed.heard

    def hand_over(self, count: int) -> None:
        """Reports the results that were kept back, until the search knows the first ``count`` trials.

        Raises:
            TapeCorrupt: One of them is not finished.
        """
        while self.heard < count and self.search is not None:
            if not self.feed.hand_over():
                raise self._corrupt(f"is followed by a suggestion that knew trial {self.heard}, which is live", self.n)

    def _entry(self, event: Submit, suggestion: Any) -> Entry:
        if event.of is not None and event.of in self.trials:
            self._returned.share(event.tid, event.of)
            return self.trials.peek(event.of)
        return self._returned.enter(event.tid, event.result, suggestion)

    def _corrupt(self, what: str, n: int) -> TapeCorrupt:
        return TapeCorrupt(f"{self._path or 'the tape'}: record {n} {what}", path=self._path or "", n=n)

    def _session(self, event: Session, record: Record) -> None:
        if self._opened is not None:  # The session before was cut off, and lasted until its last record.
            self._closed_time += max(0.0, self._written - self._opened)
        self._opened = record.t
        self.sessions += 1
        self.ended = self.stopping = None
        self._last_session, self.last_session_n = event.info, record.n
        if record.n > self._inherited:
            self._changes.update(event.info.get("changed", {}))

    def _end(self, event: End, record: Record) -> None:
        if self._opened is not None:
            self._closed_time += max(0.0, record.t - self._opened)
        self._opened = None
        self.ended = event
