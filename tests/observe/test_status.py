"""``status.txt`` tells how the run stands, is replaced as a whole, and not too often."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from runlib.engine import disk
from runlib.observe.base import Observer, RunInfo
from runlib.observe.status import StatusObserver, format_seconds, render_status
from runlib.state.state import State
from runlib.stop.base import Stop
from runlib.stop.max import StopMax
from runlib.tape.events import End, Enqueue, Event, Record, Session, Submit, Suggest, Void


class Clock:
    """A clock that is set."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class RaisingStop(Stop, abstract=True):
    kind = "stop_raising"

    def short_report(self, state: Any) -> str:
        raise ZeroDivisionError("of its own")


def a_stage(folder: Path, **more: Any) -> RunInfo:
    values: dict[str, Any] = {"slots": 2, "began": 940.0, "clock": Clock(), **more}
    return RunInfo(folder, "first", values.pop("stop", StopMax(10)), **values)


def a_state(*events: Event) -> State:
    state = State()
    for n, event in enumerate(events, 1):
        state.apply(Record(n, 1000.0 + n, event))
    return state


def ok(tid: int, loss: float) -> Submit:
    return Submit(tid, {"ok": {"loss": loss}})


SUGGESTS = [Suggest(tid, {"x": tid}) for tid in range(6)]
BUSY = [Session({}), *SUGGESTS, ok(0, 0.5), ok(1, 0.25), ok(2, 0.123456789), ok(3, 7.0)]
FAILED = [Submit(4, {"error": {"error": "TimeoutError"}})]


def line(text: str, start: str) -> str:
    found = [part for part in text.splitlines() if part.startswith(start)]
    assert len(found) == 1, (start, text)
    return found[0]


def test_a_run_that_has_just_begun() -> None:
    text = render_status(a_state(Session({})), a_stage(Path("/runs/run_first")))
    assert re.match(r"## Status of first at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d ##\n", text)
    assert line(text, "Running") == "Running for 1 min 00 s, with 0 active evaluations."
    assert line(text, "Best") == "Best: none yet."
    assert line(text, "Trials") == "Trials:      0 finished, 0 ok, 0 failed, 0 live."
    assert line(text, "Evaluations") == "Evaluations: 0 finished, 0 ok, 0 failed."
    assert line(text, "Counted") == StopMax(10).short_report(a_state())
    assert line(text, "Folder") == "Folder: /runs/run_first"
    assert "Errors" not in text
    assert "suggestion-" not in text


def test_the_time_is_that_of_the_clock_of_the_run() -> None:
    state = State(clock=lambda: 1_700_000_000.0)
    shown = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(1_700_000_000))
    assert render_status(state, a_stage(Path("/runs/run_first"))).startswith(f"## Status of first at {shown} ##\n")


def test_a_run_that_goes_on() -> None:
    info = a_stage(Path("/runs/run_first"), duration=3600.0, running=frozenset({4, 5}))
    text = render_status(a_state(*BUSY, *FAILED), info)
    assert line(text, "Running") == "Running for 1 min 00 s of 1 h 00 min, with 2 active evaluations."
    assert line(text, "Best") == "Best 3: 0.123457 (trial 2), 0.25 (trial 1), 0.5 (trial 0)."
    assert line(text, "Trials") == "Trials:      5 finished, 4 ok, 1 failed, 1 live."
    assert line(text, "Errors") == "Errors:      TimeoutError: 1."
    assert line(text, "Tape") == "Tape:   12 records."
    assert "5/10" in line(text, "Counted")


def test_what_is_void_or_enqueued_is_told() -> None:
    edits = [Void(2, "bad"), Void(5), Enqueue({"x": 1}), Enqueue({"x": 2})]
    text = render_status(a_state(*BUSY, *edits), a_stage(Path("/runs/run_first")))
    assert line(text, "Trials") == "Trials:      3 finished, 3 ok, 0 failed, 1 live, 2 void, 2 enqueued."
    assert line(text, "Best") == "Best 3: 0.25 (trial 1), 0.5 (trial 0), 7 (trial 3)."


def test_fewer_than_three_results_are_no_trouble() -> None:
    text = render_status(a_state(*BUSY[:8]), a_stage(Path("/runs/run_first")))
    assert line(text, "Best") == "Best 1: 0.5 (trial 0)."


def test_a_run_that_ended_says_how_and_where_the_best_are() -> None:
    text = render_status(a_state(*BUSY, End("stop", "Counted trials: 4/4.")), a_stage(Path("/runs/run_first")))
    assert line(text, "Ended") == "Ended: Counted trials: 4/4. It ran for 11.0 s in all."
    assert line(text, "The best") == "The best suggestions are in suggestion-0.yml to suggestion-3.yml."
    assert "Running" not in text


def test_a_run_that_ended_with_one_success_or_none() -> None:
    info = a_stage(Path("/runs/run_first"))
    one = render_status(a_state(*BUSY[:8], End("closed")), info)
    assert line(one, "Ended") == "Ended: closed. It ran for 8.0 s in all."
    assert line(one, "The best") == "The best suggestions are in suggestion-0.yml."
    assert "The best" not in render_status(a_state(Session({}), End("closed")), info)


def test_a_stop_that_raises_does_not_end_the_run() -> None:
    text = render_status(a_state(), a_stage(Path("/runs/run_first"), stop=RaisingStop()))
    assert line(text, "(the report") == "(the report of stop_raising failed: ZeroDivisionError: of its own)"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (59.94, "59.9 s"),
        (60, "1 min 00 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h 00 min"),
        (90061, "25 h 01 min"),
    ],
)
def test_seconds_in_units_for_people(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


# -- the file -------------------------------------------------------------------------------------


@pytest.fixture
def info(tmp_path: Path) -> RunInfo:
    return a_stage(tmp_path)


def content(info: RunInfo) -> str:
    return (info.folder / "status.txt").read_text()


def test_it_is_an_observer_with_a_config_and_a_context() -> None:
    assert issubclass(StatusObserver, Observer)
    assert StatusObserver().get_config() == {"observe_status": {}}
    assert StatusObserver({"interval": 3}).context["interval"] == 3


def test_it_is_written_at_once_and_at_the_end(info: RunInfo) -> None:
    observer, state = StatusObserver(), a_state(Session({}))
    observer.open(info, state)
    assert content(info) == render_status(state, info)
    state.apply(Record(2, 1002.0, End("closed")))
    observer.close(state)
    assert line(content(info), "Ended") == "Ended: closed. It ran for 1.0 s in all."
    assert [path.name for path in info.folder.iterdir()] == ["status.txt"]


def test_it_is_written_at_most_twice_a_second(info: RunInfo) -> None:
    writes: list[float] = []

    class Counting(disk.Disk):
        def replace(self, source: Path, target: Path, at: int | None = None) -> None:
            writes.append(info.clock())
            super().replace(source, target, at)

    clock, observer, state = info.clock, StatusObserver(), a_state(*BUSY)
    assert isinstance(clock, Clock)
    with disk.use(Counting()):
        observer.open(info, state)
        for clock.now in (1000.0, 1000.1, 1000.4, 1000.5, 1000.6, 1000.9, 1001.0, 1007.0):
            observer.observe(Record(1, 1.0, SUGGESTS[0]), state)
            observer.tick(state)
    assert writes == [1000.0, 1000.5, 1001.0, 1007.0]


def test_time_is_shown_to_go_on_without_events(info: RunInfo) -> None:
    observer, state = StatusObserver(), a_state(Session({}))
    observer.open(info, state)
    clock = info.clock
    assert isinstance(clock, Clock)
    clock.now += 3600
    observer.tick(state)
    assert line(content(info), "Running").startswith("Running for 1 h 01 min,")


def test_the_interval_is_a_matter_of_the_context(info: RunInfo) -> None:
    observer, state = StatusObserver({"interval": 100.0}), a_state(Session({}))
    observer.open(info, state)
    before = content(info)
    clock = info.clock
    assert isinstance(clock, Clock)
    clock.now += 99
    state.apply(Record(2, 1.0, SUGGESTS[0]))
    observer.tick(state)
    assert content(info) == before
    clock.now += 1
    observer.tick(state)
    assert "2 records" in content(info)


def test_before_it_is_opened_it_writes_nothing(info: RunInfo) -> None:
    observer = StatusObserver()
    observer.tick(a_state())
    observer.close(a_state())
    assert list(info.folder.iterdir()) == []


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems refuse such names")
def test_a_folder_whose_name_is_not_unicode(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/run_\xff"))
    folder.mkdir()
    StatusObserver().open(a_stage(folder), a_state())
    assert b"Folder: " in (folder / "status.txt").read_bytes()


def test_a_base_observer_has_nothing_to_say_but_must_observe(info: RunInfo) -> None:
    class Deaf(Observer, abstract=True):
        pass

    observer = Deaf()
    observer.open(info, a_state())
    observer.tick(a_state())
    observer.close(a_state())
    with pytest.raises(NotImplementedError, match=r"Deaf has no observe\(\)"):
        observer.observe(Record(1, 1.0, None), a_state())
