"""How a run ends: by its duration, by a signal, and what it leaves then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runlib import ConfigError, EvaluationError, Observer, Run, Stop, StopMax
from runlib.pool.base import Task
from runlib.run.loop import session as session_module
from runlib.tape import clock as clock_module
from tests.fakes import DirectPool, SpySearch, quadratic, story


class Clock:
    """Time that passes only when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (session_module, clock_module):
        monkeypatch.setattr(module, "time", SimpleNamespace(time=clock, monotonic=clock))
    return clock


def passing(clock: Clock, seconds: float) -> Any:
    """An order of a ``DirectPool`` in which each evaluation takes that long."""

    def order(waiting: list[Task]) -> list[Task]:
        clock.now += seconds
        return waiting[:1]

    return order


class TestDuration:
    def test_is_minutes_and_no_trial_starts_in_the_last_tenth(self, tmp_path: Path, clock: Clock) -> None:
        pool = DirectPool(order=passing(clock, 10.0))
        run = Run(SpySearch(), quadratic, StopMax(10**6), pool=pool).prepare(tmp_path)
        run.run(duration=2)
        assert clock.now == 100.0 + 110.0  # 120 s less a tenth is 108 s: the 11th starts at 100 s, none at 110 s
        assert len(run.state.trials) == 11
        assert run.state.ended is not None
        assert run.state.ended.reason == "duration"

    def test_a_long_one_keeps_thirty_seconds(self, tmp_path: Path, clock: Clock) -> None:
        pool = DirectPool(order=passing(clock, 60.0))
        run = Run(SpySearch(), quadratic, StopMax(10**6), pool=pool).prepare(tmp_path).run(duration=60)
        assert len(run.state.trials) == 60
        assert pool.started == list(range(60))

    def test_what_still_runs_at_the_end_is_cancelled_and_starts_first_on_restore(
        self, tmp_path: Path, clock: Clock
    ) -> None:
        def order(waiting: list[Task]) -> list[Task]:
            clock.now += 50.0
            return [task for task in waiting if task.tid != 0]

        pool = DirectPool(order=order)
        run = Run(SpySearch(), quadratic, StopMax(5), pool=pool, context={"max_workers": 2}).prepare(tmp_path)
        run.run(duration=1)
        assert pool.cancelled == [0]
        assert 0 in run.state.live_trials
        again = DirectPool()
        restored = Run.restore(run.work_directory, evaluator=quadratic, pool=again).run()
        assert again.started[0] == 0
        assert len(restored.state.trials) == 5

    def test_runtime_counts_the_sessions_only(self, tmp_path: Path, clock: Clock) -> None:
        run = Run(SpySearch(), quadratic, StopMax(10**6), pool=DirectPool(order=passing(clock, 10.0)))
        run.prepare(tmp_path).run(duration=1)
        assert run.state.runtime == 60.0
        clock.now += 10_000.0
        run.run(duration=1)
        assert run.state.runtime == 120.0


class TestStuck:
    def test_a_stop_without_room_that_is_not_done_ends_the_run(self, tmp_path: Path) -> None:
        class Never(Stop):
            kind = "stop_never_any_room"

            def done(self, state: Any) -> bool:
                return False

            def room(self, state: Any) -> float:
                return 2 - len(state.trials)

        run = Run(SpySearch(), quadratic, Never(), pool=DirectPool()).prepare(tmp_path).run()
        assert len(run.state.trials) == 2

    def test_a_run_that_is_done_starts_no_worker(self, tmp_path: Path) -> None:
        run = Run(SpySearch(), quadratic, StopMax(3), pool=DirectPool()).prepare(tmp_path).run()
        pool = DirectPool()
        Run.restore(run.work_directory, evaluator=quadratic, pool=pool).run()
        assert not pool.is_open


SCRIPT = """
import signal, sys, time
from runlib import Hyperopt, Run, StopMax

def evaluator(x):
    if {ignore}:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("started", flush=True)
    while True:
        time.sleep(60)

search = Hyperopt({{"x": ["hp_uniform", "x", 0, 1]}}, method="rand")
run = Run(search, evaluator, StopMax(5), context={{"max_workers": 1}})
run.prepare(sys.argv[1]).run()
"""


def start(tmp_path: Path, ignore: bool = False) -> subprocess.Popen[str]:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(ignore=ignore))
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    return process


def ran_in(tmp_path: Path) -> Path:
    """The folder of the run that the script made."""
    return next((tmp_path / "out").iterdir())


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGUSR1, 138)])
def test_a_signal_ends_the_run_in_order(tmp_path: Path, signum: int, code: int) -> None:
    process = start(tmp_path)
    os.kill(process.pid, signum)
    _, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert [line.partition(";")[0] for line in err.splitlines()] == (
        [f"{ran_in(tmp_path).name}: 0 trials (stopped by SIGINT)"] if signum == signal.SIGINT else []
    )
    state = Run.checkout(next((tmp_path / "out").iterdir())).state
    assert state.ended is not None
    assert state.ended.reason == "signal"
    assert list(state.live_trials) == [0]


def test_a_second_sigint_does_not_wait(tmp_path: Path) -> None:
    process = start(tmp_path, ignore=True)
    for _ in range(2):
        os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    [line] = err.splitlines()
    assert "SIGINT" in line  # the first one, or the second
    assert list(Run.checkout(next((tmp_path / "out").iterdir())).state.live_trials) == [0]


def test_signals_are_what_they_were_afterwards(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    Run(SpySearch(), quadratic, StopMax(2), pool=DirectPool()).prepare(tmp_path).run()
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_signal_that_the_program_handles_itself_is_left_to_it(tmp_path: Path) -> None:
    heard: list[int] = []

    def evaluator(x: float) -> float:
        os.kill(os.getpid(), signal.SIGUSR1)
        return x

    before = signal.signal(signal.SIGUSR1, lambda signum, frame: heard.append(signum))
    try:
        run = Run(SpySearch(), evaluator, StopMax(2), pool=DirectPool()).prepare(tmp_path).run()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert heard == [signal.SIGUSR1] * 2
    assert len(run.state.trials) == 2


def test_a_run_works_outside_the_main_thread(tmp_path: Path) -> None:
    run = Run(SpySearch(), quadratic, StopMax(4), context={"max_workers": 1}).prepare(tmp_path)
    thread = threading.Thread(target=run.run)
    thread.start()
    thread.join(timeout=60)
    assert len(run.state.trials) == 4


class Impatient(SpySearch):
    """Somebody presses Ctrl-C twice while this search makes a suggestion."""

    kind = "search_impatient"

    def suggest(self) -> tuple[int, Any]:
        found = super().suggest()
        if found[0] == 3:
            for _ in range(2):
                signal.raise_signal(signal.SIGINT)
        return found


def test_a_second_sigint_cuts_no_step_in_two(tmp_path: Path) -> None:
    run = Run(Impatient(), quadratic, StopMax(6), pool=DirectPool()).prepare(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run.run()
    assert run.state.live_trials.keys() == {3}  # it was made, so it stands on the tape, and the run can go on from it
    assert len(run.run().state.trials) == 6
    left_alone = Run(SpySearch(), quadratic, StopMax(6), pool=DirectPool()).prepare(tmp_path).run()
    assert story(Run.checkout(run.work_directory).state) == story(left_alone.state)


class ImpatientPool(DirectPool):
    """Somebody presses Ctrl-C twice while this pool evaluates, and twice while it is closed."""

    kind = "pool_impatient"

    def collect(self, timeout: float) -> Any:
        found = super().collect(timeout)
        for _ in range(2 if len(self.started) == 3 else 0):
            signal.raise_signal(signal.SIGINT)
        return found

    def close(self, grace: float) -> None:
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)
        super().close(grace)


def test_a_second_sigint_leaves_nothing_open(tmp_path: Path) -> None:
    pool = ImpatientPool()
    run = Run(SpySearch(), quadratic, StopMax(6), pool=pool).prepare(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run.run()
    assert pool.closed_with == [0.0]
    assert run.state.ended is not None
    assert run.state.ended.reason == "signal"
    assert "stopped at once by a second SIGINT" in (run.work_directory / "status.txt").read_text()
    log = (run.work_directory / "log.log").read_text()
    assert log.count("ended: stopped at once") == 1
    assert "trial 1 ok" in log


def test_the_log_tells_who_opened_the_run_and_why_it_ended(tmp_path: Path) -> None:
    def fragile(x: float) -> float:
        raise ValueError("boo")

    run = Run(SpySearch(), fragile, StopMax(6), pool=DirectPool()).prepare(tmp_path)
    with pytest.raises(EvaluationError):
        run.run()
    log = (run.work_directory / "log.log").read_text()
    assert f"opened by process {os.getpid()}" in log.splitlines()[0]
    assert "ended: EvaluationError: trial 0 failed with ValueError: boo" in log


@pytest.mark.parametrize("minutes", [float("inf"), 1e300])
def test_a_limit_that_is_never_reached_is_none(tmp_path: Path, minutes: float) -> None:
    run = Run(SpySearch(), quadratic, StopMax(3), trial_timeout=minutes, pool="pool_serial").prepare(tmp_path)
    assert len(run.run(duration=minutes).state.trials) == 3
    assert run.trial_timeout is None
    assert "Ended: Counted trials: 3/3." in (run.work_directory / "status.txt").read_text()


class Untellable(Observer):
    """Its argument is no data, so the tape cannot note it."""

    kind = "observe_untellable"

    def __init__(self, callback: Any, context: Any = None) -> None:
        super().__init__(context)
        self.callback = callback


def test_an_observer_that_cannot_be_noted_is_refused_with_nothing_left_behind(tmp_path: Path) -> None:
    run = Run(SpySearch(), quadratic, StopMax(3), observers=[Untellable(print)])
    with pytest.raises(ConfigError, match=r"observers\.0\.observe_untellable\.callback: is no data"):
        run.prepare(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_results_that_come_together_with_a_signal_make_no_other_run(tmp_path: Path) -> None:
    ends = [4, 8]  # the trials at whose end somebody presses Ctrl-C

    def order(waiting: list[Task]) -> list[Task]:
        if ends and waiting[0].tid == ends[0]:
            ends.pop(0)
            signal.raise_signal(signal.SIGINT)
        return waiting[:2]

    def make() -> Run:
        workers = {"max_workers": 2}
        return Run(SpySearch(), quadratic, StopMax(12), pool=DirectPool(order), context=workers).prepare(tmp_path)

    run = make()
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            run.run()
    run.run()
    assert story(run.state) == story(make().run().state)
