"""A worker's ``__main__`` has the names of the script, so that what is pickled by name can be pickled there."""

from __future__ import annotations

import json

import pytest

from tests.pool.payload.script_tools import HEAD, TAIL, run, run_script, try_each

NAMES = """
import collections, concurrent.futures, dataclasses, enum, joblib, multiprocessing, pickle, typing
from abc import ABC, abstractmethod

class Net:
    class Layer:
        pass

    def __init__(self, size=3):
        self.layers = [Net.Layer() for _ in range(size)]

class Color(enum.Enum):
    RED = 1

class Base(ABC):
    @abstractmethod
    def area(self): ...

@dataclasses.dataclass
class Square(Base):
    side: float = 2.0
    def area(self):
        return self.side ** 2

Point = collections.namedtuple("Point", "x y")

class Pair(typing.NamedTuple):
    first: int = 1

UserId = typing.NewType("UserId", int)

class Absent:
    def __reduce__(self):
        return "ABSENT"

ABSENT = Absent()
COUNT = 0

def double(x):
    return 2 * x

def again(value):
    return pickle.loads(pickle.dumps(value))

def try_an_object():
    return len(again(Net()).layers)

def try_a_function():
    return again(double) is double

def try_an_enum():
    return again(Color.RED) is Color.RED

def try_a_dataclass():
    return again(Square(3.0)).area()

def try_a_named_tuple():
    return again(Point(1, 2)).y + again(Pair()).first

def try_a_new_type():
    return again(UserId)(3)

def try_a_name_of_its_own():
    return again(ABSENT) is ABSENT

def try_what_counts():
    global COUNT
    COUNT += 1
    import __main__
    return __main__.COUNT == COUNT

def try_joblib_files():
    joblib.dump({"net": Net(), "function": double}, "net.joblib")
    found = joblib.load("net.joblib")
    return [type(found["net"]) is Net, found["function"](4)]

def try_a_pool_that_forks():
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return pool.map(double, [1, 2, 3])

def try_an_executor_that_forks():
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as executor:
        return [len(net.layers) for net in executor.map(Net, [1, 2])]

def try_the_main_module():
    import sys
    main = sys.modules["__main__"]
    return [main.__name__, main.Net is Net, main.double is double, main.__doc__ is None]
"""
EXPECTED = {
    "try_an_object": 3,
    "try_a_function": True,
    "try_an_enum": True,
    "try_a_dataclass": 9.0,
    "try_a_named_tuple": 3,
    "try_a_new_type": 3,
    "try_a_name_of_its_own": True,
    "try_what_counts": True,
    "try_joblib_files": [True, 8],
    "try_a_pool_that_forks": [2, 4, 6],
    "try_an_executor_that_forks": [1, 2],
    "try_the_main_module": ["__main__", True, True, True],
}


@pytest.mark.parametrize("how", ["file", "stdin", "module", "command"])
def test_what_goes_by_name_works_in_a_trial(tmp_path, how):
    assert try_each(tmp_path, NAMES, how) == EXPECTED


UNUSED = """
import pickle
import fractions as numbers

LIMIT = 7
BIG = list(range(10))

class Base:
    pass

class Old(Base):
    limit = LIMIT

    def size(self):
        return LIMIT + helper() + int(numbers.Fraction(4, 2))

def helper():
    return 1

def with_data():
    return BIG[0]

SUGGESTIONS = [{"what": "load"}, {"what": "missing"}, {"what": "main"}]
with open("old.pickle", "wb") as file:
    pickle.dump(Old(), file)

def evaluate(what):
    if what == "load":
        with open("old.pickle", "rb") as file:
            return {"loss": 0.0, "size": pickle.load(file).size()}
    import __main__
    if what == "missing":
        return {"loss": 0.0, "size": hasattr(__main__, "never")}
    return {"loss": 0.0, "size": [__main__.helper(), __main__.LIMIT, issubclass(__main__.Old, __main__.Base)]}
"""


def test_what_the_evaluator_does_not_mention_is_found_by_its_name(tmp_path):
    for results in run_script(tmp_path, UNUSED):
        assert [result["ok"]["size"] for result in results] == [10, False, [1, 7, True]]


LOOKED_UP = """
SUGGESTIONS = [{"way": "globals"}, {"way": "eval"}, {"way": "vars"}]

def double(x):
    return 2 * x + ONE

ONE = 1

def evaluate(way):
    import sys
    if way == "globals":
        return globals()["dou" + "ble"](1)
    return eval("double(2)") if way == "eval" else vars(sys.modules["__main__"])["double"](3)
"""


def test_code_that_looks_names_up_itself_finds_them(tmp_path):
    for results in run_script(tmp_path, LOOKED_UP):
        assert [result["ok"]["loss"] for result in results] == [3.0, 5.0, 7.0]


MADE_IN_A_TRIAL = """
import joblib
from runlib import FixedSearch, Run, StopMax

class Net:
    def __init__(self, x):
        self.x = x

def evaluate(x):
    joblib.dump(Net(x), f"net-{x}.joblib")
    return x

if True:
    search = FixedSearch([{"x": 1}, {"x": 2}])
    Run(search, evaluate, StopMax(2), context={"max_workers": 2}, observers=[], name="demo").prepare().run()
    print(sum(joblib.load(f"net-{x}.joblib").x for x in (1, 2)))
"""


def test_what_a_trial_pickles_is_loaded_by_the_script(tmp_path):
    (tmp_path / "job.py").write_text(MADE_IN_A_TRIAL)
    assert run(["job.py"], tmp_path) == "3\n"


SPAWNED = """
import concurrent.futures, multiprocessing

print("the script runs")
TABLE = {"offset": 10}
SUGGESTIONS = [{"how": "pool"}, {"how": "executor"}, {"how": "imported"}, {"how": "unused"}]

class Net:
    def __init__(self, x):
        self.x = x

def helper(x):
    return Net(x + TABLE["offset"])

def evaluate(how):
    context = multiprocessing.get_context(METHOD)
    if how == "pool":
        with context.Pool(2) as pool:
            return sum(net.x for net in pool.map(helper, [1, 2]))
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as executor:
        if how == "executor":
            return sum(net.x for net in executor.map(helper, [1, 2]))
        import __main__
        function = len if how == "imported" else getattr(__main__, "un" + "used")
        return sum(executor.map(function, ["a", "bc"]))

def unused(x):
    return len(x)
"""


@pytest.mark.parametrize("method", ["spawn", pytest.param("forkserver", marks=pytest.mark.slow)])
@pytest.mark.parametrize("how", ["file", pytest.param("module", marks=pytest.mark.slow)])
def test_a_process_that_a_trial_starts_afresh_has_the_names_and_runs_nothing(tmp_path, method, how):
    # Without a guard, the script itself could not do this.
    body = SPAWNED.replace("METHOD", repr(method)) + "POOLS = (ProcessPool,)\n"
    [results] = run_script(tmp_path, body, how)
    assert [result.get("ok", result).get("loss") for result in results] == [23.0, 23.0, 3.0, 3.0]


def test_loky_within_a_trial(tmp_path):
    body = """
import joblib
OFFSET = 1
class Net:
    def __init__(self, x):
        self.x = x + OFFSET
def evaluate(n):
    return sum(net.x for net in joblib.Parallel(n_jobs=2, backend="loky")(joblib.delayed(Net)(x) for x in range(n)))
SUGGESTIONS = [{"n": 3}]
"""
    for results in run_script(tmp_path, body):
        assert [result["ok"]["loss"] for result in results] == [6.0]


PROFILED = """
import pickle

class Net:
    x = 3

def evaluate(x):
    return pickle.loads(pickle.dumps(Net())).x + x

SUGGESTIONS = [{"x": 1}]
POOLS = (ProcessPool,)
"""


def test_a_script_that_another_program_executes_as_its_main(tmp_path):
    # As profilers and debuggers do it: ``__main__`` is theirs, and the script has names of its own.
    (tmp_path / "job.py").write_text(HEAD + PROFILED + TAIL)
    host = "import sys; exec(compile(open('job.py').read(), 'job.py', 'exec'), {'__name__': '__main__'})"
    [line] = run(["-c", host], tmp_path).splitlines()
    assert json.loads(line)[0]["ok"]["loss"] == 4.0
