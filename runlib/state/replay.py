"""Replays the records of a tape: a state applies them, and the search that continues from there takes them back.

The search takes back its earlier suggestions by ``recall``, which runs no algorithm, and adopts those of others. With
``verify`` it is asked again for each of its own. The first difference is an error that names the exact record.
"""

from __future__ import annotations

from collections.abc import Iterable

from runlib.state.state import State
from runlib.tape.events import Record, Suggest

__all__ = ["replay"]


def replay(records: Iterable[Record], state: State, *, verify: bool = False) -> None:
    """Applies records to ``state``, and keeps its search up to date if it has one.

    Args:
        records: The records in order, starting after the last one that the state holds.
        state: The state, which is changed in place.
        verify: Whether to ask the search again for each of its suggestions, and compare.

    Raises:
        ReplayMismatch: The search does not suggest, or cannot take back, a suggestion on the tape.
        TapeError: The records do not fit.
    """
    has_search = state.search is not None
    for record in records:
        if has_search and isinstance(record.event, Suggest):
            state.hand_over(record.event.heard or 0)
            state.feed.bring_along(record.event, record.n, verify)
        state.apply(record)
