"""What the worker processes give beyond the contract: supervision."""

from __future__ import annotations

import gc
import os
import random
import signal
import sys
import threading
import time
import warnings

import pytest

from runlib.errors import PoolError
from runlib.pool.base import Finished, Lost, Task
from runlib.pool.processes.pool import ProcessPool
from runlib.pool.processes.slot import State
from tests.pool.pool_evaluators import Doing, Failing
from tests.pool.pool_tools import finish, freeze, gone, read, runs, wait_for


@pytest.fixture
def start():
    """Open a pool; at the end it is closed."""
    pools = []

    def open_pool(evaluator=None, **context):
        pools.append(ProcessPool())
        pools[-1].open(evaluator or Doing(), {"max_workers": 1, **context})
        return pools[-1]

    yield open_pool
    for pool in pools:
        pool.close(0.0)


def one(pool, timeout=None, tid=0, folder=None, **suggestion):
    pool.schedule(Task(tid, suggestion, timeout, folder))
    [event] = finish(pool, 1)
    assert isinstance(event, Finished)
    assert event.tid == tid
    return event


def where(pool):
    return one(pool, do="where").result["ok"]


@pytest.mark.parametrize(
    ("suggestion", "text"),
    [
        ({"do": "segfault"}, "was killed by signal 11 (SIGSEGV)"),
        ({"do": "exit", "code": 3}, "ended with exit code 3"),
        ({"do": "exit", "code": 0}, "ended with exit code 0"),
        ({"do": "kill", "number": 9}, "was killed by signal 9 (SIGKILL)"),
        ({"do": "kill", "number": 6}, "was killed by signal 6 (SIGABRT)"),
    ],
)
def test_a_worker_that_dies_costs_its_trial_alone_and_says_how(start, suggestion, text):
    pool = start()
    before = where(pool)["pid"]
    event = one(pool, tid=5, **suggestion)
    assert event.result["error"]["error"] == "WorkerLost"
    assert text in event.result["error"]["error_text"]
    assert event.names == ("WorkerLost", "EvaluationError", "RunlibError", "Exception", "BaseException")
    assert where(pool)["pid"] != before  # the slot was refilled


def test_a_crash_brings_its_traceback(start):
    error = one(start(), do="segfault").result["error"]
    assert "Fatal Python error: Segmentation fault" in error["traceback"]
    assert "in segfault" in error["traceback"]


def test_a_worker_killed_from_outside_loses_only_the_trial_it_had(start, tmp_path):
    pool = start(max_workers=2)
    mark = tmp_path / "mark"
    pool.schedule(Task(0, {"do": "stubborn", "mark": str(mark)}))
    pid = int(wait_for(lambda: read(mark), pool=pool))
    for tid in range(1, 5):
        pool.schedule(Task(tid, {"do": "value"}))
    os.kill(pid, signal.SIGKILL)
    events = {event.tid: event.result for event in finish(pool, 5)}
    assert events.pop(0)["error"]["error"] == "WorkerLost"
    assert [events[tid]["ok"]["loss"] for tid in range(1, 5)] == [1.0] * 4


def test_an_idle_worker_that_dies_is_reported_lost_with_its_slot(start):
    pool = start()
    os.kill(where(pool)["pid"], signal.SIGKILL)
    assert finish(pool, 1) == [Lost(0, "was killed by signal 9 (SIGKILL) while it had no task")]
    assert one(pool, do="value").result["ok"]["loss"] == 1.0


def test_a_task_that_a_dead_worker_had_not_begun_is_done_by_the_next(start):
    pool = start()
    pid = where(pool)["pid"]
    freeze(pid)
    pool.schedule(Task(1, {"do": "value", "x": 4.0}))  # lies in its line, unread
    os.kill(pid, signal.SIGKILL)
    lost, event = finish(pool, 2)
    assert isinstance(lost, Lost)
    assert (event.tid, event.result["ok"]["loss"]) == (1, 4.0)


@pytest.mark.parametrize("what", ["stubborn", "hold"])
def test_a_timeout_holds_whatever_the_evaluator_does(start, tmp_path, what):
    pool = start()
    one(pool, do="value")
    begin = time.monotonic()
    event = one(pool, timeout=0.5, do=what, mark=str(tmp_path / "mark"))
    assert 0.5 <= time.monotonic() - begin < 1.5
    assert event.result["error"]["error"] == "TimeoutError"
    assert not runs(int(read(tmp_path / "mark")))  # nothing of it runs once it is reported


def test_the_time_of_a_trial_counts_from_its_start_not_from_its_place_in_the_queue(start):
    pool = start()
    for tid in range(4):
        pool.schedule(Task(tid, {"do": "sleep", "seconds": 0.3}, timeout=0.8))
    assert all("ok" in event.result for event in finish(pool, 4))


def test_the_time_of_a_trial_does_not_count_the_start_of_the_worker(start):
    pool = start()
    pool.schedule(Task(0, {"do": "value"}, timeout=0.02))  # less than a worker takes to start
    assert "ok" in finish(pool, 1)[0].result


def test_an_evaluator_may_tidy_up_when_it_is_stopped(start, tmp_path):
    pool = start()
    mark = tmp_path / "mark"
    event = one(pool, timeout=1.0, do="heed", mark=str(mark))
    assert event.result["error"]["error"] == "TimeoutError"
    assert read(mark) == "tidied up"


@pytest.mark.parametrize("how", ["timeout", "cancel", "close", "death"])
def test_what_a_trial_started_dies_with_it_where_there_are_no_supervisors(start, tmp_path, how, monkeypatch):
    monkeypatch.setattr("runlib.pool.processes.process.find_spec", lambda name: None)
    pool = start()
    mark = tmp_path / "mark"
    timeout = 1.0 if how == "timeout" else None
    pool.schedule(Task(0, {"do": "parent", "mark": str(mark)}, timeout))
    worker, child = map(int, wait_for(lambda: read(mark), pool=pool).split())
    if how == "cancel":
        pool.cancel(0)
        wait_for(lambda: not runs(worker) and not runs(child), pool=pool)
    elif how == "close":
        pool.close(0.1)
    else:
        if how == "death":
            os.kill(worker, signal.SIGKILL)
        finish(pool, 1)
    assert gone([worker, child])


def test_a_running_trial_that_is_cancelled_is_not_reported_and_its_slot_is_free_again(start, tmp_path):
    pool = start()
    mark = tmp_path / "mark"
    pool.schedule(Task(0, {"do": "stubborn", "mark": str(mark)}))
    pool.schedule(Task(1, {"do": "value", "x": 3.0}))
    pid = int(wait_for(lambda: read(mark), pool=pool))
    pool.cancel(0)
    [event] = finish(pool, 1)
    assert (event.tid, event.result["ok"]["loss"]) == (1, 3.0)
    assert not runs(pid)


def test_a_cancelled_trial_may_be_scheduled_again_under_its_number(start):
    pool = start()
    where(pool)
    pool.schedule(Task(3, {"do": "sleep", "seconds": 60}))
    pool.cancel(3)
    pool.schedule(Task(3, {"do": "value", "x": 2.0}))
    [event] = finish(pool, 1)
    assert event.result["ok"]["loss"] == 2.0
    assert pool.collect(0.05) == []


def test_no_task_waits_behind_a_slow_one_while_a_worker_is_free(start):
    pool = start(max_workers=2)
    pool.schedule(Task(10, {"do": "where"}))
    pool.schedule(Task(11, {"do": "where"}))
    finish(pool, 2)
    pool.schedule(Task(0, {"do": "sleep", "seconds": 60}))
    pool.schedule(Task(1, {"do": "sleep", "seconds": 0.2}))
    pool.schedule(Task(2, {"do": "value"}))
    pool.schedule(Task(3, {"do": "value"}))
    assert sorted(event.tid for event in finish(pool, 3, seconds=20)) == [1, 2, 3]


def test_collect_keeps_to_its_timeout(start):
    pool = start()
    where(pool)
    pool.schedule(Task(0, {"do": "sleep", "seconds": 60}))
    begin = time.monotonic()
    assert pool.collect(0.1) == []
    assert 0.1 <= time.monotonic() - begin < 0.6


def test_a_large_result_arrives_whole_and_does_not_hold_up_the_other_worker(start):
    pool = start(max_workers=2)
    pool.schedule(Task(0, {"do": "large", "size": 20_000_000}))
    for tid in range(1, 20):
        pool.schedule(Task(tid, {"do": "value", "x": float(tid)}))
    events = {event.tid: event for event in finish(pool, 20)}
    assert events[0].result["ok"]["text"] == "x" * 20_000_000
    assert [events[tid].result["ok"]["loss"] for tid in range(1, 20)] == list(map(float, range(1, 20)))


def test_a_result_of_a_hundred_megabytes_leaves_the_manager_responsive(start):
    pool = start(max_workers=2)
    pool.schedule(Task(0, {"do": "large", "size": 100_000_000}))
    pool.schedule(Task(1, {"do": "value"}))
    longest, others, big = 0.0, 0, None
    while big is None:
        begin = time.monotonic()
        for event in pool.collect(0.05):
            big = event if event.tid == 0 else big
            others += event.tid != 0
            if event.tid != 0:
                pool.schedule(Task(event.tid + 1, {"do": "value"}))
        longest = max(longest, time.monotonic() - begin)
        assert others < 10**6  # it ends
    assert len(big.result["ok"]["text"]) == 100_000_000
    assert others > 10  # done by the other worker while it was on its way
    assert longest < 10.0  # it takes a second to read; a busy machine is slower


def test_a_large_suggestion_arrives_whole_also_after_another_was_taken_back(start):
    pool = start()
    pid = where(pool)["pid"]
    freeze(pid)
    pool.schedule(Task(1, {"do": "measure", "text": "a" * 300_000}))
    pool.schedule(Task(2, {"do": "measure", "text": "b" * 200_000}))
    pool.cancel(1)  # unread, so the worker need not die
    os.kill(pid, signal.SIGCONT)
    [event] = finish(pool, 1)
    assert (event.tid, event.result["ok"]["loss"]) == (2, 200_000.0)
    assert where(pool)["pid"] == pid


def test_a_half_sent_message_of_a_dead_worker_is_dropped(start):
    pool = start()
    pid = where(pool)["pid"]
    pool.schedule(Task(0, {"do": "large", "size": 50_000_000}))
    slot = pool._slots[0]
    wait_for(lambda: slot.process._inbox.rest() or slot.on_stream())
    os.kill(pid, signal.SIGKILL)
    [event] = finish(pool, 1)
    assert event.result["error"]["error"] == "WorkerLost"
    assert event.result["error"]["traceback"] == ""


def test_an_evaluator_that_closes_the_stream_is_ended_and_named(start):
    pool = start()
    event = one(pool, do="deaf")
    assert event.result["error"]["error"] == "WorkerLost"
    assert one(pool, do="value").result["ok"]["loss"] == 1.0


def test_the_evaluator_is_built_once_and_called_in_the_main_thread_of_a_session_of_its_own(start):
    pool = start()
    first, second = where(pool), where(pool)
    assert first["pid"] == second["pid"] == first["group"] == first["session"]
    assert first["main"] is True
    assert first["stdin"] == ""


def test_a_worker_sees_the_world_of_the_manager(start, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "/some/where")
    seen = where(start())
    assert seen["folder"] == str(tmp_path)
    assert seen["path"] == sys.path
    assert seen["argv"] == sys.argv
    assert seen["environment"]["PYTHONPATH"] == "/some/where"


def test_a_worker_has_no_search_path_in_its_environment_that_the_manager_has_not(start, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert where(start())["environment"]["PYTHONPATH"] is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_worker_holds_its_three_lines_alone_and_passes_none_on(start):
    first = start(max_workers=2)
    second = start()
    for pool in (first, second):
        seen = where(pool)
        assert len(seen["descriptors"]) == 7  # 0, 1, 2, its three lines, and the folder being listed
        assert seen["inherited"] == "4"
        assert seen["threads"] == 1


def test_slots_are_numbered_and_pinned_to_the_devices_in_turn(start):
    pool = start(max_workers=3, devices=[4, "GPU-7"])
    wait_for(lambda: all(slot.load == 0 for slot in pool._slots), pool=pool)
    for tid in range(3):
        pool.schedule(Task(tid, {"do": "where", "seconds": 0.3}))
    found = [event.result["ok"]["environment"] for event in finish(pool, 3)]
    pins = {environment["RUNLIB_SLOT"]: environment["CUDA_VISIBLE_DEVICES"] for environment in found}
    assert pins == {"0": "4", "1": "GPU-7", "2": "4"}


def test_without_devices_the_variable_is_left_alone(start, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "6")
    assert where(start())["environment"]["CUDA_VISIBLE_DEVICES"] == "6"


def test_captured_output_is_that_of_python_c_and_subprocesses(start, tmp_path):
    pool = start(capture_output=True)
    one(pool, do="speak", folder=tmp_path / "7")
    lines = (tmp_path / "7" / "stdout.txt").read_text().splitlines()
    assert sorted(lines) == ["from a process", "from c", "from python"]
    assert (tmp_path / "7" / "stderr.txt").read_text() == "wrong\n"


def test_a_flood_of_output_goes_to_the_file(start, tmp_path):
    pool = start(capture_output=True)
    one(pool, do="speak", times=100_000, folder=tmp_path / "7")
    assert (tmp_path / "7" / "stdout.txt").read_text().count("from python\n") == 100_000


def test_what_a_dying_trial_printed_is_kept(start, tmp_path):
    pool = start(capture_output=True)
    assert "error" in one(pool, do="print_and_die", folder=tmp_path / "7").result
    assert (tmp_path / "7" / "stdout.txt").read_text() == "last words\n"


def test_output_that_cannot_be_captured_is_an_error_of_the_trial(start, tmp_path):
    (tmp_path / "file").write_text("")
    pool = start(capture_output=True)
    event = one(pool, do="value", folder=tmp_path / "file" / "7")
    assert "OSError" in event.names
    assert one(pool, do="value", folder=tmp_path / "8").result["ok"]["loss"] == 1.0


def test_an_evaluator_that_cannot_be_built_is_one_error_before_any_trial_is_lost(start):
    pool = start(Failing(), max_workers=2)
    pool.schedule(Task(0, {}))
    with pytest.raises(PoolError, match="cannot be built in a worker: LookupError: the data set is missing") as caught:
        finish(pool, 1)
    assert "in __setstate__" in caught.value.__notes__[0]
    assert pool.collect(0.3) == []


def test_an_evaluator_that_cannot_be_imported_is_said_once_whatever_the_number_of_workers(
    start, tmp_path, monkeypatch, own_registry
):
    (tmp_path / "elsewhere.py").write_text(
        "import os\n"
        "from runlib.evaluator.base import Evaluator\n"
        "if 'RUNLIB_SLOT' in os.environ:\n"
        "    import a_library_that_is_missing_there\n"
        "class Elsewhere(Evaluator):\n"
        "    pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import elsewhere  # type: ignore[import-not-found]

    pool = start(elsewhere.Elsewhere(), max_workers=3)
    for tid in range(6):
        pool.schedule(Task(tid, {}))
    with pytest.raises(PoolError, match="No module named 'a_library_that_is_missing_there'"):
        finish(pool, 1)
    wait_for(lambda: all(slot.state is State.EMPTY for slot in pool._slots), pool=pool)  # nothing else is said
    assert pool.collect(0.0) == []  # and no worker is tried again


def test_a_worker_that_dies_while_it_builds_the_evaluator_is_lost_and_replaced(start):
    pool = start(Failing("segfault"))
    pool.schedule(Task(0, {}))
    events = finish(pool, 2)
    assert {type(event) for event in events} == {Lost}
    assert "killed by signal 11 (SIGSEGV) before it was ready" in events[0].reason
    assert "__setstate__" in events[0].reason


def test_it_works_outside_the_main_thread(start):
    events = []

    def work():
        pool = start(max_workers=2)
        for tid in range(3):
            pool.schedule(Task(tid, {"do": "sleep", "seconds": 60} if tid == 2 else {"do": "value"}, 0.3))
        events.extend(finish(pool, 3))
        pool.close(0.0)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert sorted(("ok" in event.result) for event in events) == [False, True, True]


def test_close_gives_those_at_work_the_grace_and_no_more(start, tmp_path):
    pool = start(max_workers=2)
    mark, polite = tmp_path / "mark", tmp_path / "polite"
    pool.schedule(Task(0, {"do": "stubborn", "mark": str(mark)}))
    pool.schedule(Task(1, {"do": "heed", "mark": str(polite)}))
    pid = int(wait_for(lambda: read(polite) and read(mark), pool=pool))
    begin = time.monotonic()
    pool.close(0.5)
    assert 0.5 <= time.monotonic() - begin < 1.5
    assert not runs(pid)
    assert read(polite) == "tidied up"


def test_close_of_a_pool_at_rest_does_not_wait_for_the_grace(start):
    pool = start(max_workers=2)
    where(pool)
    begin = time.monotonic()
    pool.close(30.0)
    assert time.monotonic() - begin < 10


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_close_leaves_no_descriptor_and_no_warning():
    def descriptors():
        return set(os.listdir("/proc/self/fd"))

    pool = ProcessPool()
    before = descriptors()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for grace in (0.0, 1.0):
            pool.open(Doing(), {"max_workers": 2})
            one(pool, do="segfault")
            pool.schedule(Task(0, {"do": "sleep", "seconds": 60}))
            child = pool._slots[0].process.pid
            pool.close(grace)
            assert not runs(child)
        gc.collect()
    assert descriptors() == before
    assert caught == []


def test_a_worker_that_imports_the_start_of_a_run_is_stopped_there(start, tmp_path, monkeypatch, own_registry):
    (tmp_path / "unguarded.py").write_text(
        "from runlib.evaluator.base import Evaluator\n"
        "from runlib.pool.processes.pool import ProcessPool\n"
        "import os\n"
        "class Unguarded(Evaluator):\n"
        "    pass\n"
        "if 'RUNLIB_SLOT' in os.environ:\n"
        "    ProcessPool().open(Unguarded(), {'max_workers': 1})\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import unguarded  # type: ignore[import-not-found]

    pool = start(unguarded.Unguarded())
    with pytest.raises(PoolError, match="a worker imported a module that starts a run"):
        finish(pool, 1)


def test_it_works_where_the_system_does_not_report_the_end_of_a_process(start, monkeypatch):
    monkeypatch.delattr(os, "pidfd_open")
    pool = start()
    assert one(pool, do="exit", code=4).result["error"]["error"] == "WorkerLost"
    event = one(pool, timeout=0.2, do="sleep", seconds=60)
    assert event.result["error"]["error"] == "TimeoutError"
    assert one(pool, do="value").result["ok"]["loss"] == 1.0


def test_random_use_reports_every_task_that_was_not_cancelled_exactly_once(start):
    rng = random.Random(5)
    pool = start(max_workers=2)
    open_tasks, cancelled, events = set(), set(), []
    kinds = [
        {"do": "value"},
        {"do": "value"},
        {"do": "sleep", "seconds": 0.01},
        {"do": "exit", "code": 1},
        {"do": "large", "size": 100_000},
        {"do": "measure", "text": "t" * 40_000},
    ]
    for tid in range(80):
        pool.schedule(Task(tid, rng.choice(kinds) if tid % 10 else kinds[3], timeout=10.0))
        open_tasks.add(tid)
        if rng.random() < 0.1:
            victim = rng.choice(sorted(open_tasks))
            pool.cancel(victim)
            cancelled.add(victim)
        if rng.random() < 0.5:
            events += pool.collect(rng.random() * 0.005)
        open_tasks -= {event.tid for event in events if isinstance(event, Finished)} | cancelled
    end = time.monotonic() + 60
    while open_tasks and time.monotonic() < end:
        events += pool.collect(0.5)
        open_tasks -= {event.tid for event in events if isinstance(event, Finished)}
    found = [event.tid for event in events if isinstance(event, Finished)]
    assert len(found) == len(set(found))
    assert set(found) | cancelled == set(range(80))


def test_a_trial_is_cancelled_also_when_its_worker_has_closed_the_stream(start):
    pool = start()
    where(pool)
    pool.schedule(Task(0, {"do": "deaf"}))
    wait_for(lambda: pool._slots[0].process.ended_stream, pool=pool)
    pool.cancel(0)
    assert one(pool, tid=1, do="value").result["ok"]["loss"] == 1.0
