"""Writes ``status.txt``, which shows a user the state of the run. It is replaced atomically, at most twice a second."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from runlib.engine.legible import legible_line
from runlib.observe.base import Observer, RunInfo
from runlib.state.state import State
from runlib.stop.base import Stop
from runlib.tape.events import Record

__all__ = ["StatusObserver", "format_seconds", "render_status"]

FOREVER = 1e15  # seconds; a longer time is not shown in minutes and hours


def render_status(state: State, info: RunInfo) -> str:
    """Returns the text of ``status.txt``, which depends only on the arguments and on the clocks in them."""
    now = time.localtime(None if state.clock is None else state.clock())
    lines = [
        f"## Status of {info.name} at {time.strftime('%Y-%m-%d %H:%M:%S', now)} ##",
        "",
        _message(state, info),
        _stop_report(info.stop, state),
        f"Best {len(state.top[:3])}: {', '.join(f'{loss:.6g} (trial {tid})' for tid, loss in state.top[:3])}."
        if state.top
        else "Best: none yet.",
        "",
        f"Trials:      {_counts(state.trials)}, {len(state.live_trials)} live{_rare_counts(state)}.",
        f"Evaluations: {_counts(state.evals)}.",
    ]
    errors = state.count_by_error
    if errors:
        lines.append(f"Errors:      {', '.join(f'{name}: {count}' for name, count in errors.items())}.")
    if state.ended is not None and state.evals.ok_count:
        last = min(5, state.evals.ok_count) - 1
        lines.append(f"The best suggestions are in suggestion-0.yml{f' to suggestion-{last}.yml' if last else ''}.")
    lines += [f"Recovered:   {said}." for said in state.last_session.get("recovered", [])]
    lines += ["", f"Folder: {info.folder}", f"Tape:   {state.n} records.", ""]
    return "\n".join(map(legible_line, lines))


def _counts(table: Any) -> str:
    return f"{len(table)} finished, {table.ok_count} ok, {table.error_count} failed"


def _rare_counts(state: State) -> str:
    """Returns the counts of void trials and enqueued suggestions, or an empty text if there are none."""
    void = f", {len(state.voided)} void" if state.voided else ""
    return void + (f", {len(state.queue)} enqueued" if state.queue else "")


def _message(state: State, info: RunInfo) -> str:
    if state.ended is not None:
        why = (state.ended.text or state.ended.reason).rstrip(".")
        return f"Ended: {why}. It ran for {format_seconds(state.runtime)} in all."
    used = info.clock() - info.began
    limit = "" if info.duration is None else f" of {format_seconds(info.duration)}"
    return f"Running for {format_seconds(used)}{limit}, with {len(info.running)} active evaluations."


def _stop_report(stop: Stop, state: State) -> str:
    try:
        return stop.short_report(state)
    except Exception as error:  # the stop is code of a user; its error must not end the run
        return f"(the report of {stop.kind} failed: {type(error).__name__}: {error})"


def format_seconds(seconds: float) -> str:
    """Returns seconds in readable units. A value that no clock measures (inf, NaN, below 0) is written in seconds."""
    if not 60 <= seconds < FOREVER:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


class StatusObserver(Observer):
    """Keeps ``status.txt`` in the folder of the run up to date.

    Args:
        context: The setting ``interval``, the least time between two writes in seconds (0.5).
    """

    kind = "observe_status"
    also_called = ("state", "report")
    default_context = {"interval": 0.5}

    def __init__(self, context: Mapping[str, Any] | None = None) -> None:
        super().__init__(context)
        self._stage: RunInfo | None = None
        self._written = float("-inf")

    def open(self, info: RunInfo, state: State) -> None:
        """Writes the file at once."""
        self._stage = info
        self._write(state)

    def observe(self, event: Record, state: State) -> None:
        """Does nothing, because ``tick`` follows in the same turn."""

    def tick(self, state: State) -> None:
        """Writes the file, unless the last write was less than ``interval`` ago."""
        if self._stage is not None and self._stage.clock() - self._written >= self.context["interval"]:
            self._write(state)

    def close(self, state: State) -> None:
        """Writes the file for the last time."""
        self._write(state)

    def _write(self, state: State) -> None:
        if self._stage is None:
            return
        self._written = self._stage.clock()
        with self._stage.opened() as folder:
            folder.replace("status.txt", render_status(state, self._stage).encode("utf-8", "backslashreplace"))
