"""Reports the first unusable result at once, and ends the run early if all results are unusable.

Without this, an evaluator that returns nothing usable would fail in every trial, and nobody would notice before the
end. Only the results of one session count, so that a run continues after its evaluator was corrected.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runlib.engine.legible import legible_line, logger
from runlib.errors import InvalidResult, NoSuccess
from runlib.state.state import State

__all__ = ["FirstResults", "log", "no_success", "why_none"]

AT_LEAST = 5  # unusable first results that end the run, or the number of slots if that is greater
UNUSABLE = "InvalidResult"
LONGEST = 300
SHOWN = 3  # texts that are shown of one error

log = logger("runlib.results")


class FirstResults:
    """Counts the first results of a session.

    Args:
        slots: The number of evaluations that run at once.
    """

    def __init__(self, slots: int) -> None:
        self._enough = max(AT_LEAST, slots)
        self._unusable = 0
        self._counts = True
        self._told = {UNUSABLE: False, "dropped": False}

    def take(self, tid: int, result: Mapping[str, Any]) -> InvalidResult | None:
        """Counts a result; returns the error that is to end the run, or None."""
        error = result.get("error")
        if error is None or error.get("error") != UNUSABLE:
            self._counts = False
            if "dropped" in result:
                self._tell("dropped", tid, ", ".join(_each(result["dropped"])))
            return None
        reason = _line(error.get("error_text", ""))
        self._tell(UNUSABLE, tid, reason)
        self._unusable += 1
        if not self._counts or self._unusable < self._enough:
            return None
        return InvalidResult(
            f"none of the first {self._unusable} results can be used; trial {tid}: {reason}. Correct the evaluator, "
            "then restore the run",
            tid=tid,
        )

    def _tell(self, what: str, tid: int, text: str) -> None:
        if not text or self._told[what]:
            return
        self._told[what] = True
        if what == UNUSABLE:
            log.warning("the result of trial %d cannot be used: %s", tid, text)
        else:
            log.warning("of the result of trial %d this is left out, being no data: %s", tid, text)


def _each(dropped: Mapping[str, Any]) -> list[str]:
    return [f"{_line(name)} ({_line(str(reason))})" for name, reason in dropped.items()]


def _line(text: str) -> str:
    line = legible_line(" ".join(text.split()))
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."


def why_none(state: State) -> str:
    """Returns why no trial succeeded: the commonest errors with their counts; empty if one did, or none has ended."""
    if state.trials.ok_count or not state.trials.error_count:
        return ""
    errors = [f"{count} {_line(name)}{_texts(texts)}" for name, count, texts in state.trials.commonest_errors(3)]
    rest = len(state.trials.count_by_error()) - len(errors)
    more = f", and {rest} other kind{'s' if rest > 1 else ''}" if rest else ""
    return f"none of {len(state.trials)} trials succeeded: {', '.join(errors)}{more}"


def _texts(texts: list[tuple[str, int]]) -> str:
    """Returns in brackets the texts of one error: a single one, or the commonest ones with their counts."""
    [(first, most), *others] = texts
    if not others:
        return f" ({_line(first)})" if first else ""
    if most == 1:
        return f" (such as: {_line(first)})"
    shown = [f"{times} times {_line(text) or 'without a text'}" for text, times in texts[:SHOWN]]
    rest = sum(times for _, times in texts[SHOWN:])
    return f" ({'; '.join(shown)}{f'; {rest} other' if rest else ''})"


def no_success(state: State) -> NoSuccess | None:
    """Returns the error for a request for the best trial if trials ended and none succeeded; None otherwise."""
    why = why_none(state)
    return NoSuccess(why, dict(sorted(state.count_by_error.items(), key=lambda pair: -pair[1]))) if why else None
