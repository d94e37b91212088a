"""Keeps what evaluators returned separate from what runlib adds to it.

The tables of a state show one dict for each finished trial: what was returned, and with it ``suggestion``, and ``file``
and ``given_loss`` if there are any. A returned value under one of these names is kept separately. So the result of a
trial can be given as it is on the tape, and a value of runlib is never taken for one of the evaluator, or the reverse.
"""

from __future__ import annotations

from typing import Any

from runlib.state.results import Entry

__all__ = ["ABOUT_THE_RESULT", "Returned"]

SHOWN = ("file", "given_loss")  # keys beside a result that the tables show
# The other keys are about the evaluation, and a repeated suggestion has none.
ABOUT_THE_RESULT = ("file", "files", "given_loss", "dropped")


class Returned:
    """Holds the results of finished trials.

    Attributes:
        beside: The keys and values that runlib added to the result of a trial, by trial, if it added any.
    """

    def __init__(self) -> None:
        self.beside: dict[int, dict[str, Any]] = {}
        self._hidden: dict[int, dict[str, Any]] = {}  # returned values under names that the tables use

    def enter(self, tid: int, result: dict[str, Any], suggestion: Any) -> Entry:
        """Stores a result, and returns the entry of its trial for the tables.

        Args:
            tid: The number of the trial.
            result: The result as it is on the tape.
            suggestion: The suggestion of the trial.
        """
        kind = "ok" if "ok" in result else "error"
        returned, added = result[kind], {"suggestion": suggestion}
        if len(result) > 1:
            self.beside[tid] = {key: value for key, value in result.items() if key != kind}
            added.update((key, result[key]) for key in SHOWN if key in result)
        hidden = {key: returned[key] for key in added if key in returned}
        if hidden:
            self._hidden[tid] = hidden
        return [kind, {**returned, **added}]

    def result(self, tid: int, entry: Entry) -> dict[str, Any]:
        """Returns the result that ``enter`` took: what was returned, and beside it what runlib added."""
        kind, outcome = entry
        beside, hidden = self.beside.get(tid, {}), self._hidden.get(tid, {})
        added = {"suggestion", *(key for key in SHOWN if key in beside)}
        returned = {key: hidden.get(key, value) for key, value in outcome.items() if key not in added or key in hidden}
        return {kind: returned, **beside}

    def share(self, tid: int, of: int) -> None:
        """Gives trial ``tid`` the result of trial ``of``."""
        for kept in (self.beside, self._hidden):
            if of in kept:
                kept[tid] = kept[of]

    def forget(self, tid: int) -> None:
        """Removes the result of a trial that no longer counts."""
        self.beside.pop(tid, None)
        self._hidden.pop(tid, None)
