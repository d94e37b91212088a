"""Describes the status of a run that was read, as plain data and as text.

The data depends only on the run, on the clock, and on whether its last writer is alive. ``--json`` shows the data, and
the text is made from it. The stop is the only component that is needed, and only for its report.
"""

from __future__ import annotations

import os
import socket
import time
from typing import Any

from runlib.engine.legible import legible_line
from runlib.errors import ConfigError
from runlib.observe.status import format_seconds
from runlib.run.continuation.advice import ways_on
from runlib.run.run import Run
from runlib.state.results import ResultTable
from runlib.state.state import State
from runlib.tape.clock import now_by
from runlib.tape.foreign import is_foreign

__all__ = ["describe", "render_description"]


def describe(run: Run, now: float) -> dict[str, Any]:
    """Returns the status of a run.

    Args:
        run: A checked-out run.
        now: The current time in seconds since 1970.
    """
    state = run.state
    foreign = is_foreign(run.work_directory / "tape.son")
    phase = "foreign" if foreign else _phase(state)
    if phase == "running":  # time goes on after the last record
        now = now_by(state.last_session.get("clocks")) or now
        state.clock = lambda: now
    best = state.best
    return {
        "name": run.work_directory.name.removeprefix("run_"),
        "folder": str(run.work_directory),
        "phase": phase,
        "ended": None if state.ended is None else {"reason": state.ended.reason, "text": state.ended.text},
        "writer": {key: state.last_session.get(key) for key in ("host", "pid")} if state.sessions else None,
        "sessions": state.sessions,
        "records": state.n,
        "last_record": None if foreign else state.t,
        "seconds_since": None if foreign else max(0.0, now - state.t),
        "runtime": state.runtime,
        "trials": {
            **_counts(state.trials),
            "live": len(state.live_trials),
            "void": len(state.voided),
            "enqueued": len(state.queue),
        },
        "evaluations": _counts(state.evals),
        "errors": dict(state.count_by_error),
        "stop": _stop_report(run),
        "best": None if best is None else {"trial": best.tid, "loss": best.loss, "suggestion": best.suggestion},
        "voided": [{"trial": tid, "reason": reason} for tid, reason in state.voided.items()],
        "recovered": list(state.last_session.get("recovered", [])),
        "notes": [{"record": n, "trial": note.tid, "text": note.text} for n, note in state.notes.items()],
        "top": [{"trial": tid, "loss": loss} for tid, loss in state.top],
        "way_on": None if foreign or phase == "running" else _way_on(run),
    }


def _phase(state: State) -> str:
    """Returns ``ended``, ``running``, ``cut off``, or ``unknown`` if another machine wrote last and recorded no end."""
    if state.ended is not None:
        return "ended"
    if state.sessions and state.last_session.get("host") != socket.gethostname():
        return "unknown"
    return "running" if state.sessions and _is_alive(state.last_session.get("pid")) else "cut off"


def _is_alive(pid: Any) -> bool:
    if not isinstance(pid, int) or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _way_on(run: Run) -> str:
    state = run.state
    is_at_stop = state.ended is not None and state.ended.reason == "stop"
    count = 2 * max(1, len(state.trials)) if is_at_stop else None
    return ways_on(run, count=count).by_command


def _counts(table: ResultTable[Any]) -> dict[str, int]:
    return {"finished": len(table), "ok": table.ok_count, "failed": table.error_count}


def _stop_report(run: Run) -> str:
    try:
        return run.stop.short_report(run.state)
    except ConfigError as error:  # its plugin is missing; the rest needs no plugin
        return f"(no report of the stop: {' '.join(str(error).split())})"
    except Exception as error:  # a stop of the user may raise any error
        return f"(no report of the stop: {type(error).__name__}: {error})"


def render_description(about: dict[str, Any], now: float) -> str:
    """Returns the text of ``runlib status``."""
    trials, evaluations = about["trials"], about["evaluations"]
    top = ", ".join(f"{entry['loss']:.6g} (trial {entry['trial']})" for entry in about["top"][:3])
    lines = [
        f"## Status of {about['name']} at {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(now))} ##",
        "",
        _phase_text(about),
        about["stop"],
        f"Best {len(about['top'][:3])}: {top}." if top else "Best: none yet.",
        "",
        f"Trials:      {_counts_text(trials)}, {trials['live']} live{_rest_text(trials)}.",
        f"Evaluations: {_counts_text(evaluations)}.",
    ]
    if about["errors"]:
        lines.append(f"Errors:      {', '.join(f'{name}: {count}' for name, count in about['errors'].items())}.")
    for entry in about["voided"]:
        why = f": {' '.join(entry['reason'].split())}" if entry["reason"] else "."
        lines.append(f"Void:        trial {entry['trial']}{why}")
    for note in about["notes"]:
        on = "" if note["trial"] is None else f"trial {note['trial']}: "
        lines.append(f"Remark:      {on}{' '.join(note['text'].split())}")
    lines += [f"Recovered:   {said}." for said in about["recovered"]]
    lines += ["", f"Folder: {about['folder']}", f"Tape:   {about['records']} records."]
    lines += [f"Go on:  {about['way_on']}"] if about["way_on"] else []
    return "\n".join(map(legible_line, lines))


def _rest_text(trials: dict[str, int]) -> str:
    return "".join(f", {trials[key]} {key}" for key in ("void", "enqueued") if trials[key])


def _counts_text(counts: dict[str, int]) -> str:
    return f"{counts['finished']} finished, {counts['ok']} ok, {counts['failed']} failed"


def _phase_text(about: dict[str, Any]) -> str:
    runtime = f"It ran for {format_seconds(about['runtime'])} in all."
    if about["ended"] is not None:
        why = about["ended"]["text"] or about["ended"]["reason"]
        return f"Ended: {why.rstrip('.')}. {runtime}"
    if about["phase"] == "foreign":
        return "A tape of cmlkit, which says neither when nor whether it ended; it is read, and not gone on with."
    writer, since = about["writer"], format_seconds(about["seconds_since"])
    if writer is None:
        return "Not begun: no process has opened it for running yet."
    who = f"process {writer['pid']} on {writer['host']}"
    if about["phase"] == "running":
        return f"Running for {format_seconds(about['runtime'])} in all, by {who}; the last record is {since} old."
    if about["phase"] == "unknown":
        return f"Running, or cut off: {who} noted no end, and its last record is {since} old. {runtime}"
    return f"Cut off: {who} is gone and noted no end; a restore goes on from here. {runtime}"
