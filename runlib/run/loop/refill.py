"""Refills the run: makes suggestions until enough trials are live.

A refill depends on the state alone, so that a run that was cut off between any two records continues as if it had not
been. It first answers the live trials that are known already, then takes the enqueued suggestions of the user, and then
asks the search. A stop limits what is started, never what is suggested.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runlib.engine.data.canonical import NotPlain, plain
from runlib.engine.data.shape import shaped
from runlib.errors import RunlibError, SearchError, SearchExhausted, SearchWaiting
from runlib.search.base import Search
from runlib.state.state import State
from runlib.stop.base import Stop
from runlib.tape.events import Event, Submit, Suggest

__all__ = ["Refill"]

REPEATS_IN_A_ROW = 1000


class Refill:
    """Makes suggestions and puts them on the tape.

    Attributes:
        capacity: The number of trials that are live at once.
        exhausted: The reason why the search has nothing left to suggest; empty as long as it may have something.
        waiting: Whether the search waits for a result.

    Args:
        search: The search that makes the suggestions.
        stop: The stop, which says for how many results there is room.
        state: The state of the run.
        capacity: The number of trials that are live at once.
        reuse: Whether a repeated suggestion is answered by the known evaluation.
        append: A function that puts an event on the tape and applies it.
        running: The trials that are being evaluated; the loop keeps the set up to date.
    """

    def __init__(
        self,
        search: Search,
        stop: Stop,
        state: State,
        *,
        capacity: int,
        reuse: bool,
        append: Callable[[Event], None],
        running: set[int],
    ) -> None:
        self._search, self._stop, self._state = search, stop, state
        self.capacity, self._reuse = capacity, reuse
        self._append, self._running = append, running
        self.exhausted = ""
        self.waiting = False

    def fill(self, goes_on: Callable[[], bool]) -> None:
        """Makes suggestions until enough trials are live, or ``goes_on`` returns False."""
        state = self._state
        while goes_on():
            self._settle()
            if len(state.live_trials) >= self.capacity or not self._may_suggest():
                return
            if state.queue:
                self._suggest_queued()
                continue
            if self.exhausted or self.waiting:
                return
            if state.repeats >= REPEATS_IN_A_ROW:
                if not state.live_trials:
                    self.exhausted = f"the last {state.repeats} suggestions were all known already"
                return
            self._suggest()

    def _settle(self) -> None:
        """Answers the live trials whose evaluation is known, as far as the stop has room beside the older live trials.

        The room is counted beside the older live trials, not the running ones, because none runs after a restart. The
        older live trials are those that run first.
        """
        state, older = self._state, 0
        if not self._reuse:
            return
        for tid in list(state.live_trials):
            known = None if tid in self._running else state.known(tid)
            if known is not None and self._stop.room(state) > older:
                self._append(Submit(tid, state.answer(known[1]), of=known[1]))
            else:
                older += 1

    def _may_suggest(self) -> bool:
        return self._state.order == "completed" or self._state.due(self.capacity) is not None

    def _hear(self, more: int = 0) -> int | None:
        """Tells the search the results that are due, if the order is ``"suggested"``; returns how many it knows."""
        state = self._state
        if state.order == "completed":
            return None
        state.hand_over((state.due(self.capacity) or 0) + more)
        return state.heard

    def _suggest_queued(self) -> None:
        """Suggests what the user enqueued, which comes before the suggestions of the search."""
        heard = self._hear()
        n, suggestion = next(iter(self._state.queue.items()))
        tid = self._adopt(suggestion, n)
        self._check_tid(tid)
        self._append(Suggest(tid, suggestion, heard=heard, queued=n))

    def _adopt(self, suggestion: Any, n: int) -> int:
        try:
            return self._search.adopt(suggestion)
        except RunlibError:
            raise
        except Exception as error:
            raise SearchError(
                f"{self._search.kind} cannot adopt the suggestion that record {n} wants to be tried: "
                f"{type(error).__name__}: {error}; mend its adopt(), then restore the run"
            ) from error

    def _suggest(self) -> None:
        search, heard = self._search, self._hear()
        try:
            tid, suggestion = search.suggest()
        except SearchExhausted as error:
            self.exhausted = str(error) or "the search has nothing left to suggest"
        except SearchWaiting:
            self._wait()
        else:
            self._check_tid(tid)
            try:
                self._append(Suggest(tid, shaped(suggestion), plain(search.memo(tid)), heard))
            except NotPlain as error:
                raise SearchError(f"{search.kind} made a suggestion that is no plain data: {error}") from error

    def _wait(self) -> None:
        """Tells the search the next result if the order is ``"suggested"`` and it is there; else sets ``waiting``."""
        state = self._state
        if state.order == "suggested" and state.feed.is_there(state.heard, state.heard + 1):
            self._hear(more=1)
        else:
            self.waiting = True

    def _check_tid(self, tid: int) -> None:
        expected = self._state.next_tid
        if tid != expected:
            raise SearchError(
                f"{self._search.kind} made trial {tid}, where trial {expected} is next on the tape: it "
                "served another run, or is ahead of a tape that could not be written; make a new one, or go on with "
                "Run.restore"
            )
