"""The progress line: what it says, how often it is shown, and what it leaves on the terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runlib.observe.base import RunInfo
from runlib.observe.progress import Pace, ProgressObserver, render_progress
from runlib.state.state import State
from runlib.stop.any import StopAny
from runlib.stop.base import Stop
from runlib.stop.duration import StopDuration
from runlib.stop.loss import StopLoss
from runlib.stop.max import StopMax
from runlib.tape.events import Record, Session, Submit, Suggest


class Clock:
    """A clock that is set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def make_state(*losses: float | None, clock: Callable[[], float] | None = None) -> State:
    """A state with a finished trial for each loss; None for a failed one."""
    state = State(clock=clock)
    records: list[Any] = [Session({})]
    for tid, loss in enumerate(losses):
        result = {"error": {"error": "Oops"}} if loss is None else {"ok": {"loss": loss}}
        records += [Suggest(tid, {"x": tid}), Submit(tid, result)]
    for n, event in enumerate(records, 1):
        state.apply(Record(n, 50.0, event))
    return state


def make_stage(stop: Stop, clock: Clock, **more: Any) -> RunInfo:
    return RunInfo(Path("/runs/run_red_fox"), "red_fox", stop, 2, began=clock.now - 20, clock=clock, **more)


def test_line_tells_all_that_is_known() -> None:
    info = make_stage(StopMax(10), Clock(), running=frozenset({4, 5}))
    line = render_progress(make_state(0.5, None, 0.25), info, 0.5)
    assert line.split("  ") == [
        "red_fox",
        "3/10 trials",
        "best 0.25 (trial 2)",
        "30/min",
        "1 failed",
        "2 running",
        "14.0 s left",
    ]


def test_line_leaves_out_what_is_not_known() -> None:
    line = render_progress(make_state(), make_stage(StopLoss(0.1), Clock()), 0.0)
    assert line == "red_fox  0 trials  0 running  20.0 s gone"


@pytest.mark.parametrize(
    ("stop", "duration", "rate", "left"),
    [
        (StopMax(100), 50.0, 1.0, "30.0 s left"),  # of 50 s of this call 20 are gone
        (StopMax(12), 50.0, 1.0, "10.0 s left"),  # ten more, one a second
        (StopDuration(1.0), None, 0.0, "10.0 s left"),  # a minute, of which 50 s are gone on the wall clock
        (StopAny([StopMax(100), StopDuration(1.0)]), None, 1.0, "10.0 s left"),
        (StopMax(100), 5.0, 1.0, "0.0 s left"),  # never less than nothing
    ],
)
def test_time_left_is_that_to_the_first_limit(stop: Stop, duration: float | None, rate: float, left: str) -> None:
    info = make_stage(stop, Clock(), duration=duration)
    assert render_progress(make_state(1.0, 2.0, clock=Clock()), info, rate).endswith(left)


@pytest.mark.parametrize(("rate", "text"), [(12.345, "12.3/s"), (1.0, "1/s"), (0.1, "6/min"), (0.01, "36/h")])
def test_rate_has_the_unit_that_suits_it(rate: float, text: str) -> None:
    assert f"  {text}  " in render_progress(make_state(), make_stage(StopLoss(0.1), Clock()), rate)


def test_pace_follows_the_last_results_and_falls_while_none_arrives() -> None:
    pace = Pace(0.0)
    assert pace.rate(5.0) == 0.0
    for second in range(1, 101):
        pace.note(float(second))
    assert pace.rate(100.0) == 1.0
    for tenth in range(1, 101):
        pace.note(100 + tenth / 10)
    assert pace.rate(110.0) == pytest.approx(10.0)
    assert pace.rate(120.0) == pytest.approx(50 / 15)


def test_plain_lines_come_only_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    clock, state = Clock(), make_state(0.5)
    observer = ProgressObserver({"plain_interval": 30})
    observer.open(make_stage(StopMax(10), clock), state)
    for _ in range(100):  # 99 seconds
        observer.observe(Record(9, 0.0, Submit(0, {"ok": {"loss": 0.5}})), state)
        observer.tick(state)
        clock.now += 1
    observer.close(state)
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split("  ")[:2] for line in err.splitlines()] == [["red_fox", "1/10 trials"]] * 3
    assert "1.03/s" in err.splitlines()[0]


def test_silent_once_closed(capsys: pytest.CaptureFixture[str]) -> None:
    clock, state = Clock(), make_state(0.5)
    observer = ProgressObserver()
    observer.open(make_stage(StopMax(10), clock), state)
    observer.close(state)
    clock.now += 1000
    observer.tick(state)
    observer.close(state)
    assert capsys.readouterr().err == ""


END = "<end>"


class Terminal:
    """A terminal that nobody watches."""

    def __init__(self) -> None:
        self._master, slave = pty.openpty()
        self.stream = os.fdopen(slave, "w")

    def written(self) -> str:
        """What was written since the last call."""
        print(END, end="", file=self.stream, flush=True)  # a terminal hands on in pieces what it is given at once
        text = ""
        while not text.endswith(END):
            text += os.read(self._master, 1 << 16).decode()
        return text.removesuffix(END)

    def close(self) -> None:
        self.stream.close()
        os.close(self._master)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.close()


def test_line_on_a_terminal_is_redrawn_and_cleared(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal.stream)
    clock, state = Clock(), make_state(0.5)
    observer = ProgressObserver({"interval": 1.0})
    observer.open(make_stage(StopMax(10), clock), state)
    observer.tick(state)  # just drawn
    clock.now += 1
    observer.tick(state)
    observer.close(state)
    drawn = terminal.written().split("\r\x1b[2K")
    assert 2 <= len(drawn) <= 3  # the drawer may have found both lines at once, and drawn the last
    assert all("1/10 trials" in line for line in drawn[:-1])
    assert drawn[-1] == ""
    assert "\x1b[?25l" not in "".join(drawn)  # the cursor stays visible


def test_dumb_terminal_gets_plain_lines(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(sys, "stderr", terminal.stream)
    clock, state = Clock(), make_state(0.5)
    observer = ProgressObserver()
    observer.open(make_stage(StopMax(10), clock), state)
    clock.now += 31
    observer.tick(state)
    observer.close(state)
    text = terminal.written()
    assert "1/10 trials" in text
    assert "\x1b" not in text


def test_importing_it_does_not_import_rich() -> None:
    code = "import runlib, runlib.observe.progress, sys; print('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
