"""What can be pickled but not unpickled is named as well: the global, its type, and the function that uses it."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

from runlib.evaluator.functions.function import FunctionEvaluator
from runlib.pool.processes.payload.failure import describe_failure, type_that_fails
from tests.pool.payload.script_tools import HEAD, TAIL

SCRIPT = """
POOLS = (ProcessPool,)
SUGGESTIONS = [{"x": 1}]

class Bar:
    # as the progress bars of some libraries do
    def __getattr__(self, name):
        return getattr(self.inner, name)

bar = Bar()
bar.inner = 3
state = {"bars": [bar]}

def evaluate(x):
    return len(state) + x
"""


class Refuses:
    def __getstate__(self) -> dict[str, Any]:
        return {"a": 1}

    def __setstate__(self, state: Any) -> None:
        raise ValueError("not again")


class NeedsMore(Exception):
    def __init__(self, first: int, second: int) -> None:
        super().__init__(first)


class Reduced:
    def __reduce__(self) -> Any:
        return Reduced, (1, 2)


class Plain:
    pass


REFUSING = Refuses()


def refuses(x: float) -> float:
    return x if REFUSING else 0.0


def test_a_global_that_cannot_be_unpickled_is_named(tmp_path):
    (tmp_path / "job.py").write_text(HEAD + SCRIPT + TAIL)
    done = subprocess.run([sys.executable, "job.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert (
        "PoolError: the evaluator cannot be built in a worker: the function 'evaluate' uses the global 'state' of type "
        "dict, in it the item 'bars' of type list, in it the element 0 of type Bar, which cannot be unpickled there "
        "(RecursionError: maximum recursion depth exceeded); make it inside the function, or use pool_serial"
    ) in done.stderr


def test_the_type_at_fault_is_found_in_what_was_pickled():
    here = __name__
    assert type_that_fails(pickle.dumps([Plain(), {"a": Refuses()}])) == f"{here}.Refuses"
    assert type_that_fails(pickle.dumps((Plain(), NeedsMore(1, 2)))) == f"{here}.NeedsMore"
    assert type_that_fails(pickle.dumps(Reduced())) == f"{here}.Reduced"


def test_what_is_no_fault_of_a_type_has_none():
    assert type_that_fails(pickle.dumps([Plain()])) is None
    gone = pickle.dumps(Plain()).replace(b"Plain", b"Plane")
    assert type_that_fails(gone) is None


def test_the_value_of_that_type_is_looked_for_in_the_evaluator():
    class Holder:
        def __init__(self) -> None:
            self.parts = [1, {"deep": Refuses()}]

        def __call__(self, x: float) -> float:
            return x

    told = describe_failure(FunctionEvaluator(Holder()), f"{__name__}.Refuses", "ValueError: not again")
    assert told is not None
    assert told.startswith("its ")
    assert f"in it the item 'deep' of type {__name__}.Refuses cannot be unpickled there (ValueError: not again)" in told


def test_a_type_of_which_the_evaluator_has_no_value_is_not_named():
    assert describe_failure(FunctionEvaluator(len), f"{__name__}.Refuses", "ValueError: not again") is None
