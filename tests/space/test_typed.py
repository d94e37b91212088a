"""Typed parameters: what they take, what they say when it is wrong, their data form and their labels."""

from __future__ import annotations

import copy
import pickle
import random

import numpy as np
import pytest

from runlib import Categorical, Choice, Constant, Float, Integer, LogNormal, Normal, Ordinal, Space, SpaceError
from runlib.engine.data.yamlfile import parse_yaml, write_yaml
from runlib.space.arithmetic.expression import to_data
from runlib.space.forms.markers import from_data

EACH = [
    (Float(0, 1), ["hp_float", {"low": 0.0, "high": 1.0}], "Float(0.0, 1.0)"),
    (Float(1, 10, True), ["hp_float", {"low": 1.0, "high": 10.0, "log": True}], "Float(1.0, 10.0, log=True)"),
    (
        Float(0, 1, step=0.25, label="x", prior=0.5),
        ["hp_float", "x", {"low": 0.0, "high": 1.0, "step": 0.25, "prior": 0.5, "prior_confidence": "medium"}],
        "Float(0.0, 1.0, step=0.25, prior=0.5, prior_confidence='medium', label='x')",
    ),
    (Integer(1, 5), ["hp_integer", {"low": 1, "high": 5}], "Integer(1, 5)"),
    (
        Integer(1, 81, fidelity=True),
        ["hp_integer", {"low": 1, "high": 81, "fidelity": True}],
        "Integer(1, 81, fidelity=True)",
    ),
    (Categorical(["a", None]), ["hp_categorical", {"options": ["a", None]}], "Categorical(('a', None))"),
    (
        Ordinal([1, 2, 4], prior=2, prior_confidence="high"),
        ["hp_ordinal", {"options": [1, 2, 4], "prior": 2, "prior_confidence": "high"}],
        "Ordinal((1, 2, 4), prior=2, prior_confidence='high')",
    ),
    (Constant([1, {"a": 2}]), ["hp_constant", {"value": [1, {"a": 2}]}], "Constant([1, {'a': 2}])"),
    (Normal(0, 2), ["hp_normal", {"mu": 0.0, "sigma": 2.0}], "Normal(0.0, 2.0)"),
    (LogNormal(0, 2), ["hp_lognormal", {"mu": 0.0, "sigma": 2.0}], "LogNormal(0.0, 2.0)"),
    (
        Choice([{"x": Float(0, 1)}, "b"], prior=1),
        [
            "hp_choice",
            {
                "options": [{"x": ["hp_float", {"low": 0.0, "high": 1.0}]}, "b"],
                "prior": 1,
                "prior_confidence": "medium",
            },
        ],
        "Choice(({'x': Float(0.0, 1.0)}, 'b'), prior=1, prior_confidence='medium')",
    ),
]
each = pytest.mark.parametrize(("parameter", "data", "text"), EACH, ids=[text for *_, text in EACH])


@each
def test_a_parameter_is_written_and_read_as_data(parameter, data, text) -> None:
    assert to_data(parameter) == data
    assert repr(parameter) == text
    assert from_data(data) == parameter
    assert from_data(parse_yaml(write_yaml(data))) == parameter
    assert eval(text) == parameter


@each
def test_a_parameter_is_a_value(parameter, data, text) -> None:
    for other in (from_data(data), copy.deepcopy(parameter), pickle.loads(pickle.dumps(parameter))):
        assert other == parameter
        assert hash(other) == hash(parameter)
    assert parameter != Constant("something else")
    assert parameter != data
    for name in ("label", "prior", "low", "other"):
        with pytest.raises(AttributeError):
            setattr(parameter, name, 1)


def test_values_tell_parameters_apart_and_types_of_numbers_do_not_where_they_do_not_matter() -> None:
    assert Float(0, 1) == Float(0.0, np.float32(1))
    assert Float(0, 1) != Float(0, 1, log=False, label="x")
    assert Integer(1, 2) != Float(1, 2)
    assert Integer(1, 1e3) == Integer(1, 1000)
    assert Categorical([1]) != Categorical([True])
    assert len({Float(0, 1), Float(0, 1), Float(0, 2)}) == 2


def test_changing_what_was_passed_changes_no_parameter() -> None:
    options, inner = [[1], [2]], {"x": Float(0, 1)}
    categorical, choice = Categorical(options), Choice([inner])
    options[0].append("!")
    inner["y"] = 1
    assert to_data(categorical)[-1] == {"options": [[1], [2]]}
    assert choice == Choice([{"x": Float(0, 1)}])


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("hp_float", {"low": 1, "high": 1}, "low of Float must be below high, got 1.0 and 1.0"),
        ("hp_float", {"low": 0, "high": "1"}, "high of Float must be a number, got '1'"),
        ("hp_float", {"low": True, "high": 1}, "low of Float must be a number, got True"),
        ("hp_float", {"low": NAN, "high": 1}, "low of Float must be finite, got nan"),
        ("hp_float", {"low": 0, "high": INF}, "high of Float must be finite, got inf"),
        ("hp_float", {"low": 0, "high": 10**400}, "high of Float must be finite"),
        ("hp_float", {"low": -1e308, "high": 1e308}, "the range of Float is beyond all floats"),
        ("hp_float", {"low": 0, "high": 1, "log": True}, "low of Float must be above 0 with log, got 0.0"),
        ("hp_float", {"low": 0, "high": 1, "log": 1}, "log of Float must be true or false, got 1"),
        ("hp_float", {"low": 0, "high": 1, "fidelity": "yes"}, "fidelity of Float must be true or false"),
        ("hp_float", {"low": 1, "high": 2, "log": True, "step": 0.1}, "Float takes a step or log, not both"),
        ("hp_float", {"low": 0, "high": 1, "step": 0}, "step of Float must be positive, got 0.0"),
        ("hp_float", {"low": 0, "high": 1, "step": 2}, "step of Float must lead from low to high in 1 to 2**53"),
        ("hp_float", {"low": 0, "high": 1, "step": 1e-300}, "step of Float must lead from low to high in 1 to"),
        ("hp_float", {"low": 0, "high": 1, "prior": 2}, "prior of Float must be a number from 0 to 1, got 2.0"),
        (
            "hp_float",
            {"low": 0, "high": 1, "step": 0.5, "prior": 0.3},
            "prior of Float must be a number from 0",
        ),
        ("hp_float", {"low": 0, "high": 1, "prior_confidence": "low"}, "prior_confidence of Float says nothing"),
        (
            "hp_float",
            {"low": 0, "high": 1, "prior": 0.5, "prior_confidence": "very"},
            "prior_confidence of Float is low, medium or high",
        ),
        ("hp_float", {"low": 0}, "hp_float needs the argument 'high'"),
        ("hp_float", {"low": 0, "high": 1, "stepp": 1}, "unknown argument 'stepp' of hp_float; did you mean 'step'?"),
        ("hp_float", {"low": 0, "high": 1, "label": "x"}, "unknown argument 'label' of hp_float; it takes "),
        ("hp_integer", {"low": 1, "high": 0}, "low of Integer must not be above high, got 1 and 0"),
        ("hp_integer", {"low": 0.5, "high": 2}, "low of Integer must be an integer below 2**53, got 0.5"),
        ("hp_integer", {"low": 0, "high": 2**53}, "high of Integer must be an integer below 2**53"),
        ("hp_integer", {"low": 0, "high": 5, "log": True}, "low of Integer must be above 0 with log, got 0"),
        ("hp_integer", {"low": 0, "high": 5, "step": 0.5}, "step of Integer must be an integer"),
        ("hp_integer", {"low": 0, "high": 5, "step": 2, "prior": 3}, "prior of Integer must be an integer from 0 to 4"),
        ("hp_categorical", {"options": []}, "options of Categorical must be a list with something in it, got []"),
        ("hp_categorical", {"options": "ab"}, "options of Categorical must be a list with something in it"),
        ("hp_categorical", {"options": [1, 2, 1.0]}, "options 0 and 2 of Categorical are the same, 1.0; drop one"),
        ("hp_categorical", {"options": [1, 2], "prior": 3}, "prior of Categorical must be one of its options, got 3"),
        ("hp_ordinal", {"options": ["a"], "prior": "b"}, "prior of Ordinal must be one of its options, got 'b'"),
        ("hp_constant", {}, "hp_constant needs the argument 'value'"),
        ("hp_constant", {"value": 1, "prior": 2}, "prior of Constant can only be its value 1, got 2"),
        ("hp_normal", {"mu": 0, "sigma": 0}, "sigma of Normal must be positive, got 0.0"),
        ("hp_normal", {"mu": "0", "sigma": 1}, "mu of Normal must be a number, got '0'"),
        ("hp_lognormal", {"mu": 1000, "sigma": 1}, "mu of LogNormal is the mean of the logarithm"),
        ("hp_lognormal", {"mu": 0, "sigma": 1, "prior": 0}, "prior of LogNormal must be above 0, got 0.0"),
        ("hp_choice", {"options": {}}, "options of Choice must be a list with something in it, got {}"),
        ("hp_choice", {"options": [1, 2], "prior": 2}, "prior of Choice is the place of an option, from 0 to 1, got 2"),
        ("hp_choice", {"options": [1], "prior": "a"}, "prior of Choice must be a number, got 'a'"),
    ],
)
def test_a_wrong_argument_is_told_with_its_place(name, arguments, message) -> None:
    with pytest.raises(SpaceError) as caught:
        Space.of({"a": [1, [name, arguments]]})
    assert str(caught.value).startswith(f"space.a.1: {message}")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Float(1, 0), "low of Float must be below high"),
        (lambda: Integer(0, 5, label=""), "the label of Integer must be a text, got ''"),
        (lambda: Integer(0, 5, label=3), "the label of Integer must be a text, got 3"),
        (lambda: Categorical([object()]), "0: an option of Categorical is an object"),
        (lambda: Categorical([Float(0, 1)]), "0: an option of Categorical is no data, but a parameter"),
        (lambda: Choice([{"x": object()}]), "0.x: is an object, and a space holds data"),
        (lambda: Constant(np.zeros(2, dtype=complex)), "value of Constant is no data"),
    ],
)
def test_a_wrong_argument_is_told_as_the_parameter_is_made(make, message) -> None:
    with pytest.raises(SpaceError) as caught:
        make()
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (["hp_float"], "space: the label of hp_float must be a text"),
        (["hp_float", "x", 0, 1], 'space: hp_float takes a dict of arguments, as in ["hp_float", "label", {...}]'),
        (["hp_float", 3, {"low": 0, "high": 1}], 'space: hp_float is written ["hp_float", "label", {...}]'),
        (["hp_float", "x", 1, {"low": 0}], 'space: hp_float is written ["hp_float", "label", {...}]'),
        (["hp_floot", "x", {}], "space: unknown function 'hp_floot'; did you mean hp_float"),
        (
            ["hp_choice", {"options": [1, {"b": ["hp_float", {"low": 2, "high": 1}]}]}],
            "space.1.b: low of Float",
        ),
    ],
)
def test_a_wrong_form_is_told_with_its_place(data, message) -> None:
    with pytest.raises(SpaceError) as caught:
        Space.of(data)
    assert str(caught.value).startswith(message)


def test_labels_come_from_the_place_unless_given() -> None:
    space = Space.of({"a": {"b": [Float(0, 1), Integer(0, 1, label="mine")]}, "c": Choice([1, {"d": Normal(0, 1)}])})
    assert [variable.label for variable in space.variables] == ["a.b.0", "mine", "c", "c.1.d"]
    assert [variable.path for variable in space.variables] == ["space.a.b.0", "space.a.b.1", "space.c", "space.c.1.d"]
    assert Space.of(Float(0, 1)).variables[0].label == "value"


@pytest.mark.parametrize(
    "space",
    [
        {"x": Float(0, 1, label="y"), "y": Float(0, 1)},
        {"x": ["hp_uniform", "y", 0, 1], "y": Float(0, 1)},
        {"x": Constant(1, label="y"), "y": Float(0, 1)},
        {"x": ["hp_uniform", "y", 0, 1], "y": ["hp_uniform", "y", 0, 1]},
    ],
)
def test_a_label_that_stands_twice_is_refused_with_both_places(space) -> None:
    message = r"^space\.y: the label 'y' stands twice, here and at space\.x; give each its own"
    with pytest.raises(SpaceError, match=message):
        Space.of(space)


def test_the_canonical_form_has_labels_and_means_the_same() -> None:
    space = Space.of(
        {
            "x": Float(0, 1),
            "n": ["hp_randint", "n", 5],
            "c": Choice([{"k": Integer(1, 3)}, 2 * Float(1, 2)]),
            "list": (1, "two"),
        }
    )
    assert space.data == {
        "x": ["hp_float", "x", {"low": 0.0, "high": 1.0}],
        "n": ["hp_randint", "n", 5],
        "c": [
            "hp_choice",
            "c",
            {
                "options": [
                    {"k": ["hp_integer", "c.0.k", {"low": 1, "high": 3}]},
                    ["hp_mul", 2, ["hp_float", "c.1.1", {"low": 1.0, "high": 2.0}]],
                ]
            },
        ],
        "list": ["hp_tuple", 1, "two"],
    }
    again = Space.of(parse_yaml(write_yaml(space.data)))
    assert again.data == space.data
    for seed in range(20):
        assert again.sample(random.Random(seed)) == space.sample(random.Random(seed))
    assert Space.of(space).data == space.data


def test_the_text_form_is_its_own_canonical_form() -> None:
    text = {"x": ["hp_normal", "x", 0, 1], "c": ["hp_choice", "c", [1, ["hp_lognormal", "y", 0, 1]]], "n": 3}
    assert Space.of(text).data == text


def test_what_a_space_gives_out_is_a_copy() -> None:
    space = Space.of({"x": Categorical([[1], [2]])})
    space.data["x"][2]["options"].append("!")
    space.walk(lambda variable: 0)["x"].append("!")
    assert space.data["x"][2]["options"] == [[1], [2]]
    assert space.walk(lambda variable: 0) == {"x": [1]}


def test_data_in_constants_and_options_is_never_read_as_a_variable() -> None:
    looks = ["hp_uniform", "x", 0, 1]
    space = Space.of({"a": Constant(looks), "b": Categorical([looks, 1]), "c": Ordinal([looks, 1])})
    assert [variable.label for variable in space.variables] == ["b", "c"]
    assert space.assemble([0, 0]) == {"a": looks, "b": looks, "c": looks}


def test_a_space_that_contains_itself_is_refused() -> None:
    loop: list = [Float(0, 1)]
    loop.append(loop)
    with pytest.raises(SpaceError, match="nested deeper than 200 levels, or contains itself"):
        Space.of(loop)


def test_values_have_their_types() -> None:
    space = Space.of([Integer(1, 9), Integer(0, 8, step=2), Integer(2, 64, log=True), Float(0, 2, step=1), Float(0, 1)])
    for seed in range(50):
        suggestion = space.sample(random.Random(seed))
        assert [type(value) for value in suggestion] == [int, int, int, float, float]


def test_steps_are_exact_multiples_from_the_lower_bound() -> None:
    rng = random.Random(1)
    space = Space.of([Float(0.1, 1.05, step=0.1), Integer(-7, 8, step=4), Float(0, 0.3, step=0.1)])
    first, second, third = zip(*(space.sample(rng) for _ in range(500)), strict=True)
    assert set(first) == {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0}
    assert set(second) == {-7, -3, 1, 5}
    assert set(third) == {0.0, 0.1, 0.2, 0.3}  # 3 * 0.1 is above 0.3


def test_a_fidelity_is_a_variable_whose_samples_are_at_the_upper_bound() -> None:
    space = Space.of({"x": Categorical(["a", "b"]), "epochs": Integer(1, 80, step=3, fidelity=True)})
    assert [variable.label for variable in space.fidelities] == ["epochs"]
    assert {space.sample(random.Random(seed))["epochs"] for seed in range(20)} == {79}
    assert space.row_at([0.1, 0.2]) == [0, 26]
    assert space.count() == 2
    space.validate({"x": "a", "epochs": 4})
    full = Space.of(space, full_fidelity=True)
    assert [variable.label for variable in full.variables] == ["x"]
    assert full.walk(lambda variable: 1) == {"x": "b", "epochs": 79}
    assert full.data == space.data
