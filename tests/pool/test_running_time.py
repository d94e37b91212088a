"""A clock that stands still while this process does."""

from __future__ import annotations

import pytest

from runlib.pool.alarm import REPEAT, Alarm, Moment
from runlib.pool.processes.running_time import SLACK, RunningTime


class Process:
    """The clocks of a process that runs, waits, and stands still."""

    def __init__(self):
        self.clock = self.computed = 0.0
        self.woken = 0
        self.time = RunningTime(lambda: self.clock, lambda: self.computed)

    def wait(self, asked, took):
        since = self.time()
        self.clock += took
        self.time.waited(asked, since)

    def turn(self, seconds, computing):
        self.time.leave()
        self.clock += seconds
        self.computed += computing
        self.time.arrive()

    def moment(self):
        return Moment(self.clock, self.computed, self.woken)


@pytest.mark.parametrize(
    ("asked", "took", "counts"),
    [(0.5, 0.5, 0.5), (0.5, 0.1, 0.1), (0.5, 0.5 + SLACK, 0.5 + SLACK), (0.5, 3600.0, 0.5), (0.0, 5.0, 0.0)],
)
def test_a_wait_counts_for_no_longer_than_it_was_to_take(asked, took, counts):
    process = Process()
    process.wait(asked, took)
    assert process.time() == pytest.approx(counts)


def test_it_stands_still_as_often_as_the_process_does():
    process = Process()
    for _ in range(10):
        process.wait(0.1, 100.0)
    assert process.time() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("seconds", "computing", "unseen"),
    [(5.0, 0.0, 5.0), (5.0, 5.0, 0.0), (5.0, 4.0, 1.0), (SLACK, 0.0, 0.0), (9.0, 18.0, 0.0)],
)
def test_what_the_process_did_between_two_waits_is_unseen_if_it_did_not_compute(seconds, computing, unseen):
    process = Process()
    process.turn(seconds, computing)
    assert process.time.unseen == pytest.approx(unseen)
    assert process.time() == pytest.approx(seconds)


class TestAlarm:
    def pass_by(self, alarm, process, seconds, computing=0.0, woken=0):
        process.clock += seconds
        process.computed += computing
        process.woken += woken
        return alarm.is_over()

    @pytest.fixture(autouse=True)
    def timer(self, monkeypatch):
        """No signal comes of these."""
        asked = []
        monkeypatch.setattr("runlib.pool.alarm.signal.setitimer", lambda which, first, then: asked.append(first))
        return asked

    def test_it_is_over_after_as_many_signals_as_there_are_in_the_limit(self, timer):
        process = Process()
        alarm = Alarm(1.2, process.moment)
        assert [self.pass_by(alarm, process, seconds) for seconds in (REPEAT, REPEAT, 0.2)] == [False, False, True]
        assert timer == pytest.approx([REPEAT, 0.2])

    def test_a_process_that_stood_still_has_its_time_left(self):
        process = Process()
        alarm = Alarm(2.0, process.moment)
        assert not self.pass_by(alarm, process, 3600.0, woken=1)
        assert [self.pass_by(alarm, process, REPEAT) for _ in range(3)] == [False, False, True]

    @pytest.mark.parametrize(("computing", "woken"), [(60.0, 0), (0.0, 120)])
    def test_a_call_that_never_returned_to_the_interpreter_counts(self, computing, woken):
        process = Process()
        assert self.pass_by(Alarm(2.0, process.moment), process, 60.0, computing, woken)
