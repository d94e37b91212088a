"""``log.log``: what happened, a line each, for a person; with it, what the logger ``runlib`` says."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from runlib.engine import disk
from runlib.observe.base import Observer, Stage
from runlib.state.state import State
from runlib.tape.events import End, Record, Session, Submit, Suggest

__all__ = ["LogObserver"]


class LogObserver(Observer):
    """Appends to ``log.log`` in the folder of the run, in blocks, at most twice a second."""

    kind = "observe_log"
    default_context = {"interval": 0.5}

    def __init__(self, context: Mapping[str, Any] | None = None) -> None:
        super().__init__(context)
        self._stage: Stage | None = None
        self._file: disk.AppendFile | None = None
        self._lines: list[str] = []
        self._written = float("-inf")
        self._handler = _LineHandler(self._lines)

    def open(self, stage: Stage, state: State) -> None:
        """Open the file, and listen to the logger."""
        self._stage = stage
        self._file = disk.AppendFile(stage.folder / "log.log", create=True)
        logging.getLogger("runlib").addHandler(self._handler)

    def observe(self, event: Record, state: State) -> None:
        """Note one line."""
        text = _describe(event)
        if text is not None:
            self._lines.append(f"{_stamp(event.t)} {text}\n")

    def tick(self, state: State) -> None:
        """Write what was noted, unless something was written just now."""
        if self._stage is not None and self._stage.clock() - self._written >= self.context["interval"]:
            self._flush()

    def close(self, state: State) -> None:
        """Write what is left."""
        logging.getLogger("runlib").removeHandler(self._handler)
        self._flush()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _flush(self) -> None:
        if self._stage is None or self._file is None or not self._lines:
            return
        self._written = self._stage.clock()
        count = len(self._lines)  # another thread may log a line meanwhile
        data = "".join(self._lines[:count]).encode("utf-8", "backslashreplace")
        del self._lines[:count]
        self._file.append(data)


class _LineHandler(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.INFO)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)  # with the traceback, if there is one
        except Exception:  # somebody's wrong call of a logger
            self.handleError(record)
        else:
            self._lines.append(f"{_stamp(record.created)} {record.levelname.lower()}: {text}\n")


def _stamp(t: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(t))


def _describe(record: Record) -> str | None:
    event = record.event
    if isinstance(event, Suggest):
        return f"trial {event.tid} suggested"
    if isinstance(event, Submit):
        return _describe_result(event)
    if isinstance(event, Session):
        return f"opened by process {event.info.get('pid')} on {event.info.get('host')}"
    if isinstance(event, End):
        return f"ended: {event.text or event.reason}"
    return None


def _describe_result(event: Submit) -> str:
    known = "" if event.of is None else f" (known from trial {event.of})"
    if "ok" in event.result:
        outcome = event.result["ok"]
        return f"trial {event.tid} ok: loss {outcome['loss']:.6g}, {outcome.get('duration', 0.0):.3g} s{known}"
    error = event.result["error"]
    text = " ".join(str(error.get("error_text", "")).split())[:200]
    return f"trial {event.tid} failed: {error.get('error', 'UnknownError')}: {text}{known}"
