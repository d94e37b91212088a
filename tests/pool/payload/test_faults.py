"""What cannot be sent to a worker is named: the global, its type, the function that uses it, and what to do."""

from __future__ import annotations

import functools
import sqlite3
import subprocess
import sys
import threading

import pytest

from runlib.errors import PoolError
from runlib.evaluator.base import Evaluator
from runlib.evaluator.functions.function import FunctionEvaluator
from runlib.pool.processes.payload.packing import pack
from tests.pool.payload.script_tools import HEAD, TAIL

HEADER = """
import contextlib, functools, logging, multiprocessing, queue, sqlite3, socket, threading
connection = sqlite3.connect(":memory:")
lock = threading.Lock()
numbers = (n for n in range(3))
log_file = open("log.txt", "w")
local = threading.local()
lines = queue.Queue()
state = {"model": {"lock": threading.RLock()}}
plain = {"a": 1}

class Net:
    def __init__(self):
        self.layers = [1, lock]

class Cached:
    guard = threading.Lock()

    def fit(self):
        return self.guard

net = Net()
SUGGESTIONS = [{"x": 1}]

def inner(x):
    with lock:
        return x

def decorated(function):
    handle = sqlite3.connect(":memory:")
    @functools.wraps(function)
    def wrapper(x):
        return handle and function(x)
    return wrapper
"""
USES = {
    "return plain and connection": "'evaluate' uses the global 'connection' of type sqlite3.Connection, which cannot",
    "return next(numbers)": "the function 'evaluate' uses the global 'numbers' of type generator, which cannot",
    "print(file=log_file)": "'evaluate' uses the global 'log_file' of type _io.TextIOWrapper, which cannot",
    "return local": "'evaluate' uses the global 'local' of type _local, which cannot",
    "return inner(x)": "the function 'inner' uses the global 'lock' of type lock, which cannot be pickled; make it",
    "return [inner(n) for n in [x]]": "the function 'inner' uses the global 'lock' of type lock, which cannot",
    "return state": "the global 'state' of type dict, in it the item 'model' of type dict, in it the item 'lock' of",
    "return net": "the global 'net' of type Net, in it the attribute 'layers' of type list, in it the element 1 of",
    "return lines": "uses the global 'lines' of type queue.Queue, in it the attribute 'mutex' of type lock, which",
    "return Cached().fit()": "the class 'Cached' uses the attribute 'guard' of type lock, which cannot",
    "return (lambda: lock)()": "the function 'evaluate' uses the global 'lock' of type lock, which",
}


def evaluate_in_a_script(folder, text):
    (folder / "job.py").write_text(HEAD + "POOLS = (ProcessPool,)\n" + HEADER + text + TAIL)
    done = subprocess.run([sys.executable, "job.py"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 1
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "use", [*list(USES)[:2], *(pytest.param(use, marks=pytest.mark.slow) for use in list(USES)[2:])]
)
def test_a_global_variable_that_cannot_be_pickled_is_named(tmp_path, use):
    line = evaluate_in_a_script(tmp_path, f"def evaluate(x):\n    {use}\n")
    assert line.startswith("runlib.errors.PoolError: the evaluator FunctionEvaluator cannot be sent to the workers: ")
    assert USES[use] in line
    assert line.endswith("which cannot be pickled; make it inside the function, or use pool_serial")


def test_all_of_them_at_once(tmp_path):
    """The same in one process, as it is quick there."""
    script = HEADER + "".join(f"def use_{n}(x):\n    {use}\n" for n, use in enumerate(USES))
    script += """
@decorated
def use_closure(x):
    return x
def use_default(x, handle=connection):
    return x
use_partial = functools.partial(use_default, handle=plain)
"""
    script += """
from runlib import PoolError
from runlib.evaluator.functions.function import FunctionEvaluator
from runlib.pool.processes.payload.packing import pack
for name, function in list(globals().items()):
    if name.startswith("use_"):
        try:
            pack(FunctionEvaluator(function))
            print("sent")
        except PoolError as error:
            print(error)
"""
    (tmp_path / "job.py").write_text(script)
    done = subprocess.run([sys.executable, "-W", "ignore", "job.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    for number, (line, expected) in enumerate(zip(lines, USES.values(), strict=False)):
        assert expected.replace("'evaluate'", f"'use_{number}'") in line
    assert "the function 'use_closure' uses the variable 'handle' of type sqlite3.Connection, which cannot" in lines[-3]
    assert "the function 'use_default' uses the default value <sqlite3.Connection object" in lines[-2]
    assert "the function 'use_default' uses the default value" in lines[-1]


def refused(evaluator):
    with pytest.raises(PoolError) as caught:
        pack(evaluator)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_variable_of_the_function_around_it():
    connection = sqlite3.connect(":memory:")

    def evaluate(x):
        return connection.execute(f"select {x}").fetchone()[0]

    assert "uses the variable 'connection' of type sqlite3.Connection, which cannot be pickled" in refused(
        FunctionEvaluator(evaluate)
    )
    connection.close()


def test_an_attribute_of_an_object_that_is_called():
    class Objective:
        def __init__(self):
            self.tools = {"lock": threading.Lock()}

        def __call__(self, x):
            return x

    message = refused(FunctionEvaluator(Objective()))
    assert "in it the attribute 'tools' of type dict, in it the item 'lock' of type lock cannot be pickled" in message


def test_what_a_partial_binds():
    message = refused(FunctionEvaluator(functools.partial(max, threading.Lock())))
    assert "the element 0 of type lock" in message


def test_a_method_of_an_object():
    class Trainer:
        def __init__(self):
            self.lock = threading.Lock()

        def evaluate(self, x):
            return x

    assert "the attribute 'lock' of type lock" in refused(FunctionEvaluator(Trainer().evaluate))


def test_an_evaluator_that_is_found_by_its_config_is_still_built_anew():
    from tests.pool.pool_evaluators import Locked

    assert pack(Locked())


def test_the_attribute_of_an_evaluator_is_named_when_it_cannot_be_built_anew():
    class Mine(Evaluator):
        def __init__(self, lock):
            super().__init__()
            self.lock = lock

    assert "its attribute 'lock' of type lock cannot be pickled" in refused(Mine(threading.Lock()))
