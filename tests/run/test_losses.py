"""Lost workers in a row: a pause that grows, and an end only where it is to no purpose."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from runlib import PoolError, Run, StopMax
from runlib.pool.base import Finished, Lost, Task
from runlib.run.loop.doubt import HOLD, Doubtful
from runlib.run.loop.losses import LONGEST, MOST, Losses
from tests.fakes import DirectPool, SpySearch, quadratic


class Clock:
    """Set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def lose(losses: Losses, *tids: int) -> list[str | None]:
    return [losses.lost_with_trial(tid, {tid}, "died") for tid in tids]


def test_the_run_ends_if_nothing_has_succeeded() -> None:
    *before, why = lose(Losses(Clock()), *range(MOST))
    assert before == [None] * (MOST - 1)
    assert why == "5 workers in a row were lost without a result, the last one: died"


@pytest.mark.parametrize("ok", [True, False])
def test_an_answer_begins_a_new_row(ok: bool) -> None:
    losses = Losses(Clock())
    for _ in range(10):
        assert lose(losses, *range(MOST - 1)) == [None] * (MOST - 1)
        losses.survived(ok)
    assert not losses.pause


def test_after_a_success_the_pause_grows_and_each_step_is_said_once(caplog: Any) -> None:
    clock = Clock()
    losses = Losses(clock)
    losses.survived(True)
    pauses = []
    with caplog.at_level(logging.WARNING, "runlib"):
        for tid in range(MOST + 8):
            assert lose(losses, tid) == [None]
            pauses.append(losses.pause)
            clock.now += losses.pause
            assert not losses.pause
    assert pauses == [0.0] * (MOST - 1) + [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, LONGEST, LONGEST, LONGEST]
    told = [record.getMessage() for record in caplog.records if "next trial starts" in record.getMessage()]
    assert len(told) == 9
    assert told[1] == "6 workers in a row were lost: the next trial starts in 2 s"


def test_a_success_ends_the_pause() -> None:
    losses = Losses(Clock())
    losses.survived(True)
    lose(losses, *range(MOST))
    assert losses.pause
    losses.survived(True)
    assert not losses.pause


def test_one_trial_that_kills_every_worker_ends_the_run_also_after_a_success() -> None:
    losses = Losses(Clock())
    losses.survived(True)
    assert lose(losses, 7, 7, 7, 7) == [None] * 4
    [why] = lose(losses, 7)
    assert why is not None
    assert why.startswith("trial 7 killed its worker 5 times in a row")


def test_workers_that_are_lost_at_one_moment_are_one_loss() -> None:
    losses = Losses(Clock())
    running = set(range(64))
    assert {losses.lost_with_trial(tid, set(running), "died") for tid in range(64)} == {None}
    assert {losses.lost_alone(slot, running, "died") for slot in range(64)} == {None}
    *before, why = lose(losses, *range(64, 64 + MOST - 1))
    assert before == [None] * (MOST - 2)
    assert why is not None


def test_workers_that_never_start_end_the_run() -> None:
    losses = Losses(Clock())
    answers = [losses.lost_alone(slot, set(), "died") for _ in range(4) for slot in (0, 1)]
    assert answers[-1] is not None
    assert answers.index(answers[-1]) <= 2 + MOST


def test_a_trial_that_was_tried_again_counts_though_it_began_before_the_row() -> None:
    losses = Losses(Clock())
    losses.survived(True)
    answers = [losses.lost_with_trial(0, {0, 1}, "died") for _ in range(MOST)]
    assert answers[-1] is not None


ERROR = {"error": {"error": "WorkerLost", "error_text": "was killed", "traceback": ""}}


class LosingPool(DirectPool):
    """Succeeds once, loses some, then succeeds; notes for how long it is to rest."""

    kind = "pool_losing_for_a_while"

    def __init__(self, losses: int, context: Any = None) -> None:
        super().__init__(context=context)
        self.losses = losses
        self.rests: list[float] = []

    def _evaluate(self, task: Task) -> Finished:
        if task.tid == 0 or self.losses <= 0:
            return super()._evaluate(task)
        self.losses -= 1
        return Finished(task.tid, ERROR, ("WorkerLost",))

    def rest(self, seconds: float) -> None:
        self.rests.append(seconds)


def test_a_run_that_succeeded_before_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runlib.run.loop.losses.LONGEST", 0.01)
    pool = LosingPool(9)
    run = Run(SpySearch(), quadratic, StopMax(12), pool=pool).prepare(tmp_path).run()
    assert (run.state.trials.error_count, run.state.trials.ok_count) == (9, 3)
    assert len(pool.rests) == 5


def test_it_ends_where_nothing_succeeds_and_a_restore_goes_on(tmp_path: Path) -> None:
    pool = DirectPool(said=[Lost(0, "died")] * 5)
    run = Run(SpySearch(), quadratic, StopMax(3), pool=pool).prepare(tmp_path)
    with pytest.raises(PoolError, match=r"5 workers in a row .* then restore the run"):
        run.run()
    assert Run.restore(run.work_directory, evaluator=quadratic, pool=DirectPool()).run().state.trials.ok_count == 3


def test_what_is_in_doubt_waits_for_its_time() -> None:
    clock = Clock()
    doubtful = Doubtful(clock)
    first, second = Finished(0, ERROR), Finished(1, ERROR)
    doubtful.hold(first)
    clock.now = HOLD / 2
    doubtful.hold(second)
    assert doubtful.ripe() == []
    clock.now = HOLD
    assert doubtful.ripe() == [first]
    assert doubtful.ripe() == []
    clock.now = 2 * HOLD
    assert doubtful.ripe() == [second]
