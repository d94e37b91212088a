"""The state of a run: all that is known is a fold over the tape.

State changes only in ``State.apply(record)``, live and restored alike: the live run appends an event and applies what
a reader of its line would see. Each event costs the same whatever the number of trials: counts, incumbent and
the best few are kept, not computed anew.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from runlib.engine.canonical import hash_suggestion
from runlib.errors import TapeCorrupt
from runlib.search.base import Search
from runlib.state.results import Entry, ResultTable
from runlib.tape.events import End, Record, Session, Submit, Suggest
from runlib.tape.tape import Tape

__all__ = ["Incumbent", "Order", "State"]

Order = Literal["completed", "suggested"]

TOP = 5  # how many of the best evaluations are kept at hand
RESULTS = frozenset({"ok", "error"})
NOT_REUSED = frozenset({"TimeoutError", "WorkerLost", "MemoryError"})  # they tell of the machine, not of the suggestion


@dataclass(frozen=True, slots=True)
class Incumbent:
    """The best ok trial; ties go to the earliest.

    Attributes:
        tid: The trial.
        loss: Its loss.
        suggestion: What was tried.
    """

    tid: int
    loss: float
    suggestion: Any


class State:
    """What the records applied so far add up to.

    Attributes:
        trials: Finished trials by ``tid``, in the order of submission.
        evals: Finished evaluations by ``eid``, one for each distinct suggestion.
        live_trials: Suggested and not yet submitted: ``tid`` -> suggestion, in the order of suggestion.
        best: The incumbent; None before the first success.
        since_best: Trials finished since the incumbent last changed, or since the start.
        errors_in_a_row: Failed trials since the last success.
        count_by_error: Failed trials by the name of their error.
        repeats: Trials answered from known evaluations since the last one that was evaluated.
        total_cost: The sum of ``cost`` over evaluations.
        ended: How the last session ended; None if it is going on, or was cut off.
        heard: How many results the search was told in the order of suggestions; counts only with that order.
        sessions: How often a writer opened the tape.
        changes: Settings that sessions changed: ``stop``, ``trial_timeout``, ``caught_exceptions``.
        last_session: The ``info`` of the last session.
        n: The number of the last record.
        t: Its time, seconds since 1970.

    Args:
        search: What hears of the results; None for reading only.
        path: The tape.
        clock: The wall clock of a live run; None for reading, where time ends with the last record.
        order: When the search hears of a result: ``"completed"``, at once; ``"suggested"``, when ``hand_over`` says,
            in the order in which the trials were suggested.
    """

    def __init__(
        self,
        search: Search | None = None,
        *,
        path: Path | None = None,
        clock: Callable[[], float] | None = None,
        order: Order = "completed",
    ) -> None:
        self.search = search
        self.order = order
        self.heard = 0
        self._kept: dict[int, Entry] = {}
        self.clock = clock
        self._path = path
        self.trials: ResultTable[int] = ResultTable()
        self.evals: ResultTable[str] = ResultTable()
        self.live_trials: dict[int, Any] = {}
        self.best: Incumbent | None = None
        self.since_best = self.errors_in_a_row = self.repeats = 0
        self.total_cost = 0.0
        self.n, self.t = 0, 0.0
        self.ended: End | None = None
        self.sessions = 0
        self.changes: dict[str, Any] = {}
        self.last_session: dict[str, Any] = {}
        self.count_by_error: dict[str, int] = {}
        self._eids: dict[int, str] = {}
        self._owner: dict[str, int] = {}
        self._top: list[tuple[float, int, int]] = []
        self._opened: float | None = None
        self._closed_time = 0.0

    @property
    def tape(self) -> Tape:
        """The records that this state adds up, read from the file."""
        if self._path is None:
            raise ValueError("this state was made without a tape")
        return Tape(self._path, self.n)

    @property
    def runtime(self) -> float:
        """Seconds that writers had the tape open, over all sessions."""
        if self._opened is None:
            return self._closed_time
        now = self.clock() if self.clock is not None else self.t
        return self._closed_time + max(0.0, now - self._opened)

    @property
    def top(self) -> list[tuple[int, float]]:
        """``(tid, loss)`` of the best five evaluations, or of fewer; kept, not computed."""
        return [(tid, loss) for loss, _, tid in self._top]

    def eid(self, tid: int) -> str:
        """The evaluation of a live trial."""
        return self._eids[tid]

    def known(self, tid: int) -> tuple[Entry, int] | None:
        """For a live trial, the entry of an evaluation that answers it and the trial that had it; or None."""
        eid = self._eids[tid]
        if eid not in self.evals:
            return None
        entry = self.evals[eid]
        return None if entry[1].get("error") in NOT_REUSED and entry[0] == "error" else (entry, self._owner[eid])

    def apply(self, record: Record) -> None:
        """Take in the next record.

        Raises:
            TapeCorrupt: It cannot follow on those before, such as a second end of one trial.
        """
        event = record.event
        if isinstance(event, Suggest):
            self._suggest(event, record.n)
        elif isinstance(event, Submit):
            self._submit(event, record.n)
        elif isinstance(event, Session):
            self._session(event, record)
        elif isinstance(event, End):
            self._end(event, record)
        self.n, self.t = record.n, record.t

    def _suggest(self, event: Suggest, n: int) -> None:
        if event.tid in self.live_trials or event.tid in self.trials:
            raise self._corrupt(f"suggests trial {event.tid} a second time", n)
        self.live_trials[event.tid] = event.suggestion
        self._eids[event.tid] = hash_suggestion(event.suggestion)

    def _submit(self, event: Submit, n: int) -> None:
        tid = event.tid
        if tid not in self.live_trials:
            raise self._corrupt(f"ends trial {tid}, which is not live", n)
        if not RESULTS & event.result.keys():
            raise self._corrupt(f"ends trial {tid} with neither 'ok' nor 'error'", n)
        suggestion, eid = self.live_trials.pop(tid), self._eids.pop(tid)
        entry = self._entry(event, suggestion)
        self.trials.put(tid, entry)
        if event.of is None:
            self.evals.put(eid, entry)
            self._owner[eid] = tid
        self._count(event, entry)
        if self.search is None:
            return
        if self.order == "suggested":
            self._kept[tid] = entry
        else:
            _tell(self.search, tid, entry)

    @property
    def next_tid(self) -> int:
        """The trial that the next suggestion will be."""
        return len(self.trials) + len(self.live_trials)

    def due(self, window: int) -> int | None:
        """How many results the search has to know before the next suggestion; None if they are not all there.

        With the order ``"suggested"``, suggestion *k* is made knowing the results of the trials before
        *k* - ``window`` + 1 and no others, whatever was finished by then: that makes it independent of the timing.
        """
        due = max(self.heard, self.next_tid - window + 1)
        return due if all(tid in self._kept for tid in range(self.heard, due)) else None

    def hand_over(self, count: int) -> None:
        """Tell the search the results that were kept back, until it knows the first ``count`` trials.

        Raises:
            TapeCorrupt: One of them is not finished.
        """
        while self.heard < count and self.search is not None:
            if self.heard not in self._kept:
                raise self._corrupt(f"is followed by a suggestion that knew trial {self.heard}, which is live", self.n)
            _tell(self.search, self.heard, self._kept.pop(self.heard))
            self.heard += 1

    def _entry(self, event: Submit, suggestion: Any) -> Entry:
        if event.of is not None and event.of in self.trials:
            return self.trials[event.of]
        state = "ok" if "ok" in event.result else "error"
        outcome = {**event.result[state], "suggestion": suggestion}
        if "file" in event.result:
            outcome["file"] = event.result["file"]
        return [state, outcome]

    def _count(self, event: Submit, entry: Entry) -> None:
        self.repeats = self.repeats + 1 if event.of is not None else 0
        self.since_best += 1
        if entry[0] == "error":
            self.errors_in_a_row += 1
            name = entry[1].get("error", "UnknownError")
            self.count_by_error[name] = self.count_by_error.get(name, 0) + 1
            return
        self.errors_in_a_row = 0
        outcome = entry[1]
        if event.of is None:
            self.total_cost += outcome.get("cost", 0.0)
            self._rank(outcome["loss"], event.tid)
        if self.best is None or outcome["loss"] < self.best.loss:
            self.best = Incumbent(event.tid, outcome["loss"], outcome["suggestion"])
            self.since_best = 0

    def _corrupt(self, what: str, n: int) -> TapeCorrupt:
        return TapeCorrupt(f"{self._path or 'the tape'}: record {n} {what}", path=self._path or "", n=n)

    def _rank(self, loss: float, tid: int) -> None:
        if len(self._top) < TOP or loss < self._top[-1][0]:
            bisect.insort(self._top, (loss, len(self.trials), tid))
            del self._top[TOP:]

    def _session(self, event: Session, record: Record) -> None:
        if self._opened is not None:  # the session before was cut off; it lasted until its last record
            self._closed_time += max(0.0, self.t - self._opened)
        self._opened = record.t
        self.sessions += 1
        self.ended = None
        self.last_session = event.info
        self.changes.update(event.info.get("changed", {}))

    def _end(self, event: End, record: Record) -> None:
        if self._opened is not None:
            self._closed_time += max(0.0, record.t - self._opened)
        self._opened = None
        self.ended = event


def _tell(search: Search, tid: int, entry: Entry) -> None:
    if entry[0] == "ok":
        search.submit(tid, loss=entry[1]["loss"], var=entry[1].get("var"))
    else:
        search.submit(tid, error=True)
