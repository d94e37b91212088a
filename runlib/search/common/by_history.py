"""Makes any search able to adopt and forget trials by means of its history. This is slow, safe and always possible.

A search with only ``suggest`` and ``submit`` counts its own trials and cannot unlearn. ``ByHistory`` wraps it: its
callers count all trials, whoever suggested them, and the search gets its own numbers. It never changes what a search
has learned. To forget a result, it makes a new search and gives it the history without the result. Everything follows
from the calls, so the same calls with ``recall`` in the place of ``suggest`` lead to the same suggestions afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from runlib.engine.data.canonical import NotPlain, plain
from runlib.engine.data.shape import shaped
from runlib.engine.legible import logger
from runlib.errors import ReplayMismatch, SearchError, SearchExhausted, SearchWaiting
from runlib.search.base import Search
from runlib.space.accidents import quiet

__all__ = ["ByHistory", "complete"]

log = logger()

PENDING, DONE, FORGOTTEN = range(3)


def complete(search: Search) -> Search:
    """Returns a search that can adopt and forget: ``search`` itself if its class does both, else a wrapper of it.

    Args:
        search: A new search, before its first suggestion.
    """
    return search if _has_own(search, "adopt") and _has_own(search, "forget") else ByHistory(search)


def _has_own(search: Search, method: str) -> bool:
    return getattr(type(search), method) is not getattr(Search, method)


@dataclass(frozen=True, slots=True)
class _Made:
    """States that a trial was added, suggested by the search (``own``) or by somebody else."""

    suggestion: Any
    memo: Any
    own: bool


@dataclass(frozen=True, slots=True)
class _Heard:
    """Holds the result of trial ``tid``; by default there is none to learn from (``void``)."""

    tid: int
    error: bool = True
    loss: float | None = None
    var: float | None = None
    void: bool = True


_History = list[_Made | _Heard]


class _Numbered:
    """Holds a search and its number for each trial; the number is None if the search does not know the trial."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.own_tids: list[int | None] = []
        self.next_own = 0
        self.knows_all = True

    def suggest(self) -> tuple[Any, Any]:
        own, suggestion = self.search.suggest()
        self._add(own)
        return suggestion, self.search.memo(own)

    def recall(self, suggestion: Any, memo: Any) -> None:
        self.search.recall(self.next_own, suggestion, memo)
        self._add(self.next_own)

    def adopt(self, suggestion: Any) -> None:
        if _has_own(self.search, "adopt"):
            self._add(self.search.adopt(suggestion))
        else:
            self.own_tids.append(None)
            self.knows_all = False

    def submit(self, heard: _Heard) -> None:
        own = self.own_tids[heard.tid]
        if own is not None and heard.void:
            self.search.void(own)
        elif own is not None:
            self.search.submit(own, error=heard.error, loss=heard.loss, var=heard.var)

    def replay(self, event: _Made | _Heard) -> None:
        if isinstance(event, _Heard):
            self.submit(event)
        elif event.own:
            self._recall_or_adopt(event)
        else:
            self.adopt(event.suggestion)

    def _recall_or_adopt(self, made: _Made) -> None:
        try:
            self.recall(made.suggestion, made.memo)
        except (ReplayMismatch, SearchExhausted, SearchWaiting) as error:
            if isinstance(error, ReplayMismatch) and not _has_own(self.search, "recall"):
                # The search was asked and made another suggestion. Nobody tries it, and the search may wait for its
                # result.
                self.search.void(self.next_own)
                self.next_own += 1
            self.adopt(made.suggestion)

    def _add(self, own: int) -> None:
        if own != self.next_own:
            raise SearchError(
                f"{self.search.kind} made trial {own}, where trial {self.next_own} is next: it served another run, or "
                "counts otherwise than 0, 1, 2, ...; make a new one, or go on with Run.restore"
            )
        self.own_tids.append(own)
        self.next_own += 1


class ByHistory(Search, abstract=True):
    """Wraps a search with the history of its calls; it adopts and forgets whether or not the search can.

    It leaves to the search what the search can do itself. Otherwise:

    **adopt**: the trial gets its ``tid`` and its result is accepted, but the algorithm does not learn of it. The log
    says so once.

    **forget**: the search is made again from its config and context, and the history is replayed. Its own suggestions
    are recalled with their memos, and results are submitted. The forgotten result is submitted as void, which by
    default is an error (a trial that never ends could keep a search waiting). A trial without a result is void from now
    on. A new result of a forgotten trial replaces the old one, at the time when it arrives.

    A later suggestion may depend on the forgotten result, so that the new search cannot make it. Then the search raises
    ``ReplayMismatch``, or has nothing to suggest there, and it learns of that trial as if somebody else had suggested
    it. With the default ``recall`` the search was asked for a suggestion and has made another one. Nobody tries that
    one, so it is void. This is repeated each time over the whole history, so the knowledge of the search follows from
    the calls alone.

    Forgetting takes the time of all calls so far, and with the default ``recall`` it asks the algorithm for every
    suggestion. Unless the search can forget, the history is kept in memory: a few references for each trial, and the
    suggestion and memo as on the tape. What is recalled is kept as it is given, not copied.

    Attributes:
        inner: The current search; another object after something was forgotten.

    Args:
        search: A new search, before its first suggestion.
    """

    def __init__(self, search: Search) -> None:
        super().__init__(search.__dict__.get("given_context"))
        self.__dict__["kind"] = search.kind  # Messages name the search, not its wrapper.
        self._now = _Numbered(search)
        self._states = bytearray()
        self._history: _History = []
        self._renewal = None if _has_own(search, "forget") else search.renewal()
        self._last_memo: tuple[int, Any] = (-1, None)
        self._said = False

    @property
    def _fails_void(self) -> bool:
        """Returns whether void trials are errors to the search; then a failed trial leaves nothing to unlearn."""
        return not _has_own(self.inner, "void")

    @property
    def inner(self) -> Search:
        """Returns the current search."""
        return self._now.search

    def get_config(self) -> dict[str, Any]:
        """Returns the config of the search."""
        return self.inner.get_config()

    def suggest(self) -> tuple[int, Any]:
        """Returns the next ``(tid, suggestion)`` of the search.

        Raises:
            SearchExhausted: Nothing is left to suggest, whatever results arrive.
            SearchWaiting: There is nothing to suggest until a result arrives.
            SearchError: The suggestion is no plain data, or the search miscounts.
        """
        suggestion, memo = self._now.suggest()
        try:
            made = _Made(shaped(suggestion), plain(memo), own=True)
        except NotPlain as error:
            raise SearchError(f"{self.kind} made a suggestion that is no plain data: {error}") from error
        tid = self._note(made)
        self._last_memo = tid, memo
        return tid, suggestion

    def submit(self, tid: int, *, error: bool = False, loss: float | None = None, var: float | None = None) -> None:
        """Learns the outcome of trial ``tid``.

        Raises:
            SearchError: There is no such trial, it was submitted before, or it has neither loss nor error.
        """
        state = self._check(tid)
        if state == DONE:
            raise SearchError(f"trial {tid} was submitted before; a trial has one result")
        if loss is None and not error:
            raise SearchError(f"trial {tid} was submitted with neither a loss nor an error")
        self._take(_Heard(tid, error, loss, var, void=False), state)

    def void(self, tid: int) -> None:
        """Ends trial ``tid`` without a result to learn from.

        Raises:
            SearchError: There is no such trial, or it was submitted before.
        """
        state = self._check(tid)
        if state == DONE:
            raise SearchError(f"trial {tid} was submitted before; a trial has one result")
        self._take(_Heard(tid), state)

    def _take(self, heard: _Heard, state: int) -> None:
        tid = heard.tid
        if state == FORGOTTEN and self._renewal is not None:
            place = self._place(tid)
            self._revise(tid, [*self._history[:place], *self._history[place + 1 :], heard])
        else:
            self._hear(heard)
        self._states[tid] = DONE

    def memo(self, tid: int) -> Any:
        """Returns what the tape must keep of suggestion ``tid``; None for a trial that the search does not know."""
        last, memo = self._last_memo
        if tid == last:  # The search is asked only once.
            return memo
        self._check(tid)
        own = self._now.own_tids[tid]
        return None if own is None else self.inner.memo(own)

    def recall(self, tid: int, suggestion: Any, memo: Any) -> None:
        """Takes back an earlier suggestion, by the ``recall`` of the search.

        Raises:
            ReplayMismatch: It is not the next trial, or the search would suggest something else now.
        """
        if tid != len(self._states):
            raise ReplayMismatch(f"trial {tid} cannot be recalled: the next one is trial {len(self._states)}")
        own = self._now.next_own
        try:
            self._now.recall(suggestion, memo)
        except ReplayMismatch as error:
            if own == tid:
                raise
            raise ReplayMismatch(f"trial {tid}, which {self.kind} counts as {own}: {error}") from error
        self._note(_Made(suggestion, memo, own=True))

    def adopt(self, suggestion: Any) -> int:
        """Adds a trial that the search did not suggest, and returns the next ``tid`` for it.

        Raises:
            NotPlain: The suggestion is no plain data, with the place.
        """
        try:
            kept = shaped(suggestion)
        except NotPlain as error:
            raise error.under("suggestion") from None
        self._now.adopt(kept)
        self._warn_of_unknown()
        return self._note(_Made(kept, None, own=False))

    def spelled(self, suggestion: Any) -> Any:
        """Returns any suggestion as the search would write it."""
        return self.inner.spelled(suggestion)

    def forget(self, tid: int) -> None:
        """Drops the result of trial ``tid``; a new one may be submitted, and counts.

        Raises:
            SearchError: There is no such trial.
        """
        state = self._check(tid)
        if self._renewal is None:
            own = self._now.own_tids[tid]
            if own is not None:
                self.inner.forget(own)
        elif state == PENDING:
            self._hear(_Heard(tid))
        else:
            self._make_void(tid)
        self._states[tid] = FORGOTTEN

    def _check(self, tid: int) -> int:
        if not 0 <= tid < len(self._states):
            raise SearchError(f"there is no trial {tid}; {len(self._states)} were suggested or adopted so far")
        return self._states[tid]

    def _note(self, made: _Made) -> int:
        if self._renewal is not None:
            self._history.append(made)
        self._states.append(PENDING)
        return len(self._states) - 1

    def _hear(self, heard: _Heard) -> None:
        self._now.submit(heard)
        if self._renewal is not None:
            self._history.append(heard)

    def _place(self, tid: int) -> int:
        """Returns the place of the result of a trial in the history; the trial must have one."""
        return next(i for i, event in enumerate(self._history) if isinstance(event, _Heard) and event.tid == tid)

    def _make_void(self, tid: int) -> None:
        """Makes the trial void in the history, if the search learned from its result."""
        place = self._place(tid)
        heard = self._history[place]
        learned_from = isinstance(heard, _Heard) and not heard.void and not (heard.error and self._fails_void)
        if learned_from:
            self._revise(tid, [*self._history[:place], _Heard(tid), *self._history[place + 1 :]])

    def _revise(self, tid: int, history: _History) -> None:
        """Continues from another history, in which trial ``tid`` has another result."""
        if self._now.own_tids[tid] is not None and self._renewal is not None:
            with quiet():
                anew = _Numbered(self._renewal())
            for event in history:
                anew.replay(event)
            self._now = anew
            self._warn_of_unknown()
        self._history = history

    def _warn_of_unknown(self) -> None:
        if not self._said and not self._now.knows_all:
            self._said = True
            log.warning("%s cannot learn from suggestions of others: it does not hear of them", self.kind)
