"""A worker's ``__main__`` has the names of the script, so that what is pickled by name can be pickled there."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

from tests.pool.parcel.script_tools import run, run_script, try_each

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
