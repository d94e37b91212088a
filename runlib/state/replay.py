"""Replay: the records of a tape, handed to a state and to the search that goes on from there.

The search takes back its old suggestions by ``recall``, which asks no algorithm, and takes in those of others; with
``verify`` it is asked again for each of its own, and the first difference is an error at the exact record.
"""

from __future__ import annotations

from collections.abc import Iterable

from runlib.state.state import State
from runlib.tape.events import Record, Suggest

__all__ = ["replay"]


def replay(records: Iterable[Record], state: State, *, verify: bool = False) -> None:
    """Apply records to ``state``, and bring its search along if it has one.

    Args:
        records: In order, going on from what the state holds.
        state: Changed in place.
        verify: Ask the search again for each of its suggestions, and compare.

    Raises:
        ReplayMismatch: The search does not suggest, or cannot take back, what stands on the tape.
        TapeError: The records do not fit.
    """
    has_search = state.search is not None
    for record in records:
        if has_search and isinstance(record.event, Suggest):
            state.hand_over(record.event.heard or 0)
            state.feed.bring_along(record.event, record.n, verify)
        state.apply(record)
