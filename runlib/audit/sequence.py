"""Checks each record against the records before it, after its own form was checked.

The state of the run decides what fits. Further rules, which the state takes for granted, are checked here. A record
that does not fit is not applied, so that one fault does not cause faults in all records that follow.
"""

from __future__ import annotations

from runlib.engine.data.canonical import hash_suggestion
from runlib.errors import ReplayMismatch, TapeError
from runlib.state.replay import replay
from runlib.state.state import State
from runlib.tape.events import Record, Submit, Suggest

__all__ = ["Sequence"]


class Sequence:
    """Takes the records of a tape one after the other.

    Attributes:
        finished_in_a_row: The number of trials that are finished before the first unfinished one.
        asked: The number of suggestions for which the search was asked again.

    Args:
        state: The state that takes in each record that fits. If it has a search, the search is asked again for each
            suggestion.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.finished_in_a_row = 0
        self.asked = 0

    def take(self, record: Record) -> str | None:
        """Applies a record, or returns why it does not fit, in a text that begins with a verb.

        Raises:
            ReplayMismatch: The search was asked again and suggests something else.
        """
        fault = self._misfit(record)
        if fault is not None:
            return fault
        try:
            replay([record], self.state, verify=True)
        except ReplayMismatch:
            raise
        except TapeError as error:
            return " ".join(str(error).split()).partition(f"record {record.n} ")[2] or str(error)
        self.asked += isinstance(record.event, Suggest) and self.state.feed.is_own(record.event, record.n)
        while self.finished_in_a_row in self.state.trials or self.finished_in_a_row in self.state.voided:
            self.finished_in_a_row += 1
        return None

    def _misfit(self, record: Record) -> str | None:
        event, state = record.event, self.state
        if isinstance(event, Suggest):
            if event.tid > state.next_tid:
                return f"suggests trial {event.tid}, where trial {state.next_tid} is next"
            if (event.heard or 0) > self.finished_in_a_row:
                return f"suggests with {event.heard} results known, of which {self.finished_in_a_row} were there"
        if isinstance(event, Submit) and event.of is not None and event.tid in state.live_trials:
            return self._wrong_owner(event, event.of)
        return None

    def _wrong_owner(self, event: Submit, of: int) -> str | None:
        said = f"ends trial {event.tid} with the result of trial {of}"
        if of not in self.state.trials:
            return f"{said}, which is not finished"
        kind, outcome = self.state.trials.peek(of)
        if hash_suggestion(outcome["suggestion"]) != hash_suggestion(self.state.live_trials[event.tid]):
            return f"{said}, which had another suggestion"
        own = event.result.get(kind)
        if not isinstance(own, dict) or own.get("loss") != outcome.get("loss"):
            return f"{said}, but holds another result"
        return None
