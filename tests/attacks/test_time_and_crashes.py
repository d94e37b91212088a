"""Time in which nobody ran, and workers that are lost in a row: neither is held against a trial or a run."""

from __future__ import annotations

import pytest

from runlib.pool.processes.running_time import RunningTime
from runlib.run.loop.losses import LONGEST, MOST, Losses


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def losses(clock: Clock) -> Losses:
    return Losses(clock)


def lose(losses: Losses, tids: range) -> list[str | None]:
    return [losses.lost_with_trial(tid, {tid}, "killed by SIGKILL") for tid in tids]


def test_a_run_without_any_success_ends_at_the_fifth_loss(losses):
    said = lose(losses, range(MOST))
    assert said[:-1] == [None] * (MOST - 1)
    assert "5 workers in a row were lost without a result" in said[-1]


def test_a_run_that_has_succeeded_pauses_for_longer_each_time_and_says_so_once_per_step(losses, clock, caplog):
    losses.survived(ok=True)
    pauses = []
    for tid in range(MOST + 9):
        assert lose(losses, range(tid, tid + 1)) == [None]
        pauses.append(losses.pause)
        clock.now += losses.pause
    assert pauses[: MOST - 1] == [0.0] * (MOST - 1)
    assert pauses[MOST - 1 :] == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, LONGEST, LONGEST, LONGEST, LONGEST]
    assert sum("the next trial starts in" in record.getMessage() for record in caplog.records) == 10


def test_a_result_ends_the_row_and_the_pause(losses):
    losses.survived(ok=True)
    lose(losses, range(MOST + 3))
    losses.survived(ok=False)
    assert losses.pause == 0
    assert lose(losses, range(MOST - 1)) == [None] * (MOST - 1)
    assert losses.pause == 0


def test_an_error_alone_is_no_success(losses):
    losses.survived(ok=False)
    assert lose(losses, range(MOST))[-1] is not None


def test_a_trial_that_kills_its_worker_each_time_ends_the_run_though_others_succeeded(losses):
    losses.survived(ok=True)
    said = [losses.lost_with_trial(7, {7}, "killed by SIGSEGV") for _ in range(MOST)]
    assert said[:-1] == [None] * (MOST - 1)
    assert "trial 7 killed its worker 5 times in a row" in said[-1]


@pytest.mark.parametrize("workers", [5, 8, 64])
def test_all_workers_lost_at_one_moment_are_one_loss(losses, workers):
    running = set(range(workers))
    for tid in range(workers):
        assert losses.lost_with_trial(tid, set(running), "killed by SIGKILL") is None
        running.discard(tid)
    assert losses.pause == 0


def test_a_wait_that_takes_longer_than_it_was_to_take_is_time_in_which_nobody_ran(clock):
    time = RunningTime(clock, lambda: 0.0)
    since = time()
    clock.now += 3600.1
    time.waited(0.1, since)
    assert time() - since == pytest.approx(0.1)


def test_a_wait_that_took_its_time_counts(clock):
    time = RunningTime(clock, lambda: 0.0)
    since = time()
    for _ in range(10):
        before = time()
        clock.now += 0.15  # a busy machine
        time.waited(0.1, before)
    assert time() - since == pytest.approx(1.5)


def test_between_two_waits_computing_is_told_from_standing_still(clock):
    computed = Clock()
    time = RunningTime(clock, computed)
    time.leave()
    clock.now, computed.now = clock.now + 5, computed.now + 5
    time.arrive()
    assert time.unseen == 0
    time.leave()
    clock.now += 5
    time.arrive()
    assert time.unseen == pytest.approx(5)
