"""Somebody sets the wall clock while a run is at work: durations stay what they were, and no time runs backwards."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runlib import Run, StopDuration, StopMax
from runlib.audit.verify import verify
from runlib.cli.account import describe, render_description
from runlib.observe.status import StatusObserver
from runlib.run.edits.edit import Inbox
from runlib.tape import clock as clocks
from runlib.tape.events import Record, Session
from tests.fakes import DirectPool, SpySearch

JUMPS = [7200.0, -86400.0, -4e9, 0.0, 1e9]


class Clocks:
    """Stands for the module ``time``: a wall clock that is set, and one that goes on."""

    def __init__(self) -> None:
        self.wall, self.uptime = 1.7e9, 500.0

    def time(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.uptime

    def pass_(self, seconds: float) -> None:
        self.wall += seconds
        self.uptime += seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    found = Clocks()
    monkeypatch.setattr(clocks, "time", found)
    return found


def working(machine: Clocks, jump: float, at: int = 2, seconds: float = 60.0) -> Callable[..., float]:
    """An evaluator that takes a minute, during one of which the wall clock is set."""
    calls = itertools.count()

    def evaluate(x: float) -> float:
        machine.pass_(seconds)
        if next(calls) == at:
            machine.wall += jump
        return x

    return evaluate


def times(run: Run) -> list[float]:
    return [record.t for record in run.state.tape]


def made(tmp_path: Path, evaluator: Any, stop: Any, **more: Any) -> Run:
    return Run(SpySearch(), evaluator, stop, pool=DirectPool(), name="fox", **more).prepare(tmp_path)


@pytest.mark.parametrize("jump", JUMPS)
def test_a_stop_by_duration_comes_when_it_should(tmp_path: Path, machine: Clocks, jump: float) -> None:
    run = made(tmp_path, working(machine, jump), StopDuration(10)).run()
    assert len(run.state.trials) == 10
    assert run.state.runtime == pytest.approx(600)
    assert times(run) == sorted(times(run))
    assert Run.checkout(run.work_directory).state.runtime == pytest.approx(600)
    status = (run.work_directory / "status.txt").read_text()
    assert "It ran for 10 min 00 s in all" in status


@pytest.mark.parametrize("jump", JUMPS)
def test_over_sessions_it_is_the_sum_of_what_was(tmp_path: Path, machine: Clocks, jump: float) -> None:
    run = made(tmp_path, working(machine, jump), StopMax(4)).run()
    machine.pass_(1000)
    machine.wall += jump
    given: dict[str, Any] = {"evaluator": working(machine, jump), "pool": DirectPool()}
    run = Run.restore(run.work_directory, new_stop=StopDuration(10), **given).run()
    assert (len(run.state.trials), run.state.runtime) == (10, pytest.approx(600))
    looked = Run.checkout(run.work_directory)
    assert looked.state.runtime == pytest.approx(600)
    assert "It ran for 10 min 00 s in all" in render_description(describe(looked, 1.8e9), 1.8e9)
    assert verify(run.work_directory).verdict == "intact"


@pytest.mark.parametrize("jump", JUMPS)
def test_a_session_that_was_cut_off_lasted_until_its_last_record(tmp_path: Path, machine: Clocks, jump: float) -> None:
    run = made(tmp_path, None, StopMax(4))
    tid, _ = run.suggest()
    machine.wall += jump
    machine.pass_(60)
    run.submit(tid, loss=1.0)
    cut_off = shutil.copytree(run.work_directory, tmp_path / "run_cut_off")
    run.close()
    machine.pass_(5000)
    again = Run.restore(cut_off, pool=DirectPool())
    machine.pass_(30)
    assert again.state.runtime == pytest.approx(90)
    again.close()


def test_a_session_notes_both_clocks_and_no_other_record_grows(tmp_path: Path, machine: Clocks) -> None:
    run = made(tmp_path, working(machine, -86400.0), StopMax(3)).run()
    first = next(iter(run.state.tape))
    assert isinstance(first.event, Session)
    assert first.event.info["clocks"] == {"wall": 1.7e9, "monotonic": 500.0, "boot": clocks.boot()}
    assert first.t == 1.7e9
    for line in run.state.tape.path.read_bytes().split(b"\n"):
        assert line.count(b'"monotonic"') == line.startswith(b'{"session"')
    machine.pass_(10)
    run.run()
    assert run.state.last_session["clocks"]["monotonic"] == 690.0


@pytest.mark.parametrize("jump", JUMPS)
def test_status_of_a_running_run_counts_by_the_clock_of_its_session(
    tmp_path: Path, machine: Clocks, jump: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clocks, "boot", lambda: "this one")
    run = made(tmp_path, None, StopMax(3))
    run.suggest()
    machine.pass_(90)
    machine.wall += jump
    about = describe(Run.checkout(run.work_directory), machine.wall)
    assert about["phase"] == "running"
    assert (about["runtime"], about["seconds_since"]) == (pytest.approx(90), pytest.approx(90))
    monkeypatch.setattr(clocks, "boot", lambda: "another one")
    about = describe(Run.checkout(run.work_directory), machine.wall)
    assert about["runtime"] == pytest.approx(max(0.0, 90 + jump))  # nothing but the wall clock is known then
    run.close()


@pytest.mark.parametrize(
    "noted",
    [
        *(None, {}, {"wall": 1.0, "monotonic": 2.0}, {"wall": 1.0, "monotonic": 2.0, "boot": None}),
        *({"wall": 1.0, "monotonic": 2.0, "boot": "x"}, {"wall": 1e308, "monotonic": -1e308, "boot": "now"}),
        {"wall": 1.0, "monotonic": 501.0, "boot": "now"},
    ],
)
def test_clocks_that_tell_nothing(noted: Any, machine: Clocks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clocks, "boot", lambda: "now")
    assert clocks.now_by(noted) is None


def test_a_clock_that_was_never_set_begins_in_1970(tmp_path: Path, machine: Clocks) -> None:
    machine.wall = -5.0
    run = made(tmp_path, working(machine, 1.7e9), StopMax(3)).run()
    assert times(run)[0] == 0.0
    assert run.state.runtime == pytest.approx(180)


def test_edits_between_sessions_and_old_sessions_without_clocks(tmp_path: Path, machine: Clocks) -> None:
    run = made(tmp_path, working(machine, 0.0), StopMax(3)).run()
    machine.wall -= 86400.0
    Inbox(run.work_directory).void(0, "so")
    looked = Run.checkout(run.work_directory)
    assert looked.state.runtime == pytest.approx(180)
    info = {"host": socket.gethostname(), "pid": os.getpid()}
    looked.state.apply(Record(looked.state.n + 1, 1.7e9, Session(info)))
    assert describe(looked, 1.7e9 + 5)["runtime"] == pytest.approx(185)


def test_the_status_of_a_run_at_work_is_that_of_its_session(tmp_path: Path, machine: Clocks) -> None:
    said = []

    class Listening(StatusObserver):
        kind = "observe_listening"

        def tick(self, state: Any) -> None:
            said.append(state.runtime)

    made(tmp_path, working(machine, 7200.0), StopMax(5), observers=[Listening()]).run()
    assert said == sorted(said)
    assert said[-1] == pytest.approx(300)
