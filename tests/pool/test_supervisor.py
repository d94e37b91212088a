"""Whatever a trial starts, and however that tries to get away, nothing of it is left when its worker is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runlib.pool.base import Finished, Task
from runlib.pool.processes import supervisor
from runlib.pool.processes.pool import ProcessPool
from runlib.pool.processes.worker.serve import OOM_SCORE
from tests.pool.pool_evaluators import Doing
from tests.pool.pool_tools import finish, freeze, gone, read, runs, state, wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there are no supervisors")


@pytest.fixture
def start():
    """Open a pool of one worker; at the end it is closed."""
    pools = []

    def open_pool(**context):
        pools.append(ProcessPool())
        pools[-1].open(Doing(), {"max_workers": 1, **context})
        return pools[-1]

    yield open_pool
    for pool in pools:
        pool.close(0.0)


def escape(pool, tmp_path, timeout=None):
    """Schedule a trial that starts a plain child, one in its own session and an orphan without environment."""
    mark = tmp_path / "mark"
    pool.schedule(Task(0, {"do": "escape", "mark": str(mark)}, timeout))
    pids = list(map(int, wait_for(lambda: read(mark), pool=pool).split()))
    assert len(pids) == 4
    return pids


@pytest.mark.parametrize("how", ["timeout", "cancel", "close", "death"])
def test_nothing_that_a_trial_started_gets_away(start, tmp_path, how):
    pool = start()
    pids = escape(pool, tmp_path, timeout=1.5 if how == "timeout" else None)
    assert all(map(runs, pids))
    if how == "cancel":
        pool.cancel(0)
        wait_for(lambda: not any(map(runs, pids)), pool=pool)
    elif how == "close":
        pool.close(0.1)
    else:
        if how == "death":
            os.kill(pids[0], signal.SIGKILL)
        [event] = finish(pool, 1)
        assert event.result["error"]["error"] == ("WorkerLost" if how == "death" else "TimeoutError")
    assert not any(map(runs, pids))  # at once: nothing is reported while something of it runs


@pytest.mark.parametrize("how", ["close", "recycling"])
def test_nothing_that_a_finished_trial_left_survives_its_worker(start, tmp_path, how):
    pool = start(max_trials_per_worker=1 if how == "recycling" else None)
    pool.schedule(Task(0, {"do": "escape", "mark": str(tmp_path / "mark"), "then": "return"}))
    pids = finish(pool, 1)[0].result["ok"]["pids"]
    if how == "close":
        assert all(map(runs, pids[1:]))
        pool.close(5.0)
        assert not any(map(runs, pids))
    else:
        wait_for(lambda: not any(map(runs, pids)), pool=pool)


@pytest.mark.parametrize("how", ["close", "recycling"])
def test_what_tidies_up_after_a_worker_that_ended_in_order_may_do_so(start, tmp_path, how):
    pool = start(max_trials_per_worker=1 if how == "recycling" else None)
    mark = tmp_path / "mark"
    pool.schedule(Task(0, {"do": "track", "mark": str(mark)}))
    finish(pool, 1)
    if how == "close":
        pool.close(5.0)
        assert read(mark) == "tidied up"
    else:
        wait_for(lambda: read(mark) == "tidied up", pool=pool)


def test_an_orphan_that_ends_is_buried_while_its_worker_lives(start, tmp_path):
    pool = start()
    orphan = escape(pool, tmp_path)[3]
    os.kill(orphan, signal.SIGKILL)
    wait_for(lambda: state(orphan) == "", pool=pool)  # not even a zombie


def test_a_supervisor_that_is_killed_takes_its_worker_along(start, tmp_path):
    pool = start()
    mark = tmp_path / "mark"
    pool.schedule(Task(0, {"do": "stubborn", "mark": str(mark)}))
    worker = int(wait_for(lambda: read(mark), pool=pool))
    os.kill(pool._slots[0].process.pid, signal.SIGKILL)
    assert gone([worker])  # by the kernel's doing: the manager has not looked yet
    [event] = finish(pool, 1)
    assert event.result["error"]["error"] == "WorkerLost"
    pool.schedule(Task(1, {"do": "value"}))
    assert finish(pool, 1)[0].result["ok"]["loss"] == 1.0


def test_a_supervisor_that_hangs_does_not_hold_up_the_verdict(start, tmp_path):
    pool = start()
    mark = tmp_path / "mark"
    pool.schedule(Task(0, {"do": "stubborn", "mark": str(mark)}, timeout=1.0))
    worker = int(wait_for(lambda: read(mark), pool=pool))
    keeper = pool._slots[0].process.pid
    freeze(keeper)
    [event] = finish(pool, 1, seconds=10)
    assert event.result["error"]["error"] == "TimeoutError"
    assert gone([worker, keeper])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_supervisor_does_not_end_when_asked(start, number):
    pool = start()
    pool.schedule(Task(0, {"do": "value"}))
    finish(pool, 1)
    keeper = pool._slots[0].process.pid
    os.kill(keeper, number)
    pool.schedule(Task(1, {"do": "value", "x": 3.0}))
    [event] = finish(pool, 1)
    assert isinstance(event, Finished)
    assert event.result["ok"]["loss"] == 3.0
    assert pool._slots[0].process.pid == keeper
    assert runs(keeper)


def test_a_worker_is_taken_before_the_manager_when_memory_runs_out(start):
    pool = start()
    pool.schedule(Task(0, {"do": "score"}))
    score = finish(pool, 1)[0].result["ok"]["loss"]
    own = int(Path("/proc/self/oom_score_adj").read_text())
    assert score == min(1000, own + OOM_SCORE) > own


@pytest.mark.parametrize("listed", [True, False])
def test_children_are_found_with_and_without_the_kernels_lists(monkeypatch, listed):
    monkeypatch.setattr(supervisor, "LISTED", listed)
    code = "import subprocess, sys; p = subprocess.Popen(['sleep', '3600']); print(p.pid, flush=True); p.wait()"
    child = subprocess.Popen([sys.executable, "-ISc", code], stdout=subprocess.PIPE, start_new_session=True)
    try:
        grandchild = int(child.stdout.readline())
        assert list(supervisor._children(child.pid)) == [grandchild]
        assert {child.pid, grandchild} <= set(supervisor._descendants(os.getpid()))
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()


def test_nothing_is_known_of_a_process_that_ended():
    child = subprocess.Popen(["true"])
    child.wait()
    assert list(supervisor._children(child.pid)) == []
    assert supervisor._parent(child.pid) is None
    assert supervisor._resident(child.pid) == 0
    assert supervisor._proportional(child.pid, 17) == 17
