"""Limits of the context: the memory of a trial, and the trials of a worker."""

from __future__ import annotations

import re
import sys
import time

import pytest

from runlib.errors import ConfigError
from runlib.pool.base import Finished, Lost, Task
from runlib.pool.processes.pool import ProcessPool
from runlib.pool.serial import SerialPool
from runlib.run.run import Run
from runlib.stop.max import StopMax
from tests.fakes import SpySearch
from tests.pool.pool_evaluators import Doing, Greedy
from tests.pool.pool_tools import finish, freeze, read, runs, wait_for

linux = pytest.mark.skipif(sys.platform != "linux", reason="there are no supervisors")
MIB = 2**20
LIMIT = "256 MiB"


@pytest.fixture
def start():
    """Open a pool; at the end it is closed."""
    pools = []

    def open_pool(**context):
        pools.append(ProcessPool())
        pools[-1].open(Doing(), {"max_workers": 1, **context})
        return pools[-1]

    yield open_pool
    for pool in pools:
        pool.close(0.0)


def one(pool, tid=0, **suggestion):
    pool.schedule(Task(tid, suggestion))
    [event] = finish(pool, 1)
    assert isinstance(event, Finished)
    assert event.tid == tid
    return event


def worker_of(pool, tid=0):
    return one(pool, tid, do="where").result["ok"]["pid"]


@linux
@pytest.mark.parametrize("where", ["here", "in a process of its own session"])
def test_a_trial_that_takes_too_much_memory_is_an_error_of_its_own_name(start, where):
    pool = start(memory_limit=LIMIT)
    first = worker_of(pool)
    event = one(pool, 5, do="allocate", size=600 * MIB, where=where)
    error = event.result["error"]
    assert error["error"] == "MemoryError"
    assert error["error_text"].startswith("the worker took ")
    assert error["error_text"].endswith(" MiB, more than the memory_limit of 256 MiB, during the evaluation")
    assert {"MemoryError", "WorkerLost", "Exception"} <= set(event.names)
    assert not runs(first)
    assert worker_of(pool) != first  # the slot was refilled


@linux
def test_a_trial_within_its_memory_is_left_alone(start):
    pool = start(memory_limit=LIMIT)
    first = worker_of(pool)
    assert "ok" in one(pool, do="large", size=20 * MIB).result
    assert worker_of(pool) == first


@linux
@pytest.mark.slow
def test_memory_that_processes_share_counts_once(start):
    """Four processes with the same 100 MiB are above the limit in a sum that counts it four times."""
    pool = start(memory_limit=LIMIT)
    assert "ok" in one(pool, do="share", size=100 * MIB, copies=3, seconds=1.0).result


@linux
@pytest.mark.slow
def test_the_memory_of_one_trial_is_not_held_against_another(start):
    pool = start(max_workers=2, memory_limit=LIMIT)
    pool.schedule(Task(0, {"do": "sleep", "seconds": 1.0}))
    pool.schedule(Task(1, {"do": "allocate", "size": 600 * MIB}))
    events = {event.tid: event.result for event in finish(pool, 2)}
    assert "ok" in events[0]
    assert events[1]["error"]["error"] == "MemoryError"


@linux
def test_an_evaluator_above_the_limit_by_itself_is_said(start):
    pool = start(memory_limit=MIB)
    [event, *_] = finish(pool, 1)
    assert isinstance(event, Lost)
    assert event.reason.startswith("took ")
    # Ready or not: it may be quicker than the first look at its memory.
    assert re.search(r"more than the memory_limit of 1 MiB, (before it was ready|while it had no task)$", event.reason)


@linux
@pytest.mark.slow
def test_memory_is_watched_also_while_the_manager_does_not_look(start):
    pool = start(memory_limit=LIMIT)
    worker = worker_of(pool)
    pool.schedule(Task(0, {"do": "allocate", "size": 600 * MIB}))
    wait_for(lambda: not runs(worker))  # without a call to collect
    assert finish(pool, 1)[0].result["error"]["error"] == "MemoryError"


def test_a_limit_that_cannot_be_kept_is_refused(monkeypatch):
    monkeypatch.setattr("runlib.pool.processes.process.find_spec", lambda name: None)
    for pool in (ProcessPool(), SerialPool()):
        with pytest.raises(ConfigError) as caught:
            pool.open(Doing(), {"memory_limit": "2 GiB"})
        assert caught.value.path == "context.memory_limit"


@pytest.mark.parametrize("limit", [1, 3])
def test_a_worker_gives_way_to_a_fresh_one_after_so_many_trials(start, limit):
    pool = start(max_trials_per_worker=limit)
    for tid in range(7):
        pool.schedule(Task(tid, {"do": "where"}))
    events = finish(pool, 7)
    assert [event.tid for event in events] == list(range(7))  # none is lost, and the order is kept
    pids = [event.result["ok"]["pid"] for event in events]
    runs_of = [pids.count(pid) for pid in dict.fromkeys(pids)]
    assert runs_of == [limit] * (7 // limit) + [7 % limit] * (7 % limit > 0)
    assert pool.collect(0.0) == []  # its end is no loss


def test_an_error_counts_as_a_trial(start):
    pool = start(max_trials_per_worker=2)
    first = worker_of(pool)
    one(pool, do="no such method")
    assert worker_of(pool) != first


def test_no_task_waits_behind_the_last_trial_of_a_worker(start):
    pool = start(max_workers=2, max_trials_per_worker=1)
    wait_for(lambda: all(slot.load == 0 for slot in pool._slots), pool=pool)
    pool.schedule(Task(0, {"do": "sleep", "seconds": 60}))
    for tid in range(1, 4):
        pool.schedule(Task(tid, {"do": "value"}))
    assert [event.tid for event in finish(pool, 3, seconds=20)] == [1, 2, 3]


@pytest.mark.slow
def test_tasks_that_wait_with_a_slow_worker_go_to_a_free_one_also_before_its_last_trial(start):
    pool = start(max_workers=2, max_trials_per_worker=2)
    wait_for(lambda: all(slot.load == 0 for slot in pool._slots), pool=pool)
    pool.schedule(Task(0, {"do": "sleep", "seconds": 60}))
    pool.schedule(Task(1, {"do": "sleep", "seconds": 0.2}))
    pool.schedule(Task(2, {"do": "value"}))
    pool.schedule(Task(3, {"do": "value"}))
    assert sorted(event.tid for event in finish(pool, 3, seconds=20)) == [1, 2, 3]


@pytest.mark.slow
def test_a_worker_that_does_not_leave_is_made_to(start, tmp_path, monkeypatch):
    monkeypatch.setattr("runlib.pool.processes.slot.FAREWELL", 0.5)
    pool = start(max_trials_per_worker=1)
    mark = tmp_path / "mark"
    first = one(pool, do="linger", mark=str(mark), seconds=3600).result["ok"]["pid"]
    begin = time.monotonic()
    assert worker_of(pool) != first
    assert read(mark) == "leaving"
    assert time.monotonic() - begin < 8
    assert not runs(first)


@pytest.mark.slow
def test_a_worker_may_take_a_moment_for_leaving(start, tmp_path):
    pool = start(max_trials_per_worker=1)
    mark = tmp_path / "mark"
    one(pool, do="linger", mark=str(mark), seconds=0.7)
    worker_of(pool)
    assert read(mark) == "left"


@linux
def test_close_ends_a_pool_whose_worker_is_just_leaving(start, tmp_path):
    pool = start(max_trials_per_worker=1)
    mark = tmp_path / "mark"
    first = one(pool, do="linger", mark=str(mark), seconds=3600).result["ok"]["pid"]
    wait_for(lambda: read(mark))
    freeze(first)
    begin = time.monotonic()
    pool.close(0.2)
    assert time.monotonic() - begin < 4
    assert not runs(first)


@pytest.mark.parametrize(
    ("context", "path"),
    [
        ({"memory_limit": "much"}, "context.memory_limit"),
        ({"memory_limit": 0}, "context.memory_limit"),
        ({"max_trials_per_worker": 0}, "context.max_trials_per_worker"),
        ({"max_trials_per_worker": 2.0}, "context.max_trials_per_worker"),
    ],
)
def test_a_run_refuses_wrong_limits(context, path):
    with pytest.raises(ConfigError) as caught:
        Run(SpySearch(), Greedy(""), StopMax(3), context=context)
    assert caught.value.path == path


@linux
@pytest.mark.slow
def test_a_run_goes_on_after_a_trial_that_took_too_much_if_that_error_is_caught(tmp_path):
    context = {"memory_limit": LIMIT, "max_trials_per_worker": 2, "max_workers": 1}
    evaluator = Greedy(str(tmp_path / "count"))
    run = Run(SpySearch(), evaluator, StopMax(5), context=context)
    run.prepare(tmp_path).run()
    assert [run.state.trials[tid][0] for tid in range(5)] == ["ok", "error", "ok", "ok", "ok"]
    assert run.state.trials.get_outcome(1)["error"] == "MemoryError"
    pids = read(tmp_path / "count").split()
    assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [2, 2, 1]  # one killed, one replaced
