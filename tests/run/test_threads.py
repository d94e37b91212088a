"""A second call of run() or close() while the first turns is refused, and the first goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runlib import Observer, Run, StopMax
from runlib.errors import RunlibError, RunLocked
from tests.fakes import DirectPool, SpySearch, quadratic


class Turning:
    """A run that turns in another thread, and waits in its third trial until it is let go."""

    def __init__(self, folder: Path, **more: Any) -> None:
        self.reached, self.go, self.failure = threading.Event(), threading.Event(), []
        self.calls = 0
        self.run = Run(SpySearch(), self.evaluate, StopMax(6), **{"pool": DirectPool(), **more}).prepare(folder)
        self.thread = threading.Thread(target=self.turn)

    def evaluate(self, x: float) -> float:
        self.calls += 1
        if self.calls == 3:
            self.reached.set()
            assert self.go.wait(30)
        return quadratic(x)

    def turn(self) -> None:
        try:
            self.run.run()
        except BaseException as error:
            self.failure.append(error)

    def __enter__(self) -> Run:
        self.thread.start()
        assert self.reached.wait(30)
        return self.run

    def __exit__(self, *_: object) -> None:
        self.go.set()
        self.thread.join(30)


def leave(run: Run) -> None:
    with run:
        pass


def edit_and_run(run: Run) -> None:
    run.annotate(0, "meanwhile")
    run.run(duration=1)


@pytest.mark.parametrize(
    ("call", "what"),
    [(Run.run, "run()"), (Run.__call__, "run()"), (edit_and_run, "run()"), (Run.close, "close()"), (leave, "close()")],
)
def test_the_second_is_refused_and_the_first_goes_on(tmp_path: Path, call: Callable[[Run], Any], what: str) -> None:
    turning = Turning(tmp_path)
    with turning as run:
        for _ in range(2):
            with pytest.raises(RunlibError, match="runs already, by another call of run") as caught:
                call(run)
            assert f"{what} has to wait" in str(caught.value)
    assert turning.failure == []
    assert len(run.state.trials) == 6
    assert Run.checkout(run.work_directory).state.ended is not None
    run.close()
    run.run()  # now it may


def test_two_calls_at_the_same_moment(tmp_path: Path) -> None:
    run = Run(SpySearch(), quadratic, StopMax(30), pool=DirectPool()).prepare(tmp_path)
    together, failures = threading.Barrier(4), []

    def call() -> None:
        together.wait(30)
        try:
            run.run()
        except RunlibError as error:
            failures.append(str(error))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(run.state.trials) == 30
    assert all("runs already" in said for said in failures)


def test_an_observer_that_closes_the_run_does_not_end_it(tmp_path: Path) -> None:
    class Closing(Observer):
        kind = "observe_closing"

        def observe(self, event: Any, state: Any) -> None:
            run.close()

    run = Run(SpySearch(), quadratic, StopMax(3), pool=DirectPool(), observers=[Closing()]).prepare(tmp_path)
    assert len(run.run().state.trials) == 3


def test_suggesting_by_hand_is_refused_too(tmp_path: Path) -> None:
    turning = Turning(tmp_path)
    with turning as run, pytest.raises(RunlibError, match="suggest"):
        run.suggest()
    assert turning.failure == []


def test_a_restore_of_a_run_that_turns_says_how_to_wait_or_to_end_it(tmp_path: Path) -> None:
    turning = Turning(tmp_path)
    with turning as run:
        folder = run.work_directory
        with pytest.raises(RunLocked, match=r"while that runs, in another thread, wait .* run\.stop\(reason\)"):
            Run.restore(folder)
        run.stop("asked for")
    assert turning.failure == []
    Run.restore(folder, evaluator=turning.evaluate).close()
