"""What is special about evaluating in the process of the run."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import pytest

from runlib.errors import ConfigError
from runlib.evaluator.base import Evaluator
from runlib.pool.alarm import limited
from runlib.pool.base import Task
from runlib.pool.serial import SerialPool


@pytest.fixture
def start():
    pools = []

    def open_pool(function, **context):
        class Calling(Evaluator):
            kind = "serial_test_calling"

            def __call__(self, suggestion):
                return function(suggestion)

        pools.append(SerialPool())
        pools[-1].open(Calling(), context)
        return pools[-1]

    yield open_pool
    for pool in pools:
        pool.close(0.0)


def test_it_has_one_slot_whatever_the_context_says():
    assert SerialPool().slots({"max_workers": 8}) == 1


def test_it_evaluates_in_this_process_with_the_object_it_was_given(start):
    seen = []
    pool = start(lambda s: seen.append(os.getpid()) or 1.0)
    pool.schedule(Task(0, {}))
    assert seen == []
    pool.collect(0.0)
    assert seen == [os.getpid()]


def test_a_time_limit_needs_the_main_thread(start):
    pool = start(lambda s: 1.0)
    errors = []

    def work():
        try:
            pool.schedule(Task(0, {}, timeout=1.0))
        except ConfigError as error:
            errors.append(error)
        pool.schedule(Task(1, {}))
        errors.extend(pool.collect(0.0))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert errors[0].path == "trial_timeout"
    assert "pool_processes" in str(errors[0])
    assert errors[1].result["ok"]["loss"] == 1.0


def test_a_timeout_that_is_swallowed_rings_again_and_counts_all_the_same(start):
    caught = []

    def swallow(suggestion):
        for _ in range(2):
            try:
                time.sleep(60)
            except TimeoutError as error:
                caught.append(error)
        return 1.0

    pool = start(swallow)
    pool.schedule(Task(0, {}, timeout=0.05))
    [event] = pool.collect(0.0)
    assert len(caught) == 2
    assert event.result["error"]["error"] == "TimeoutError"
    assert event.result["error"]["error_text"] == "exceeded trial_timeout of 0.05 s"


def test_the_alarm_and_the_timer_of_somebody_else_are_put_back():
    rung = []
    handler = signal.signal(signal.SIGALRM, lambda *_: rung.append(True))
    outer = signal.setitimer(signal.ITIMER_REAL, 30.0)
    try:
        with limited(5.0) as alarm:
            pass
        assert not alarm.rang
        left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
        assert 25.0 < left <= 30.0
        signal.raise_signal(signal.SIGALRM)
        assert rung == [True]
    finally:
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, *outer)


def test_a_timeout_error_of_the_evaluator_itself_is_told_from_the_limit():
    with pytest.raises(TimeoutError, match="its own"), limited(30.0) as alarm:
        raise TimeoutError("its own")
    assert not alarm.rang


def test_an_interrupt_by_a_person_is_no_result_and_the_task_stays(start):
    tries = []

    def interrupted(suggestion):
        tries.append(True)
        if len(tries) == 1:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)
        return 1.0

    pool = start(interrupted)
    pool.schedule(Task(4, {}))
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        pool.collect(0.0)
    assert signal.getsignal(signal.SIGINT) is handler
    [event] = pool.collect(0.0)
    assert (event.tid, event.result["ok"]["loss"]) == (4, 1.0)


def test_quick_tasks_are_collected_together_and_slow_ones_one_by_one(start, monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr("runlib.pool.serial.time.monotonic", lambda: 0.001 * next(clock))
    pool = start(lambda s: float(s["k"]))
    for k in range(5):
        pool.schedule(Task(k, {"k": k}))
    assert [event.tid for event in pool.collect(0.0)] == [0, 1, 2, 3, 4]
    assert pool.collect(0.0) == []
    monkeypatch.setattr("runlib.pool.serial.time.monotonic", lambda: 1.0 * next(clock))
    for k in range(3):
        pool.schedule(Task(k, {"k": k}))
    assert [[event.tid for event in pool.collect(0.0)] for _ in range(3)] == [[0], [1], [2]]


def test_what_is_finished_at_an_interrupt_is_collected_afterwards(start, monkeypatch):
    monkeypatch.setattr("runlib.pool.serial.time.monotonic", lambda: 0.0)
    struck = []

    def evaluate(suggestion):
        if suggestion["k"] == 2 and not struck:
            struck.append(True)
            os.kill(os.getpid(), signal.SIGINT)
        return float(suggestion["k"])

    pool = start(evaluate)
    for k in range(4):
        pool.schedule(Task(k, {"k": k}))
    with pytest.raises(KeyboardInterrupt):
        pool.collect(0.0)
    left = [*pool.collect(0.0), *pool.collect(0.0)]
    assert [(event.tid, event.result["ok"]["loss"]) for event in left] == [(k, float(k)) for k in range(4)]


def test_a_handler_that_only_notes_the_interrupt_lets_the_trial_end(start):
    noted = []
    handler = signal.signal(signal.SIGINT, lambda *_: noted.append(True))
    try:
        pool = start(lambda s: os.kill(os.getpid(), signal.SIGINT) or 1.0)
        pool.schedule(Task(0, {}))
        assert pool.collect(0.0)[0].result["ok"]["loss"] == 1.0
        assert noted == [True]
    finally:
        signal.signal(signal.SIGINT, handler)


def test_captured_output_includes_a_replaced_stdout_and_is_given_back(start, tmp_path, monkeypatch):
    def speak(suggestion):
        print("printed")
        os.write(1, b"by descriptor\n")
        os.system("echo by a process; echo wrong >&2")
        return 1.0

    before = os.fstat(1).st_ino
    stream = sys.stdout
    pool = start(speak, capture_output=True)
    pool.schedule(Task(0, {}, folder=tmp_path / "0"))
    assert "ok" in pool.collect(0.0)[0].result
    assert (tmp_path / "0" / "stdout.txt").read_text() == "printed\nby descriptor\nby a process\n"
    assert (tmp_path / "0" / "stderr.txt").read_text() == "wrong\n"
    assert os.fstat(1).st_ino == before
    assert sys.stdout is stream


def test_the_variables_of_the_slot_are_set_while_it_is_open(start, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    monkeypatch.delenv("RUNLIB_SLOT", raising=False)
    seen = {}
    pool = start(lambda s: seen.update(os.environ) or 1.0, devices=[3])
    pool.schedule(Task(0, {}))
    pool.collect(0.0)
    assert (seen["CUDA_VISIBLE_DEVICES"], seen["RUNLIB_SLOT"]) == ("3", "0")
    pool.close(0.0)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "7"
    assert "RUNLIB_SLOT" not in os.environ
