"""Any component that can be called is an evaluator, from Python and by its config."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from typing import Any

import pytest

from runlib.engine import registry
from runlib.engine.component import Component
from runlib.errors import ConfigError
from runlib.evaluator.base import Evaluator
from runlib.evaluator.component import ComponentEvaluator, as_evaluator
from runlib.evaluator.functions.function import FunctionEvaluator
from runlib.stop.max import StopMax


class MockEvaluator(Component):
    """As the ancestor's users write it."""

    kind = "mock_evaluator"

    def __init__(self, shift: float = 0.0, context: Any = None) -> None:
        super().__init__(context)
        self.shift = shift

    def __call__(self, model: Any) -> Any:
        return {"loss": model["x"] + self.shift}

    def _get_config(self) -> dict[str, Any]:
        return {"shift": self.shift}


class ByKeys(Component):
    kind = "by_keys"

    def __call__(self, x: float, y: float) -> float:
        return x + y


class ByOneKey(Component):
    """The parameter is named like a key: still it is the suggestion."""

    kind = "by_one_key"

    def __call__(self, model: Any) -> Any:
        return model["model"]


class Inheriting(MockEvaluator):
    kind = "inheriting_evaluator"


class WithObjective(Component):
    """Its own argument ``objective`` stays its own."""

    kind = "with_objective"

    def __init__(self, objective: str = "mine") -> None:
        self.objective = objective

    def __call__(self, suggestion: Any) -> float:
        assert self.objective == "mine"
        return 1.0

    def fingerprint(self) -> str:
        return "f" * 32


class NotCalled(Component):
    kind = "not_called"


CONFIG = {"mock_evaluator": {"shift": 0.5}}


@pytest.mark.parametrize("given", [MockEvaluator(0.5), CONFIG])
def test_it_is_called_with_the_whole_suggestion(given: Any) -> None:
    evaluator = as_evaluator(given, None)
    assert isinstance(evaluator, Evaluator)
    assert evaluator({"x": 1.0}) == {"loss": 1.5}
    assert evaluator.get_config() == CONFIG
    assert evaluator.kind == "mock_evaluator"
    again = pickle.loads(pickle.dumps(evaluator))
    assert (again({"x": 1.0}), again.get_config(), again.kind) == ({"loss": 1.5}, CONFIG, "mock_evaluator")


def test_the_object_is_the_one_that_was_given() -> None:
    given = MockEvaluator()
    evaluator = as_evaluator(given, None)
    assert isinstance(evaluator, ComponentEvaluator)
    assert evaluator.component is given
    assert as_evaluator(evaluator, None) is evaluator


def test_a_bare_kind_serves_where_there_are_no_arguments() -> None:
    assert as_evaluator("mock_evaluator", None)({"x": 1.0}) == {"loss": 1.0}
    assert as_evaluator({"inheriting_evaluator": None}, None)({"x": 1.0}) == {"loss": 1.0}


def test_the_context_is_handed_on() -> None:
    evaluator = as_evaluator(CONFIG, {"threads": 3})
    assert evaluator.component.context["threads"] == 3  # type: ignore[attr-defined]


def test_one_that_cannot_take_the_whole_gets_the_keys() -> None:
    assert as_evaluator(ByKeys(), None)({"x": 1.0, "y": 2.0}) == 3.0
    assert as_evaluator("by_one_key", None)({"model": 4}) == 4
    with pytest.raises(TypeError, match=r"ByKeys\(x, y\) does not fit the keys"):
        as_evaluator(ByKeys(), None)({"x": 1.0})


def test_what_it_says_of_itself_is_heard() -> None:
    evaluator = as_evaluator(WithObjective(), None)
    evaluator.objective = "accuracy"
    assert (evaluator({}), evaluator.fingerprint()) == (1.0, "f" * 32)
    assert as_evaluator(MockEvaluator(), None).fingerprint() is None


def test_functions_and_evaluators_are_what_they_were() -> None:
    function = as_evaluator(lambda x: x, None)
    assert isinstance(function, FunctionEvaluator)
    assert as_evaluator(function, None) is function
    assert isinstance(as_evaluator({"eval_function": {"function": "math:sqrt"}}, None), FunctionEvaluator)
    assert isinstance(as_evaluator("math:sqrt", None), FunctionEvaluator)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (NotCalled(), r"expected an Evaluator, got a NotCalled; a component of your own serves if it has __call__"),
        ("not_called", "'not_called' is no Evaluator"),
        ({"not_called": {}}, "'not_called' is no Evaluator"),
        (StopMax(3), "expected an Evaluator, got a StopMax"),  # it can be called, and means something else
        ({"stop_max": {"count": 3}}, "'stop_max' is no Evaluator"),
        ("mock_evaluatr", "no component of kind 'mock_evaluatr'"),
        (MockEvaluator, "takes an object, got the class MockEvaluator"),
        (5, "written {kind: {arguments}}"),
    ],
)
def test_what_is_no_evaluator_is_refused(given: Any, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        as_evaluator(given, None)
    assert text.replace("\\", "") in str(caught.value)


def test_one_that_cannot_be_pickled_is_made_anew_in_a_worker(own_registry: None) -> None:
    from runlib.pool.processes.payload.packing import pack
    from runlib.pool.processes.payload.unpacking import unpack

    class Locked(MockEvaluator):
        kind = "locked_evaluator"

        def __init__(self, shift: float = 0.0, context: Any = None) -> None:
            super().__init__(shift, context)
            self.lock = threading.Lock()

    evaluator = as_evaluator(Locked(0.25), None)
    evaluator.objective = "loss"
    arrived: Callable[[Any], Any] = unpack(pack(evaluator))
    assert arrived({"x": 1.0}) == {"loss": 1.25}
    assert isinstance(arrived, ComponentEvaluator)


def test_the_wrapper_itself_is_no_kind() -> None:
    assert not any(cls is ComponentEvaluator for cls in registry.classes(Component))
