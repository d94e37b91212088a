"""Reports to the search of a run: every result once, at once or in the order of suggestions, and which trials are void.

With the order ``"suggested"``, early results are kept back until ``hand_over``, so a suggestion knows the same results
whatever the timing. If a trial is void, the search is told that it ended, if it was not told before, and must then
forget it. A search may wait for such a trial, but must not learn from it.
"""

from __future__ import annotations

from runlib.errors import ReplayMismatch, RunlibError, SearchError
from runlib.search.base import Search
from runlib.search.common.by_history import complete
from runlib.state.results import Entry
from runlib.tape.events import Suggest

__all__ = ["SearchFeed"]


class SearchFeed:
    """Reports results to one search.

    Attributes:
        search: The search, able to adopt and to forget; None if there is none.
        in_order: Whether results are kept back.
        heard: The number of trials that the search was told of, if results are kept back.

    Args:
        search: The search of the run; None for reading only.
        in_order: Whether results are kept back, to be reported in the order of suggestions.
        adopted: The number of the record up to which suggestions are those of another search.
        sign: -1 if greater losses are better, else 1. The search takes smaller ones for better, so it gets them with
            this sign.
        loss_on_error: The loss that is reported for a failed trial, as a user would write it; None to report the
            failure.
    """

    def __init__(
        self,
        search: Search | None,
        in_order: bool,
        *,
        adopted: int = 0,
        sign: int = 1,
        loss_on_error: float | None = None,
    ) -> None:
        self.search = None if search is None else complete(search)
        self.in_order = in_order
        self.adopted = adopted
        self._sign = sign
        self._loss_on_error = loss_on_error
        self.heard = 0
        self._kept: dict[int, Entry | None] = {}

    def finished(self, tid: int, entry: Entry) -> None:
        """Reports the result of a trial, or keeps it back."""
        if self.search is not None and self.in_order:
            self._kept[tid] = entry
        else:
            self._tell(tid, entry)

    def voided(self, tid: int, was_live: bool) -> None:
        """Reports that a trial no longer counts, or keeps this back."""
        if self.search is None:
            return
        if self.in_order and tid >= self.heard:
            self._kept[tid] = None
        elif was_live:
            self._tell(tid, None)
        else:
            self.search.forget(tid)

    def is_there(self, start: int, end: int) -> bool:
        """Returns whether all these trials can be reported."""
        return all(tid in self._kept for tid in range(start, end))

    def hand_over(self) -> bool:
        """Reports the next trial in order; returns False if it is not finished."""
        if self.heard not in self._kept:
            return False
        self._tell(self.heard, self._kept.pop(self.heard))
        self.heard += 1
        return True

    def _tell(self, tid: int, entry: Entry | None) -> None:
        if self.search is None:
            return
        if entry is None:
            self.search.void(tid)
            self.search.forget(tid)
        elif entry[0] == "ok":
            self.search.submit(tid, loss=self._sign * entry[1]["loss"], var=entry[1].get("var"))
        elif self._loss_on_error is not None:
            self.search.submit(tid, loss=self._sign * self._loss_on_error)
        else:
            self.search.submit(tid, error=True)

    def is_own(self, event: Suggest, n: int) -> bool:
        """Returns whether record ``n`` is a suggestion of the search, and not one of somebody else."""
        return self.search is not None and event.queued is None and n > self.adopted

    def bring_along(self, event: Suggest, n: int, verify: bool) -> None:
        """Lets the search take back its own suggestion, or adopt one of somebody else.

        Raises:
            ReplayMismatch: It cannot, or asked again (``verify``) it suggests something else.
        """
        if self.search is None:
            return
        try:
            if self.is_own(event, n):
                recall = Search.recall if verify else type(self.search).recall
                recall(self.search, event.tid, event.suggestion, event.memo)
            else:
                _check_same(self.search.adopt(event.suggestion), event.tid)
        except (ReplayMismatch, SearchError) as error:
            raise ReplayMismatch(f"record {n}: {error}", n=n) from error
        except RunlibError:
            raise
        except Exception as error:  # The tape may hold something that this search never made.
            what = f"{type(error).__name__}: {error}"[:200]
            raise ReplayMismatch(f"record {n}: the search cannot take back its suggestion: {what}", n=n) from error


def _check_same(got: int, tid: int) -> None:
    if got != tid:
        raise ReplayMismatch(f"the search counts as trial {got} what is trial {tid} on the tape")
