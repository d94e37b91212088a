"""Writes ``log.log``: one line for each event, for a reader, together with the messages of the logger ``runlib``.

A full disk leaves no gap. The bytes that the disk did not accept are kept and written when there is room. If very many
lines wait, the oldest ones are discarded, and the log says how many.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from runlib.engine import disk
from runlib.engine.legible import legible, legible_line
from runlib.observe.base import Observer, RunInfo
from runlib.state.state import State
from runlib.tape.events import End, Enqueue, Note, Record, Retry, Session, Stopping, Submit, Suggest, Void

__all__ = ["LogObserver"]

KEPT = 10_000  # the most lines that are kept while the disk is full


class LogObserver(Observer):
    """Appends to ``log.log`` in the folder of the run, in blocks, at most twice a second."""

    kind = "observe_log"
    also_called = ("logger", "logging", "logfile", "log_file")
    default_context = {"interval": 0.5}

    def __init__(self, context: Mapping[str, Any] | None = None) -> None:
        super().__init__(context)
        self._stage: RunInfo | None = None
        self._file: disk.AppendFile | None = None
        self._lines: list[str] = []
        self._rest = b""  # the rest of a line that was written in part
        self._dropped = 0  # the number of discarded lines that the file does not mention yet
        self._written = float("-inf")
        self._handler = _LineHandler(self._lines)

    def open(self, info: RunInfo, state: State) -> None:
        """Opens the file, and adds a handler to the logger."""
        self._close_file()
        if self._stage is not None and self._stage.folder != info.folder:  # what is left belongs to another run
            del self._lines[:]
            self._rest, self._dropped = b"", 0
        self._stage = info
        logging.getLogger("runlib").addHandler(self._handler)
        try:
            self._open(info)
        except OSError as error:
            if not disk.is_full(error):
                self._remove_handler()
            raise

    def _remove_handler(self) -> None:
        logging.getLogger("runlib").removeHandler(self._handler)

    def _open(self, info: RunInfo) -> disk.AppendFile:
        if self._file is None:
            with info.opened() as folder:
                self._file = folder.open_to_append("log.log", create=True)
            if not self._rest and not _ends_a_line(self._file):
                self._rest = b"\n"  # the previous writer died in the middle of a line
        return self._file

    def observe(self, event: Record, state: State) -> None:
        """Adds the line of one event, if the event has one."""
        text = _describe(event)
        if text is not None:
            self._lines.append(f"{_stamp(event.t)} {legible_line(text)}\n")

    def tick(self, state: State) -> None:
        """Writes the lines that wait, unless the last write was less than ``interval`` ago."""
        if self._stage is not None and self._stage.clock() - self._written >= self.context["interval"]:
            self._flush()

    def close(self, state: State) -> None:
        """Writes the lines that are left, and closes the file."""
        self._remove_handler()
        try:
            self._flush()
        finally:
            self._close_file()

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _flush(self) -> None:
        if self._stage is None or not (self._lines or self._rest):
            return
        self._written = self._stage.clock()
        lines = [line.encode("utf-8", "backslashreplace") for line in self._lines]  # another thread may add a line now
        given_up = f"{_stamp(time.time())} {self._dropped} lines are missing here: the disk was full\n".encode()
        block = [self._rest, given_up if self._dropped else b"", *lines]
        try:
            self._open(self._stage).append(b"".join(block))
        except OSError as error:
            if not disk.is_full(error):
                self._remove_handler()  # the caller leaves this observer out from now on
                raise
            self._keep(block, getattr(error, "taken", 0))
            raise
        self._keep(block, sum(map(len, block)))

    def _keep(self, block: Sequence[bytes], taken: int) -> None:
        """Removes what was written from the lines that wait, and keeps the rest.

        Args:
            block: The rest of a line, the line about discarded lines, and the lines, as they were to be written.
            taken: The number of bytes of them that were written.
        """
        whole = 0
        while whole < len(block) and taken >= len(block[whole]):
            taken -= len(block[whole])
            whole += 1
        begun = taken > 0 or whole == 0  # the write ended inside block[whole]
        self._rest = block[whole][taken:] if begun and whole < len(block) else b""
        gone = whole + begun
        if gone > 1:
            self._dropped = 0
        del self._lines[: max(0, gone - 2)]
        excess = max(0, len(self._lines) - KEPT)
        del self._lines[:excess]
        self._dropped += excess


class _LineHandler(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.INFO)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)  # with the traceback, if there is one
        except Exception:  # the caller used the logger wrongly
            self.handleError(record)
        else:
            # Further lines, such as a traceback, are indented, so that none of them looks like an entry of the log.
            text = legible(text).replace("\n", "\n    ")
            self._lines.append(f"{_stamp(record.created)} {record.levelname.lower()}: {text}\n")


def _ends_a_line(file: disk.AppendFile) -> bool:
    size = file.size()
    return size == 0 or file.read(size - 1, 1) == b"\n"


def _stamp(t: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(t))


def _describe(record: Record) -> str | None:
    event = record.event
    if isinstance(event, Suggest):
        whose = "" if event.queued is None else f", as record {event.queued} wants"
        return f"trial {event.tid} suggested{whose}"
    if isinstance(event, Submit):
        return _describe_result(event)
    if isinstance(event, Session):
        found = "".join(f"; {said}" for said in event.info.get("recovered", []))
        return f"opened by process {event.info.get('pid')} on {event.info.get('host')}{found}"
    if isinstance(event, End):
        return f"ended: {event.text or event.reason}"
    if isinstance(event, Retry):
        return f"trial {event.tid} will be tried again: attempt {event.attempt} failed: {_describe_error(event.error)}"
    return None if event is None else _describe_edit(event)


def _describe_edit(event: Void | Enqueue | Note | Stopping) -> str:
    if isinstance(event, Void):
        return f"trial {event.tid} is void: {_one_line(event.reason) or 'no reason was given'}"
    if isinstance(event, Enqueue):
        return "a suggestion was enqueued"
    if isinstance(event, Stopping):
        return f"asked to stop: {_one_line(event.reason) or 'no reason was given'}"
    return f"remark{'' if event.tid is None else f' on trial {event.tid}'}: {_one_line(event.text)}"


def _one_line(text: str) -> str:
    """Returns the text of a user on one line, cut off after 1000 characters."""
    return " ".join(text.split())[:1000]


def _describe_result(event: Submit) -> str:
    known = "" if event.of is None else f" (known from trial {event.of})"
    if "ok" in event.result:
        outcome = event.result["ok"]
        return f"trial {event.tid} ok: loss {outcome['loss']:.6g}, {outcome.get('duration', 0.0):.3g} s{known}"
    return f"trial {event.tid} failed: {_describe_error(event.result['error'])}{known}"


def _describe_error(error: dict[str, Any]) -> str:
    text = " ".join(str(error.get("error_text", "")).split())[:200]
    return f"{error.get('error', 'UnknownError')}: {text}"
