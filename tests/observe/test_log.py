"""``log.log``: a line for each event and for what the logger says, in order, nothing lost at the end."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runlib.observe.base import Stage
from runlib.observe.log import LogObserver
from runlib.state.state import State
from runlib.stop.max import StopMax
from runlib.tape.events import End, Event, Record, Session, Submit, Suggest


class Clock:
    """A clock that is set."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, "first", StopMax(1), 1, clock=Clock())


@pytest.fixture
def observer(stage: Stage) -> Iterator[LogObserver]:
    observer = LogObserver()
    observer.open(stage, State())
    yield observer
    observer.close(State())


def written(stage: Stage) -> list[str]:
    """The lines, without their times."""
    lines = (stage.folder / "log.log").read_text().splitlines()
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
    (None, []),
]


@pytest.mark.parametrize(("event", "lines"), EVENTS)
def test_each_event_is_one_line(stage: Stage, observer: LogObserver, event: Event | None, lines: list[str]) -> None:
    observer.observe(Record(1, 1_700_000_000.0, event), State())
    observer.close(State())
    assert written(stage) == lines


def test_a_long_error_is_cut(stage: Stage, observer: LogObserver) -> None:
    observer.observe(Record(1, 1.0, Submit(0, {"error": {"error": "E", "error_text": "x" * 5000}})), State())
    observer.close(State())
    assert written(stage) == [f"trial 0 failed: E: {'x' * 200}"]


def test_lines_are_written_in_blocks_and_all_at_the_end(stage: Stage, observer: LogObserver) -> None:
    clock: Any = stage.clock
    sizes = []
    for tid, clock.now in enumerate((1000.0, 1000.2, 1000.4, 1000.5, 1000.9)):
        observer.observe(Record(tid + 1, 1.0, Suggest(tid, 0)), State())
        observer.tick(State())
        sizes.append(len(written(stage)))
    assert sizes == [1, 1, 1, 4, 4]
    observer.close(State())
    assert written(stage) == [f"trial {tid} suggested" for tid in range(5)]


def test_the_next_session_goes_on_in_the_same_file(stage: Stage, observer: LogObserver) -> None:
    observer.observe(Record(1, 1.0, Suggest(0, 0)), State())
    observer.close(State())
    observer.open(stage, State())
    observer.observe(Record(2, 1.0, Suggest(1, 0)), State())
    observer.close(State())
    assert written(stage) == ["trial 0 suggested", "trial 1 suggested"]


def test_what_the_logger_says_stands_between_the_events(stage: Stage, observer: LogObserver) -> None:
    observer.observe(Record(1, 1.0, Suggest(0, 0)), State())
    logging.getLogger("runlib").warning("a worker was lost: %s", "killed")
    logging.getLogger("runlib.inner").error("bad")
    logging.getLogger("other").error("not ours")
    observer.observe(Record(2, 1.0, Suggest(1, 0)), State())
    observer.close(State())
    said = ["warning: a worker was lost: killed", "error: bad"]
    assert written(stage) == ["trial 0 suggested", *said, "trial 1 suggested"]


def test_an_exception_is_logged_with_its_traceback(stage: Stage, observer: LogObserver) -> None:
    try:
        raise ZeroDivisionError("by hand")
    except ZeroDivisionError:
        logging.getLogger("runlib").exception("an observer failed")
    observer.close(State())
    text = (stage.folder / "log.log").read_text()
    assert "error: an observer failed\nTraceback" in text
    assert text.endswith("ZeroDivisionError: by hand\n")


def test_a_wrong_call_of_the_logger_does_not_raise(
    stage: Stage, observer: LogObserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    record = logging.LogRecord("runlib", logging.WARNING, __file__, 1, "two: %s %s", ("one",), None)
    observer._handler.handle(record)
    observer.close(State())
    assert written(stage) == []


def test_after_the_end_the_logger_is_left_alone(stage: Stage, observer: LogObserver) -> None:
    before = [handler for handler in logging.getLogger("runlib").handlers if handler is not observer._handler]
    observer.close(State())
    observer.close(State())
    assert logging.getLogger("runlib").handlers == before
    logging.getLogger("runlib").warning("nobody writes this down")
    observer.close(State())
    assert written(stage) == []


def test_text_that_is_not_unicode_is_escaped(stage: Stage, observer: LogObserver) -> None:
    observer.observe(Record(1, 1.0, End("error", "a\udc80b ä")), State())
    observer.close(State())
    assert written(stage) == ["ended: a\\udc80b ä"]


def test_it_has_a_config_and_a_context() -> None:
    assert LogObserver().get_config() == {"observe_log": {}}
    assert LogObserver({"observe_log": {"interval": 9}}).context["interval"] == 9
