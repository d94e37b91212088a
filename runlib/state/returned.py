"""What evaluators returned, apart from what runlib adds to it.

The tables of a state show one dict for each finished trial: what was returned, and with it ``suggestion``, and ``file``
and ``given_loss`` where there are any. What was returned under one of these names is kept beside, so that the result of
a trial can be told as it stands on the tape, and nothing of runlib's own is taken for the evaluator's, or the reverse.
"""

from __future__ import annotations

from typing import Any

from runlib.state.results import Entry

__all__ = ["ABOUT_THE_RESULT", "Returned"]

SHOWN = ("file", "given_loss")  # of what stands beside a result, what the tables show
ABOUT_THE_RESULT = ("file", "files", "given_loss", "dropped")  # the rest is about the evaluation: a repeat had none


class Returned:
    """The results of finished trials.

    Attributes:
        beside: What runlib added to the result of a trial, where it added something.
    """

    def __init__(self) -> None:
        self.beside: dict[int, dict[str, Any]] = {}
        self._hidden: dict[int, dict[str, Any]] = {}  # what was returned under a name that the tables use

    def enter(self, tid: int, result: dict[str, Any], suggestion: Any) -> Entry:
        """The entry of a trial in the tables.

        Args:
            tid: The trial.
            result: As it stands on the tape.
            suggestion: Of the trial.
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
        """The result that ``enter`` took: what was returned, and beside it what runlib added."""
        kind, outcome = entry
        beside, hidden = self.beside.get(tid, {}), self._hidden.get(tid, {})
        added = {"suggestion", *(key for key in SHOWN if key in beside)}
        returned = {key: hidden.get(key, value) for key, value in outcome.items() if key not in added or key in hidden}
        return {kind: returned, **beside}

    def share(self, tid: int, of: int) -> None:
        """The result of a trial is that of another one."""
        for kept in (self.beside, self._hidden):
            if of in kept:
                kept[tid] = kept[of]

    def forget(self, tid: int) -> None:
        """The trial no longer counts."""
        self.beside.pop(tid, None)
        self._hidden.pop(tid, None)
