"""``eval_function``: its config, its calls, and its way into another process."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import cloudpickle
import pytest

from runlib.engine import registry
from runlib.engine.component import from_config
from runlib.errors import ConfigError
from runlib.evaluator import Evaluator, FunctionEvaluator


def loss(x, y=1.0):
    return (x - y) ** 2


async def coroutine(x):
    return x


def test_it_calls_the_function() -> None:
    assert FunctionEvaluator(loss)({"x": 3.0}) == 4.0
    assert FunctionEvaluator(lambda s: {"loss": s["x"], "cost": 2})({"x": 3.0}) == {"loss": 3.0, "cost": 2}


def test_config_round_trip() -> None:
    evaluator = FunctionEvaluator(loss)
    config = evaluator.get_config()
    assert config == {"eval_function": {"function": f"{__name__}:loss"}}
    again = from_config(config, family=Evaluator)
    assert again({"x": 3.0}) == 4.0
    assert again.get_config() == config
    assert again.get_config_hash() == evaluator.get_config_hash()
    assert again.fingerprint() == evaluator.fingerprint() is not None


def test_a_lambda_has_a_stable_config_that_refuses_to_be_built() -> None:
    config = FunctionEvaluator(lambda x: x).get_config()
    assert config == FunctionEvaluator(lambda x: x + 1).get_config()
    with pytest.raises(ConfigError, match=r"eval_function.function: .*<lambda>.*give the evaluator itself") as caught:
        from_config(config)
    assert caught.value.path == "eval_function.function"


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (5, "must be callable"),
        (None, "must be callable"),
        ("json", "'module:name'"),
        ("json:dumbs", "did you mean 'dumps'"),
        (coroutine, "not an async one"),
    ],
)
def test_what_is_no_function_is_refused(function: Any, text: str) -> None:
    with pytest.raises(ConfigError, match=text) as caught:
        FunctionEvaluator(function)
    assert caught.value.path == "function"


@pytest.mark.parametrize("called_before", [False, True])
def test_it_can_be_pickled(called_before: bool) -> None:
    evaluator = FunctionEvaluator(loss)
    if called_before:
        evaluator({"x": 1.0})
    again = pickle.loads(pickle.dumps(evaluator))
    assert again({"x": 3.0}) == 4.0
    assert again.get_config() == evaluator.get_config()


SCRIPT = """
import sys
import cloudpickle
from runlib.evaluator import FunctionEvaluator

SHIFT = 10.0

def objective(x):
    return shifted(x)

def shifted(x):
    return x + SHIFT

sys.stdout.buffer.write(cloudpickle.dumps(FunctionEvaluator(objective)))
"""


def test_a_function_of_a_script_goes_to_another_process_by_value() -> None:
    environment = {"PYTHONPATH": ":".join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-"], input=SCRIPT.encode(), capture_output=True, check=True, env=environment
    )
    evaluator = cloudpickle.loads(done.stdout)
    assert evaluator({"x": 1.0}) == 11.0
    assert evaluator.get_config() == {"eval_function": {"function": "__main__:objective"}}
    assert len(evaluator.fingerprint()) == 32


class Undecided(Evaluator):
    """An evaluator that forgot to evaluate."""

    kind = "eval_undecided"


def test_what_an_evaluator_gets_from_the_base() -> None:
    assert Evaluator not in registry.classes(Evaluator)
    assert Undecided().fingerprint() is None
    with pytest.raises(NotImplementedError, match=r"Undecided has no __call__\(\)"):
        Undecided()({"x": 1})
