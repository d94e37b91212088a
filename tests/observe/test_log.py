"""``log.log``: a line for each event and for what the logger says, in order, nothing lost at the end."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runlib.engine import disk
from runlib.observe import log as log_module
from runlib.observe.base import RunInfo
from runlib.observe.log import LogObserver
from runlib.state.state import State
from runlib.stop.max import StopMax
from runlib.tape.events import End, Enqueue, Event, Note, Record, Retry, Session, Stopping, Submit, Suggest, Void


class Clock:
    """A clock that is set."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def info(tmp_path: Path) -> RunInfo:
    return RunInfo(tmp_path, "first", StopMax(1), 1, clock=Clock())


@pytest.fixture
def observer(info: RunInfo) -> Iterator[LogObserver]:
    observer = LogObserver()
    observer.open(info, State())
    yield observer
    observer.close(State())


def written(info: RunInfo) -> list[str]:
    """The lines, without their times."""
    lines = (info.folder / "log.log").read_text().splitlines()
    for line in lines:
        assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", line), line
    return [line[20:] for line in lines]


EVENTS: list[tuple[Event | None, list[str]]] = [
    (Session({"host": "node-17", "pid": 7}), ["opened by process 7 on node-17"]),
    (Suggest(3, {"x": 1}), ["trial 3 suggested"]),
    (Submit(3, {"ok": {"loss": 0.123456789, "duration": 1.23456}}), ["trial 3 ok: loss 0.123457, 1.23 s"]),
    (Submit(3, {"ok": {"loss": 2}}, of=1), ["trial 3 ok: loss 2, 0 s (known from trial 1)"]),
    (
        Submit(4, {"error": {"error": "ValueError", "error_text": "not\n  so\n"}}),
        ["trial 4 failed: ValueError: not so"],
    ),
    (Submit(4, {"error": {}}, of=2), ["trial 4 failed: UnknownError:  (known from trial 2)"]),
    (End("stop", "Counted trials: 1/1."), ["ended: Counted trials: 1/1."]),
    (End("closed"), ["ended: closed"]),
    (Suggest(3, {"x": 1}, queued=7), ["trial 3 suggested, as record 7 wants"]),
    (
        Retry(3, 2, "WorkerLost", {"error": "WorkerLost", "error_text": "killed\nby 9"}),
        ["trial 3 will be tried again: attempt 2 failed: WorkerLost: killed by 9"],
    ),
    (Void(3), ["trial 3 is void: no reason was given"]),
    (Void(3, "the disk\nwas full\n"), ["trial 3 is void: the disk was full"]),
    (Enqueue({"x": 1}), ["a suggestion was enqueued"]),
    (Note("all\n  is\r\nwell"), ["remark: all is well"]),
    (Note("odd", 3), ["remark on trial 3: odd"]),
    (Note("y" * 9000), [f"remark: {'y' * 1000}"]),
    (Stopping(), ["asked to stop: no reason was given"]),
    (Stopping("enough\n"), ["asked to stop: enough"]),
    (None, []),
]


@pytest.mark.parametrize(("event", "lines"), EVENTS)
def test_each_event_is_one_line(info: RunInfo, observer: LogObserver, event: Event | None, lines: list[str]) -> None:
    observer.observe(Record(1, 1_700_000_000.0, event), State())
    observer.close(State())
    assert written(info) == lines


def test_a_long_error_is_cut(info: RunInfo, observer: LogObserver) -> None:
    observer.observe(Record(1, 1.0, Submit(0, {"error": {"error": "E", "error_text": "x" * 5000}})), State())
    observer.close(State())
    assert written(info) == [f"trial 0 failed: E: {'x' * 200}"]


def test_lines_are_written_in_blocks_and_all_at_the_end(info: RunInfo, observer: LogObserver) -> None:
    clock: Any = info.clock
    sizes = []
    for tid, clock.now in enumerate((1000.0, 1000.2, 1000.4, 1000.5, 1000.9)):
        observer.observe(Record(tid + 1, 1.0, Suggest(tid, 0)), State())
        observer.tick(State())
        sizes.append(len(written(info)))
    assert sizes == [1, 1, 1, 4, 4]
    observer.close(State())
    assert written(info) == [f"trial {tid} suggested" for tid in range(5)]


def test_the_next_session_goes_on_in_the_same_file(info: RunInfo, observer: LogObserver) -> None:
    observer.observe(Record(1, 1.0, Suggest(0, 0)), State())
    observer.close(State())
    observer.open(info, State())
    observer.observe(Record(2, 1.0, Suggest(1, 0)), State())
    observer.close(State())
    assert written(info) == ["trial 0 suggested", "trial 1 suggested"]


def test_what_the_logger_says_stands_between_the_events(info: RunInfo, observer: LogObserver) -> None:
    observer.observe(Record(1, 1.0, Suggest(0, 0)), State())
    logging.getLogger("runlib").warning("a worker was lost: %s", "killed")
    logging.getLogger("runlib.inner").error("bad")
    logging.getLogger("other").error("not ours")
    observer.observe(Record(2, 1.0, Suggest(1, 0)), State())
    observer.close(State())
    said = ["warning: a worker was lost: killed", "error: bad"]
    assert written(info) == ["trial 0 suggested", *said, "trial 1 suggested"]


def test_an_exception_is_logged_with_its_traceback(info: RunInfo, observer: LogObserver) -> None:
    try:
        raise ZeroDivisionError("by hand")
    except ZeroDivisionError:
        logging.getLogger("runlib").exception("an observer failed")
    observer.close(State())
    text = (info.folder / "log.log").read_text()
    assert "error: an observer failed\n    Traceback" in text
    assert text.endswith("ZeroDivisionError: by hand\n")


def test_a_wrong_call_of_the_logger_does_not_raise(
    info: RunInfo, observer: LogObserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    record = logging.LogRecord("runlib", logging.WARNING, __file__, 1, "two: %s %s", ("one",), None)
    observer._handler.handle(record)
    observer.close(State())
    assert written(info) == []


def test_after_the_end_the_logger_is_left_alone(info: RunInfo, observer: LogObserver) -> None:
    before = [handler for handler in logging.getLogger("runlib").handlers if handler is not observer._handler]
    observer.close(State())
    observer.close(State())
    assert logging.getLogger("runlib").handlers == before
    logging.getLogger("runlib").warning("nobody writes this down")
    observer.close(State())
    assert written(info) == []


def test_text_that_is_not_unicode_is_escaped(info: RunInfo, observer: LogObserver) -> None:
    observer.observe(Record(1, 1.0, End("error", "a\udc80b ä")), State())
    observer.close(State())
    assert written(info) == ["ended: a\\udc80b ä"]


def test_it_has_a_config_and_a_context() -> None:
    assert LogObserver().get_config() == {"observe_log": {}}
    assert LogObserver({"observe_log": {"interval": 9}}).context["interval"] == 9


# -- a disk that refuses --------------------------------------------------------------------------


class FullDisk(disk.Disk):
    """Has room for so many more bytes; it refuses the rest, and may refuse new files too."""

    def __init__(self, room: int | None = None, code: int = errno.ENOSPC) -> None:
        self.room, self.code, self.new_files = room, code, True

    def _refuse(self) -> None:
        raise OSError(self.code, os.strerror(self.code))

    def open(self, path: Path, flags: int, at: int | None = None) -> int:
        if not self.new_files:
            self._refuse()
        return super().open(path, flags, at)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        if self.room is None:
            return super().write(fd, data)
        if self.room == 0:
            self._refuse()
        taken = super().write(fd, data[: self.room])
        self.room -= taken
        return taken


def tick(info: RunInfo, observer: LogObserver) -> None:
    """A turn of the loop, a second later, that finds the disk full or not."""
    clock: Any = info.clock
    clock.now += 1.0
    with contextlib.suppress(OSError):
        observer.tick(State())


def suggested(observer: LogObserver, *tids: int) -> None:
    for tid in tids:
        observer.observe(Record(tid + 1, 1.0, Suggest(tid, 0)), State())


LENGTH = len("1970-01-01 00:00:01 trial 0 suggested\n")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("more", [0, 1, LENGTH])
def test_what_a_full_disk_did_not_take_is_written_later(
    info: RunInfo, observer: LogObserver, code: int, more: int
) -> None:
    for room in range(3 * LENGTH):
        (info.folder / "log.log").unlink()
        observer.open(info, State())
        with disk.use(FullDisk(room, code)) as full:
            assert isinstance(full, FullDisk)
            suggested(observer, 0, 1, 2)
            tick(info, observer)
            full.room = more
            suggested(observer, 3)
            tick(info, observer)
            tick(info, observer)
            assert len(written_bytes(info)) == room + more
            full.room = None
            suggested(observer, 4)
            tick(info, observer)
        assert written(info) == [f"trial {tid} suggested" for tid in range(5)]
        observer.close(State())
        assert written(info) == [f"trial {tid} suggested" for tid in range(5)]


def written_bytes(info: RunInfo) -> bytes:
    return (info.folder / "log.log").read_bytes()


def test_a_file_that_could_not_be_made_is_made_later(tmp_path: Path) -> None:
    info, observer = RunInfo(tmp_path, "first", StopMax(1), 1, clock=Clock()), LogObserver()
    with disk.use(FullDisk()) as full:
        assert isinstance(full, FullDisk)
        full.new_files = False
        with pytest.raises(OSError, match="No space left"):
            observer.open(info, State())
        suggested(observer, 0)
        tick(info, observer)
        logging.getLogger("runlib").warning("from the logger")
        full.new_files = True
        tick(info, observer)
    assert written(info) == ["trial 0 suggested", "warning: from the logger"]
    observer.close(State())


@pytest.mark.parametrize("room", [0, 10, LENGTH, LENGTH + 10])
def test_of_very_many_lines_the_oldest_are_given_up_and_that_is_said(
    info: RunInfo, observer: LogObserver, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "KEPT", 10)
    with disk.use(FullDisk(room)) as full:
        assert isinstance(full, FullDisk)
        for tid in range(100, 200):
            suggested(observer, tid)
            tick(info, observer)
            assert len(observer._lines) <= 10
        full.room = None
        suggested(observer, 200)
        tick(info, observer)
    kept = -(-room // (LENGTH + 2))  # lines that were begun
    lines = written(info)
    assert lines[:kept] == [f"trial {100 + k} suggested" for k in range(kept)]
    assert lines[kept] == f"{90 - kept} lines are missing here: the disk was full"
    assert lines[kept + 1 :] == [f"trial {tid} suggested" for tid in range(190, 201)]


def test_the_line_about_missing_lines_may_be_cut_as_well(
    info: RunInfo, observer: LogObserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "KEPT", 3)
    with disk.use(FullDisk(0)) as full:
        assert isinstance(full, FullDisk)
        suggested(observer, *range(10))
        tick(info, observer)
        full.room = 25
        tick(info, observer)
        suggested(observer, 10)
        tick(info, observer)
        full.room = None
        tick(info, observer)
    missing = ["7 lines are missing here: the disk was full", "1 lines are missing here: the disk was full"]
    assert written(info) == [*missing, *(f"trial {tid} suggested" for tid in (8, 9, 10))]


def test_the_end_on_a_full_disk_gives_the_file_back_and_keeps_the_lines(info: RunInfo, observer: LogObserver) -> None:
    with disk.use(FullDisk(10)):
        suggested(observer, 0)
        with pytest.raises(disk.DiskFull):
            observer.close(State())
    assert observer._file is None
    assert observer._handler not in logging.getLogger("runlib").handlers
    observer.open(info, State())
    suggested(observer, 1)
    observer.close(State())
    assert written(info) == ["trial 0 suggested", "trial 1 suggested"]


def test_what_one_run_left_unwritten_does_not_stand_in_the_log_of_another(
    info: RunInfo, observer: LogObserver, tmp_path: Path
) -> None:
    with disk.use(FullDisk(10)):
        suggested(observer, 0)
        tick(info, observer)
    (tmp_path / "other").mkdir()
    other = RunInfo(tmp_path / "other", "other", StopMax(1), 1, clock=info.clock)
    observer.open(other, State())
    suggested(observer, 1)
    observer.close(State())
    assert written(other) == ["trial 1 suggested"]


def test_a_line_that_another_process_left_half_written_is_ended(info: RunInfo, observer: LogObserver) -> None:
    (info.folder / "log.log").write_text("2026-11-21 12:00:00 trial 0 sugg")
    observer.close(State())
    observer.open(info, State())
    suggested(observer, 1)
    observer.close(State())
    assert written(info) == ["trial 0 sugg", "trial 1 suggested"]


@pytest.mark.parametrize("operation", ["open", "write"])
def test_a_disk_that_fails_otherwise_turns_the_logger_away(
    info: RunInfo, observer: LogObserver, operation: str
) -> None:
    observer.close(State())
    with disk.use(FullDisk(0, errno.EIO)) as failing:
        assert isinstance(failing, FullDisk)
        failing.new_files = operation != "open"
        suggested(observer, 0)

        def use() -> None:
            observer.open(info, State())
            observer.tick(State())

        with pytest.raises(OSError, match="Input/output"):
            use()
    assert observer._handler not in logging.getLogger("runlib").handlers
