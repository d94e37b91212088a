"""The evaluator's way into a worker."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
import types

import cloudpickle
import pytest

from runlib.engine import registry
from runlib.engine.component import Component, from_config
from runlib.errors import PoolError
from runlib.evaluator.base import Evaluator
from runlib.pool.base import Task
from runlib.pool.processes.payload.packing import pack
from runlib.pool.processes.payload.unpacking import unpack
from runlib.pool.processes.pool import ProcessPool
from tests.pool.pool_evaluators import Doing, Locked
from tests.pool.pool_tools import finish


def test_an_evaluator_comes_out_as_it_went_in():
    made = unpack(pack(Doing(3.0, context={"threads": 2})))
    assert type(made) is Doing
    assert made.factor == 3.0
    assert made.given_context == {"threads": 2}


def test_an_importable_class_goes_by_name():
    assert b"pool_evaluators" in pack(Doing())
    assert b"segfault" not in pack(Doing())


def test_what_cannot_be_pickled_is_built_anew_from_its_config_and_context():
    made = unpack(pack(Locked(2.5, context={"threads": 2})))
    assert type(made) is Locked
    assert made.factor == 2.5
    assert made.given_context == {"threads": 2}


def test_what_is_built_anew_works_in_a_worker():
    pool = ProcessPool()
    pool.open(Locked(2.5, context={"threads": 2}), {"max_workers": 1})
    try:
        pool.schedule(Task(0, {}))
        [event] = finish(pool, 1)
    finally:
        pool.close(0.0)
    assert event.result["ok"]["loss"] == 2.5
    assert event.result["ok"]["context"] == {"threads": 2}


def test_what_can_neither_be_pickled_nor_built_anew_is_refused_with_the_attribute():
    class Hopeless(Evaluator):
        def __init__(self, name, lock):
            super().__init__()
            self.name = name
            self.lock = lock

    with pytest.raises(PoolError) as caught:
        pack(Hopeless("x", threading.Lock()))
    message = str(caught.value)
    assert "Hopeless cannot be sent to the workers: its attribute 'lock' of type lock cannot be pickled" in message
    assert "cannot be built there from its config" in message
    assert "\n" not in message


def test_a_pool_that_cannot_send_its_evaluator_starts_nothing():
    class Hopeless(Evaluator):
        def __init__(self, lock):
            super().__init__()
            self.lock = lock

    pool = ProcessPool()
    with pytest.raises(PoolError):
        pool.open(Hopeless(threading.Lock()), {})
    pool.open(Doing(), {"max_workers": 1})  # it is not half open
    pool.close(0.0)


def test_a_registered_class_that_cannot_be_sent_does_not_hinder_the_others():
    lock = threading.Lock()

    class Stuck(Component):
        kind = "payload_test_stuck"

        def use(self):
            return lock

    class Free(Component):
        kind = "payload_test_free"

    class Mine(Evaluator):
        kind = "payload_test_mine"

        def __call__(self, suggestion):
            return {"loss": 1.0, "made": type(from_config({"payload_test_free": {}})).__name__}

    pool = ProcessPool()
    pool.open(Mine(), {"max_workers": 1})
    try:
        pool.schedule(Task(0, {}))
        [event] = finish(pool, 1)
    finally:
        pool.close(0.0)
    assert event.result["ok"]["made"] == "Free"
    assert Stuck.kind in {cls.kind for cls in registry.classes(Component)}


def test_the_modules_sent_by_value_are_forgotten_again(monkeypatch, own_registry):
    module = types.ModuleType("payload_test_handmade")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    code = "from runlib.evaluator.base import Evaluator\nclass Far(Evaluator):\n    kind = 'payload_test_far'\n"
    exec(code, vars(module))
    assert b"make_skeleton_class" in pack(module.Far())
    assert cloudpickle.list_registry_pickle_by_value() == set()


def test_a_process_that_knows_nothing_can_unpack_it(tmp_path):
    class Local(Evaluator):
        def __call__(self, suggestion):
            return suggestion + 1

    (tmp_path / "payload").write_bytes(pack(Local()))
    code = (
        "import sys; from runlib.pool.processes.payload.unpacking import unpack; "
        "print(unpack(open(sys.argv[1], 'rb').read())(4))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "payload")], stdout=subprocess.PIPE, text=True, check=True
    )
    assert done.stdout == "5\n"


def test_what_an_evaluator_raises_as_it_is_unpacked_comes_through():
    class Sour(Evaluator):
        def __setstate__(self, state):
            raise LookupError("no data")

    with pytest.raises(LookupError, match="no data"):
        unpack(pack(Sour()))


def test_a_payload_is_a_pickle_for_own_children_only():
    (evaluator, _), _ = pickle.loads(pack(Doing()))
    assert isinstance(evaluator, Doing)
