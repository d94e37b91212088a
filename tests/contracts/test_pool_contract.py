"""What every pool keeps to, over all registered classes of pools."""

from __future__ import annotations

import json
import math
import time

import pytest

from runlib.engine import registry
from runlib.engine.component import from_config
from runlib.errors import ConfigError, PoolError
from runlib.evaluator.base import Evaluator
from runlib.pool.base import Finished, Pool, Task
from runlib.pool.processes.pool import ProcessPool
from runlib.pool.serial import SerialPool

POOLS = [cls for cls in registry.classes(Pool) if cls.__module__.startswith("runlib.")]


def make_evaluator(answers):
    """An evaluator of a class that no worker can import: it has to travel by value."""

    class Answering(Evaluator):
        kind = "pool_contract_answering"

        def __init__(self, factor=1.0, context=None):
            super().__init__(context)
            self.factor = factor

        def __call__(self, suggestion):
            answer = answers[suggestion["do"]]
            return answer(suggestion) if callable(answer) else answer

    return Answering(2.0)


class OddError(ValueError):
    """An exception that does not survive pickling."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")
        self.handle = lambda: one


def fail(error):
    raise error


def spoil(suggestion):
    suggestion["nested"]["x"].append(4)
    del suggestion["do"]
    return 1.0


ANSWERS = {
    "float": 0.5,
    "int": 3,
    "echo": lambda s: {"loss": 1.0, "got": s["x"]},
    "dict": {
        "loss": 0.25,
        "duration": 7.0,
        "var": 0.1,
        "cost": 2,
        "extra": {"list": (1, 2), "nan": math.nan},
    },
    "nan": math.nan,
    "infinite": -math.inf,
    "lambda": {"loss": 1.0, "deep": {"er": lambda: 0}},
    "text": "0.5",
    "none": None,
    "no loss": {"lost": 1.0},
    "ValueError": lambda s: fail(ValueError("wrong value")),
    "OddError": lambda s: fail(OddError("this", "that")),
    "SystemExit": lambda s: fail(SystemExit(2)),
    "KeyboardInterrupt": lambda s: fail(KeyboardInterrupt()),
    "MemoryError": lambda s: [0] * 2**60,
    "RecursionError": lambda s: ANSWERS_RECURSE(s),
    "surrogate": lambda s: fail(RuntimeError("\udcff")),
    "spoil": spoil,
    "sleep": lambda s: time.sleep(s["seconds"]) or 1.0,
}


def ANSWERS_RECURSE(suggestion):  # noqa: N802
    return ANSWERS_RECURSE(suggestion)


@pytest.fixture(params=POOLS, ids=lambda cls: cls.kind)
def pool(request):
    made = request.param()
    made.open(make_evaluator(ANSWERS), {"max_workers": 1})
    yield made
    made.close(0.0)


def finish(pool, count, seconds=30.0):
    """The next ``count`` events."""
    end = time.monotonic() + seconds
    events = []
    while len(events) < count and time.monotonic() < end:
        events += pool.collect(1.0)
    assert len(events) == count
    return events


def evaluate(pool, what, **more):
    pool.schedule(Task(7, {"do": what, **more}))
    [event] = finish(pool, 1)
    assert isinstance(event, Finished)
    assert event.tid == 7
    assert json.loads(json.dumps(event.result)) is not None
    return event


def test_both_built_in_pools_are_held_to_this():
    assert {SerialPool, ProcessPool} <= set(POOLS)


def test_a_number_becomes_a_loss_with_the_duration_measured(pool):
    event = evaluate(pool, "int")
    assert event.names == ()
    assert event.result["ok"]["loss"] == 3.0
    assert type(event.result["ok"]["loss"]) is float
    assert 0.0 <= event.result["ok"]["duration"] < 5.0


def test_a_dict_is_kept_as_plain_data(pool):
    outcome = evaluate(pool, "dict").result["ok"]
    assert (outcome["loss"], outcome["duration"], outcome["var"], outcome["cost"]) == (0.25, 7.0, 0.1, 2)
    assert outcome["extra"]["list"] == [1, 2]
    assert math.isnan(outcome["extra"]["nan"])


@pytest.mark.parametrize("what", ["nan", "infinite", "text", "none", "no loss"])
def test_an_unusable_result_is_an_error_of_its_trial(pool, what):
    event = evaluate(pool, what)
    assert event.result["error"]["error"] == "InvalidResult"
    assert event.names == ("InvalidResult", "EvaluationError", "RunlibError", "Exception", "BaseException")


def test_what_cannot_be_data_is_left_out_and_named(pool):
    result = evaluate(pool, "lambda").result
    assert "loss" in result["ok"]
    assert result["dropped"] == {"deep.er": "is no data, but of type function"}


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("ValueError", ("ValueError", "Exception", "BaseException")),
        ("OddError", ("OddError", "ValueError", "Exception", "BaseException")),
        ("SystemExit", ("SystemExit", "BaseException")),
        ("KeyboardInterrupt", ("KeyboardInterrupt", "BaseException")),
        ("MemoryError", ("MemoryError", "Exception", "BaseException")),
        ("RecursionError", ("RecursionError", "RuntimeError", "Exception", "BaseException")),
    ],
)
def test_whatever_is_raised_is_an_error_with_the_names_of_its_classes(pool, what, names):
    event = evaluate(pool, what)
    assert event.result["error"]["error"] == what
    assert event.names == names
    assert evaluate(pool, "float").result["ok"]["loss"] == 0.5  # the worker goes on


def test_the_traceback_shows_the_evaluator_and_not_the_pool(pool):
    error = evaluate(pool, "ValueError").result["error"]
    assert error["error_text"] == "wrong value"
    assert "in fail" in error["traceback"]
    assert "runlib/pool" not in error["traceback"]


def test_text_that_is_no_unicode_is_escaped(pool):
    assert evaluate(pool, "surrogate").result["error"]["error_text"] == "\\udcff"


def test_a_suggestion_arrives_unchanged(pool):
    x = {"a": [1, 2.5, None, True, "ü", 2**70, -0.0], "$float": "nan", "b": {"c": 1e-300}}
    assert evaluate(pool, "echo", x=x).result["ok"]["got"] == x


def test_what_the_evaluator_does_to_its_suggestion_stays_with_it(pool):
    suggestion = {"do": "spoil", "nested": {"x": [1, 2]}}
    pool.schedule(Task(0, suggestion))
    finish(pool, 1)
    assert suggestion == {"do": "spoil", "nested": {"x": [1, 2]}}


def test_each_task_is_reported_exactly_once(pool):
    for tid in range(50):
        pool.schedule(Task(tid, {"do": "echo", "x": tid}))
    events = finish(pool, 50)
    assert {e.tid: e.result["ok"]["got"] for e in events} == {tid: tid for tid in range(50)}
    assert pool.collect(0.05) == []


def test_one_worker_keeps_the_order(pool):
    for tid in (5, 3, 9, 1):
        pool.schedule(Task(tid, {"do": "float"}))
    assert [event.tid for event in finish(pool, 4)] == [5, 3, 9, 1]


def test_nothing_scheduled_nothing_collected(pool):
    assert pool.collect(0.0) == []


def test_a_cancelled_task_is_not_reported_and_the_others_are(pool):
    for tid in range(5):
        pool.schedule(Task(tid, {"do": "echo", "x": tid}))
    pool.cancel(4)
    pool.cancel(2)
    assert sorted(event.tid for event in finish(pool, 3)) == [0, 1, 3]
    assert pool.collect(0.05) == []


def test_every_task_is_reported_once_also_where_workers_are_replaced(pool):
    pool.close(0.0)
    pool.open(make_evaluator(ANSWERS), {"max_workers": 1, "max_trials_per_worker": 2})
    for tid in range(5):
        pool.schedule(Task(tid, {"do": "echo", "x": tid}))
    pool.cancel(3)
    events = finish(pool, 4)
    assert {e.tid: e.result["ok"]["got"] for e in events} == {tid: tid for tid in (0, 1, 2, 4)}
    assert pool.collect(0.05) == []


def test_cancelling_what_is_unknown_is_no_trouble(pool):
    pool.cancel(99)
    assert evaluate(pool, "float").result["ok"]["loss"] == 0.5


def test_a_timeout_is_an_error_with_its_own_name_and_the_pool_goes_on(pool):
    start = time.monotonic()
    pool.schedule(Task(0, {"do": "sleep", "seconds": 60}, timeout=0.2))
    [event] = finish(pool, 1)
    assert event.result == {
        "error": {"error": "TimeoutError", "error_text": "exceeded trial_timeout of 0.2 s", "traceback": ""}
    }
    assert event.names == ("TimeoutError", "OSError", "Exception", "BaseException")
    assert time.monotonic() - start < 10
    assert evaluate(pool, "float").result["ok"]["loss"] == 0.5


def test_a_timeout_that_is_kept_changes_nothing(pool):
    pool.schedule(Task(0, {"do": "float"}, timeout=30.0))
    assert finish(pool, 1)[0].result["ok"]["loss"] == 0.5


def test_close_may_be_repeated_and_the_pool_opened_again(pool):
    pool.close(1.0)
    pool.close(1.0)
    with pytest.raises(PoolError, match="not open"):
        pool.schedule(Task(0, {"do": "float"}))
    pool.open(make_evaluator(ANSWERS), {"max_workers": 1})
    assert evaluate(pool, "float").result["ok"]["loss"] == 0.5


def test_close_forgets_what_was_scheduled(pool):
    pool.schedule(Task(0, {"do": "sleep", "seconds": 60}))
    pool.close(0.0)
    pool.open(make_evaluator(ANSWERS), {"max_workers": 1})
    assert pool.collect(0.0) == []


def test_opening_twice_is_refused(pool):
    with pytest.raises(PoolError, match="open already"):
        pool.open(make_evaluator(ANSWERS), {})


def test_output_is_captured_when_asked(pool, tmp_path):
    pool.close(0.0)
    talk = {"talk": lambda s: print("said", s["x"]) or 1.0}
    pool.open(make_evaluator(talk), {"max_workers": 1, "capture_output": True})
    for tid in range(2):
        pool.schedule(Task(tid, {"do": "talk", "x": tid}, folder=tmp_path / "trials" / str(tid)))
    finish(pool, 2)
    texts = [(tmp_path / "trials" / str(tid) / "stdout.txt").read_text() for tid in range(2)]
    assert texts == ["said 0\n", "said 1\n"]


@pytest.mark.parametrize("cls", POOLS, ids=lambda cls: cls.kind)
@pytest.mark.parametrize(
    ("context", "path"),
    [
        ({"max_workers": 0}, "context.max_workers"),
        ({"max_workers": True}, "context.max_workers"),
        ({"max_workers": "2"}, "context.max_workers"),
        ({"devices": 0}, "context.devices"),
        ({"devices": []}, "context.devices"),
        ({"devices": [0, -1]}, "context.devices.1"),
        ({"capture_output": "yes"}, "context.capture_output"),
        ({"memory_limit": "2 G"}, "context.memory_limit"),
        ({"memory_limit": 0}, "context.memory_limit"),
        ({"memory_limit": True}, "context.memory_limit"),
        ({"max_trials_per_worker": 0}, "context.max_trials_per_worker"),
        ({"max_trials_per_worker": "3"}, "context.max_trials_per_worker"),
    ],
)
def test_a_wrong_context_is_refused_with_its_place(cls, context, path):
    with pytest.raises(ConfigError) as caught:
        cls().slots(context)
    assert caught.value.path == path
    with pytest.raises(ConfigError):
        cls().open(make_evaluator(ANSWERS), context)


@pytest.mark.parametrize("cls", POOLS, ids=lambda cls: cls.kind)
def test_a_pool_comes_back_from_its_config(cls):
    pool = from_config(cls().get_config(), context={"max_workers": 1}, family=Pool)
    assert type(pool) is cls
    assert pool.slots({}) == 1
