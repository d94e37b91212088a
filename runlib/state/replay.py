"""Replay: the records of a tape, handed to a state and to the search that goes on from there.

The search takes back its old suggestions by ``recall``, which asks no algorithm; with ``verify`` it is asked again
for each, and the first difference is an error at the exact record.
"""

from __future__ import annotations

from collections.abc import Iterable

from runlib.errors import ReplayMismatch, SearchError
from runlib.search.base import Search
from runlib.state.state import State
from runlib.tape.events import Record, Suggest

__all__ = ["replay"]


def replay(records: Iterable[Record], state: State, *, verify: bool = False) -> None:
    """Apply records to ``state``, and bring its search along if it has one.

    Args:
        records: In order, going on from what the state holds.
        state: Changed in place.
        verify: Ask the search again for each suggestion, and compare.

    Raises:
        ReplayMismatch: The search does not suggest, or cannot take back, what stands on the tape.
        TapeError: The records do not fit.
    """
    search = state.search
    for record in records:
        if search is not None and isinstance(record.event, Suggest):
            state.hand_over(record.event.heard or 0)
            _bring_along(search, record.event, record.n, verify)
        state.apply(record)


def _bring_along(search: Search, event: Suggest, n: int, verify: bool) -> None:
    try:
        recall = Search.recall if verify else type(search).recall
        recall(search, event.tid, event.suggestion, event.memo)
    except (ReplayMismatch, SearchError) as error:
        raise ReplayMismatch(f"record {n}: {error}", n=n) from error
