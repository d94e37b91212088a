"""The dialect of NePS: its dicts, its YAML, its objects, and what is told about a wrong one."""

from __future__ import annotations

import enum
import random
from typing import Any

import pytest

import runlib
from runlib import Space, SpaceError, from_neps
from runlib.engine.data.yamlfile import parse_yaml


def integer(low: int, high: int, **more: Any) -> list[Any]:
    return ["hp_integer", {"low": low, "high": high, **more}]


def real(low: float, high: float, **more: Any) -> list[Any]:
    return ["hp_float", {"low": low, "high": high, **more}]


def categorical(*options: Any, **more: Any) -> list[Any]:
    return ["hp_categorical", {"options": list(options), **more}]


READ = [
    # scalars
    (64, 64),
    ("adam", "adam"),
    ("1e-5", 1e-5),
    ("1e3", 1000),
    (None, None),
    (True, True),
    # pairs
    ([1, 10], integer(1, 10)),
    ((1, 10), integer(1, 10)),
    ([0.01, 1.0], real(0.01, 1.0)),
    (["1e-5", "1e-1"], real(1e-5, 0.1)),
    (["1e-5", 0.1], real(1e-5, 0.1)),
    (["1e2", "1e4"], integer(100, 10000)),
    ([10, 1], categorical(10, 1)),
    ([1.0, 0.5], categorical(1.0, 0.5)),
    # other lists
    (["adam", "sgd"], categorical("adam", "sgd")),
    ([1, 2, 3], categorical(1, 2, 3)),
    (["1e-3", 1, "x"], categorical(1e-3, 1, "x")),
    ([False, True], categorical(False, True)),
    (["only"], categorical("only")),
    # dicts
    ({"lower": 1, "upper": 5}, integer(1, 5)),
    ({"lower": "1e-5", "upper": "1e-1", "log": True}, real(1e-5, 0.1, log=True)),
    ({"lower": 1, "upper": 5, "type": "float"}, real(1.0, 5.0)),
    ({"lower": 1.0, "upper": 5.0, "type": "int", "log_base": 10}, integer(1, 5)),
    ({"lower": 5, "upper": 20, "is_fidelity": True}, integer(5, 20, fidelity=True)),
    ({"lower": 0.0, "upper": 1.0, "prior": 0.5}, real(0.0, 1.0, prior=0.5, prior_confidence="low")),
    ({"lower": 0.0, "upper": 1.0, "prior": None}, real(0.0, 1.0)),
    (
        {"lower": 1, "upper": 9, "prior": 3, "prior_confidence": "high"},
        integer(1, 9, prior=3, prior_confidence="high"),
    ),
    ({"choices": ["a", "b"]}, categorical("a", "b")),
    ({"choices": [2, 1], "type": "cat", "prior": 1}, categorical(2, 1, prior=1, prior_confidence="low")),
    ({"value": "1e-5"}, 1e-5),
    ({"value": "1e3"}, 1000),
    ({"value": [1, 2], "type": "const"}, [1, 2]),
    ({"value": ["hp_uniform", "x", 0, 1]}, ["hp_constant", {"value": ["hp_uniform", "x", 0, 1]}]),
    # runlib's own forms
    (runlib.Float(0, 1), real(0.0, 1.0)),
    (["hp_uniform", "x", 0, 1], ["hp_uniform", "x", 0, 1]),
]


@pytest.mark.parametrize(("given", "data"), READ, ids=[repr(given) for given, _ in READ])
def test_a_parameter_is_read_as_neps_reads_it(given: Any, data: Any) -> None:
    found = from_neps({"p": given})
    assert found == {"p": data}
    assert repr(found) == repr({"p": data})  # an int is no float, and True is not 1
    Space.of(found)


WRONG = [
    ({"p": [2, 2]}, "neps.p: lower must be below upper, got 2 and 2"),
    ({"p": (5, 1)}, "neps.p: lower must be below upper, got 5 and 1"),
    ({"p": (1, 2, 3)}, "neps.p: a tuple is a pair of bounds, got (1, 2, 3)"),
    ({"p": ("a", "b")}, "neps.p: the bounds in a tuple must be numbers, got ('a', 'b')"),
    ({"p": [1, 2.0]}, "neps.p: bounds are two integers or two floats, got 1 and 2.0; write 1.0 and 2.0"),
    ({"p": [2.0, 1]}, "neps.p: bounds are two integers or two floats, got 2.0 and 1"),
    ({"p": {"lower": 1e-5, "upper": 1}}, "neps.p: bounds are two integers or two floats, got 1e-05 and 1"),
    ({"p": {"lower": 1}}, "neps.p: has a lower bound and needs an upper one too"),
    ({"p": {"upper": 1}}, "neps.p: needs lower and upper, or choices, or value, got ['upper']"),
    ({"p": {"lower": 0.0, "upper": 1.0, "logg": True}}, "neps.p: unknown word 'logg' beside 'lower'; known are"),
    ({"p": {"lower": 0.0, "upper": 1.0, "log": True}}, "neps.p: low of Float must be above 0 with log, got 0.0"),
    ({"p": {"lower": 0.0, "upper": 1.0, "prior": 2.0}}, "neps.p: prior of Float must be a number from 0 to 1, got 2.0"),
    (
        {"p": {"lower": 0.0, "upper": 1.0, "prior": 0.5, "prior_confidence": "very"}},
        "neps.p: prior_confidence of Float",
    ),
    (
        {"p": {"lower": 1.5, "upper": 5, "type": "int"}},
        "neps.p: low of Integer must be an integer below 2**53, got 1.5",
    ),
    ({"p": {"lower": "a", "upper": "b"}}, "neps.p: lower and upper must be numbers, got 'a' and 'b'"),
    (
        {"p": {"lower": 1, "upper": 5, "type": "cat"}},
        "neps.p: type beside 'lower' is int or integer or float or floating",
    ),
    ({"p": {"choices": "ab"}}, "neps.p.choices: choices takes a list with something in it, got 'ab'"),
    ({"p": {"choices": ["a", "a"]}}, "neps.p: options 0 and 1 of Categorical are the same, 'a'; drop one"),
    ({"p": {"choices": ["a"], "prior": "b"}}, "neps.p: prior of Categorical must be one of its options, got 'b'"),
    ({"p": {"lower": 1, "upper": 5, "is_fidelity": "yes"}}, "neps.p: fidelity of Integer must be true or false"),
    ({"p": []}, "neps.p: options of Categorical must be a list with something in it, got []"),
    ({"p": object()}, "neps.p: is an object, and a space holds data"),
    ({"p": {"value": {(1,): 2}}}, "neps.p: keys must be text or numbers, got (1,) of type tuple"),
    ({1: [0, 1]}, "neps: names of parameters are texts, got 1"),
    ([1, 2], "neps: takes a dict of parameters, a PipelineSpace or a SearchSpace, got [1, 2] of type list"),
]


@pytest.mark.parametrize(("space", "message"), WRONG, ids=[message for _, message in WRONG])
def test_what_is_wrong_is_told_with_its_place(space: Any, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        from_neps(space)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


# Look-alikes of the classes of NePS: the same names, and the attributes that those have.


class Confidence(enum.Enum):
    LOW = "low"
    HIGH = "high"


class HPOFloat:
    def __init__(self, lower: Any, upper: Any, log: bool = False, prior: Any = None, is_fidelity: bool = False) -> None:
        self.lower, self.upper, self.log, self.prior = lower, upper, log, prior
        self.is_fidelity, self.prior_confidence = is_fidelity, "low"
        self.domain = "something of torch"


class HPOInteger(HPOFloat):
    pass


class HPOCategorical:
    def __init__(self, choices: list[Any], prior: Any = None, prior_confidence: str = "low") -> None:
        self.choices, self.prior, self.prior_confidence = choices, prior, prior_confidence


class HPOConstant:
    def __init__(self, value: Any) -> None:
        self.value = value


class SearchSpace(dict):  # type: ignore[type-arg]
    @property
    def elements(self) -> dict[str, Any]:
        return dict(self)


class Domain:
    """What a Float, an Integer and a Categorical of the newer spaces have in common."""

    def __init__(self, prior: Any, confidence: Confidence) -> None:
        self._prior, self._confidence, self.has_prior = prior, confidence, prior is not None

    @property
    def prior(self) -> Any:
        if not self.has_prior:
            raise ValueError("no prior")
        return self._prior

    @property
    def prior_confidence(self) -> Confidence:
        if not self.has_prior:
            raise ValueError("no prior")
        return self._confidence


class Float(Domain):
    def __init__(self, lower: Any, upper: Any, log: bool = False, prior: Any = None) -> None:
        super().__init__(prior, Confidence.HIGH)
        self.lower, self.upper, self.log = lower, upper, log


class Integer(Domain):
    def __init__(self, lower: Any, upper: Any, log: bool = False, prior: Any = None) -> None:
        super().__init__(prior, Confidence.HIGH)
        self.lower, self.upper, self.log = lower, upper, log


class Categorical(Domain):
    def __init__(self, choices: Any, prior: Any = None) -> None:
        super().__init__(prior, Confidence.LOW)
        self.choices = tuple(choices) if isinstance(choices, list | tuple) else choices


class Fidelity:
    def __init__(self, domain: Any) -> None:
        self.domain, self.lower, self.upper = domain, domain.lower, domain.upper


class IntegerFidelity(Fidelity):
    pass


class Operation:
    pass


class PipelineSpace:
    def get_attrs(self) -> dict[str, Any]:
        return {name: value for name, value in vars(type(self)).items() if not name.startswith("_")}


def test_objects_of_the_older_spaces() -> None:
    space = {
        "a": HPOFloat(0.1, 1, prior=0.5),
        "b": HPOInteger(1, 9, log=True, is_fidelity=True),
        "c": HPOCategorical(["a", "b"], prior="b", prior_confidence="high"),
        "d": HPOConstant(3),
    }
    data = {
        "a": real(0.1, 1.0, prior=0.5, prior_confidence="low"),
        "b": integer(1, 9, log=True, fidelity=True),
        "c": categorical("a", "b", prior="b", prior_confidence="high"),
        "d": 3,
    }
    assert from_neps(space) == data
    assert from_neps(SearchSpace(space)) == data


def test_objects_of_the_newer_spaces() -> None:
    class Mine(PipelineSpace):
        rate = Float(1e-4, 0.1, log=True, prior=0.01)
        depth = Integer(1, 10)
        epochs = IntegerFidelity(Integer(1, 50))
        optimizer = Categorical(("adam", "sgd"), prior=1)
        nested = Categorical((Float(0, 1), Integer(1, 3), "none"), prior=2)
        batch = 64
        pair = [1, 2]

    assert from_neps(Mine()) == {
        "rate": real(1e-4, 0.1, log=True, prior=0.01, prior_confidence="high"),
        "depth": integer(1, 10),
        "epochs": integer(1, 50, fidelity=True),
        "optimizer": categorical("adam", "sgd", prior="sgd", prior_confidence="low"),
        "nested": [
            "hp_choice",
            {"options": [real(0.0, 1.0), integer(1, 3), "none"], "prior": 2, "prior_confidence": "low"},
        ],
        "batch": 64,
        "pair": [1, 2],
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (Operation(), "neps.p: Operation of NePS has no counterpart here; write it as nested choices"),
        (Categorical(Integer(0, 3)), "neps.p: choices that are a Integer have no counterpart here; list them"),
        (Categorical(("a", "b"), prior=2), "neps.p: prior is the place of a choice, below 2, got 2"),
        (Float(1, 0), "neps.p: lower must be below upper, got 1 and 0"),
    ],
)
def test_a_wrong_object_is_told_with_its_place(given: Any, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        from_neps({"p": given})
    assert str(caught.value) == message


def test_a_space_in_yaml() -> None:
    text = """
    batch_size: 64
    optimizer: [adam, sgd, adamw]
    alpha: [0.01, 1.0]
    n_layers: [1, 10]
    learning_rate: {lower: 1e-5, upper: 1e-1, log: true, prior: 1e-3, prior_confidence: high}
    epochs: {lower: 5, upper: 20, is_fidelity: true}
    """
    space = Space.of({"neps": parse_yaml(text)})
    assert [(v.label, v.fidelity) for v in space.variables] == [
        ("optimizer", False),
        ("alpha", False),
        ("n_layers", False),
        ("learning_rate", False),
        ("epochs", True),
    ]
    rng = random.Random(3)
    drawn = [space.sample(rng) for _ in range(2000)]
    assert {s["batch_size"] for s in drawn} == {64}
    assert {s["n_layers"] for s in drawn} == set(range(1, 11))
    assert {type(s["n_layers"]) for s in drawn} == {int}
    assert {s["epochs"] for s in drawn} == {20}
    assert all(0.01 <= s["alpha"] <= 1 and 1e-5 <= s["learning_rate"] <= 0.1 for s in drawn)
