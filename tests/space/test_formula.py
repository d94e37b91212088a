"""Arithmetic in a space: operators and data, values, what the memo keeps, and what has no value."""

from __future__ import annotations

import copy
import math
import pickle
import random

import pytest

from runlib import Categorical, Choice, Constant, Float, Integer, Normal, Space, SpaceError
from runlib.engine.data.yamlfile import parse_yaml, write_yaml
from runlib.space.arithmetic.expression import Expression, to_data
from runlib.space.forms.markers import from_data

F, N = Float(1, 2), Integer(1, 3)


@pytest.mark.parametrize(
    ("made", "data", "text", "value"),
    [
        (1 + N, ["hp_add", 1, to_data(N)], "(1 + Integer(1, 3))", 3),
        (N + 1, ["hp_add", to_data(N), 1], "(Integer(1, 3) + 1)", 3),
        (N - 0.5, ["hp_sub", to_data(N), 0.5], "(Integer(1, 3) - 0.5)", 1.5),
        (1 - N, ["hp_sub", 1, to_data(N)], "(1 - Integer(1, 3))", -1),
        (3 * N, ["hp_mul", 3, to_data(N)], "(3 * Integer(1, 3))", 6),
        (N * 3, ["hp_mul", to_data(N), 3], "(Integer(1, 3) * 3)", 6),
        (N / 4, ["hp_div", to_data(N), 4], "(Integer(1, 3) / 4)", 0.5),
        (4 / N, ["hp_div", 4, to_data(N)], "(4 / Integer(1, 3))", 2.0),
        (N**2, ["hp_pow", to_data(N), 2], "(Integer(1, 3) ** 2)", 4),
        (2**N, ["hp_pow", 2, to_data(N)], "(2 ** Integer(1, 3))", 4),
        (-N, ["hp_mul", -1, to_data(N)], "((-1) * Integer(1, 3))", -2),
        (
            2 ** (N - 1) + 1,
            ["hp_add", ["hp_pow", 2, ["hp_sub", to_data(N), 1]], 1],
            "((2 ** (Integer(1, 3) - 1)) + 1)",
            3,
        ),
    ],
)
def test_operators_make_data_and_data_make_values(made, data, text, value) -> None:
    assert to_data(made) == data
    assert repr(made) == text
    for other in (from_data(data), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert (other, hash(other)) == (made, hash(made))
    assert eval(text) == made
    for space in (Space.of(made), Space.of(parse_yaml(write_yaml(data)))):
        got = space.walk(lambda variable: 2)
        assert got == value
        assert type(got) is type(value)


def test_an_expression_is_immutable_and_none_with_text() -> None:
    made = 1 + F
    for change in (lambda: setattr(made, "left", 2), lambda: delattr(made, "left")):
        with pytest.raises(AttributeError, match="an Expression cannot be changed"):
            change()
    with pytest.raises(SpaceError, match="unknown operation 'hp_mod'; known are hp_add"):
        Expression("hp_mod", 1, 2)
    with pytest.raises(SpaceError, match=r"1\.x: is an object"):
        Expression("hp_add", 1, {"x": object()})


def test_text_form_typed_parameters_and_choices_mix() -> None:
    data = [
        "hp_add",
        ["hp_mul", 2, ["hp_uniform", "u", 0, 1]],
        ["hp_choice", "c", [10, Float(0, 1), 3 * Integer(1, 2)]],
    ]
    space = Space.of({"y": data})
    assert [variable.label for variable in space.variables] == ["u", "c", "y.1.1", "y.1.2.1"]
    assert space.assemble([0.25, 0, math.nan, math.nan]) == {"y": 10.5}
    assert space.assemble([0.25, 2, math.nan, 2]) == {"y": 6.5}


def test_what_a_formula_hides_is_in_the_memo_and_nothing_else() -> None:
    space = Space.of({"x": F, "y": 1 + Float(0, 1), "z": 2 ** Categorical([1, 2]), "w": Categorical(["a", "b"])})
    row = [1.5, 0.25, 1.0, 0.0]
    assert space.assemble(row) == {"x": 1.5, "y": 1.25, "z": 4, "w": "a"}
    assert space.memo(row) == {"y.1": 0.25, "z.1": 1}
    assert space.read(space.assemble(row), space.memo(row)) == row


def test_a_row_is_restored_exactly_where_the_value_has_forgotten_it() -> None:
    space, rng = Space.of({"x": 1e6 + 1e-6 * Float(0, 1), "n": 7 * Integer(0, 5, step=5)}), random.Random(0)
    for _ in range(200):
        row = space.random_row(rng)
        assert space.read(space.assemble(row), space.memo(row)) == row


@pytest.mark.parametrize(
    ("space", "row", "reason"),
    [
        (1 / Integer(-1, 1), [0], "hp_div of 1 and 0 gives no finite number"),
        (Integer(0, 1) ** -1, [0], "hp_pow of 0 and -1 gives no finite number"),
        (Float(-4, 4) ** 0.5, [-4.0], "hp_pow of -4.0 and 0.5 gives no finite number"),
        (10 ** Float(0, 1000), [400.0], "hp_pow of 10 and 400.0 gives no finite number"),
        (10 ** Integer(0, 10**12), [10**12], "hp_pow of 10 and 1000000000000 gives no finite number"),
        (1e300 * Float(0, 1e300), [1e299], "hp_mul of 1e\\+300 and 1e\\+299 gives no finite number"),
    ],
)
def test_what_has_no_finite_value_is_told_with_its_place(space, row, reason) -> None:
    tree = Space.of({"a": [space]})
    with pytest.raises(SpaceError, match=rf"^space\.a\.0: {reason}") as caught:
        tree.assemble(row)
    assert caught.value.path == "space.a.0"
    with pytest.raises(SpaceError, match=reason):
        tree.walk(lambda variable: row[0])


def test_a_great_power_of_a_small_base_is_fine() -> None:
    assert Space.of(1 ** Integer(1, 10**12)).assemble([10**12]) == 1
    assert Space.of((-1) ** Integer(1, 9)).assemble([3]) == -1
    assert Space.of(2 ** Integer(1, 1000)).assemble([1000]) == 2**1000
    with pytest.raises(SpaceError, match="no finite number"):
        Space.of(2 ** Integer(1, 2000)).assemble([1024])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (["hp_add", 1], 'space.x: hp_add is written ["hp_add", a, b], got 1 operands'),
        (["hp_add", "label", 1, 2], 'space.x: hp_add is written ["hp_add", a, b], got 3 operands'),
        (["hp_add", 1, "a"], "space.x.1: hp_add takes numbers and variables that are numbers, got 'a'"),
        (["hp_add", True, 1], "space.x.0: hp_add takes numbers and variables that are numbers, got True"),
        (["hp_mul", {"a": 1}, 2], "space.x.0: hp_mul takes numbers"),
        (["hp_mul", 2, [Float(0, 1)]], "space.x.1: hp_mul takes numbers"),
        (2 * Categorical([1, "a"]), "space.x.1: hp_mul takes numbers"),
        (2 * Choice([1, {"a": F}]), "space.x.1: hp_mul takes numbers"),
        (["hp_mul", 2, ["hp_float", {"low": 1, "high": 0}]], "space.x.1: low of Float must be below high"),
        (["hp_div", 1, 0], "space.x: hp_div of 1 and 0 gives no finite number"),
    ],
)
def test_a_wrong_operand_is_told_with_its_place(data, message) -> None:
    with pytest.raises(SpaceError) as caught:
        Space.of({"x": data})
    assert str(caught.value).startswith(message)


def test_arithmetic_on_constants_is_a_constant() -> None:
    space = Space.of({"x": 2 * Constant(3) + 1, "y": [["hp_pow", 2, 10]]})
    assert space.variables == ()
    assert space.assemble([]) == {"x": 7, "y": [1024]}
    assert space.root.constant


@pytest.mark.parametrize(
    ("space", "raw"),
    [
        (1 + Normal(0, 1), 0.3),
        (Float(0, 1) + 1, 1.0),
        (Float(0, 1) - 0.1, 0.7),
        (3 - Float(0, 1), 0.1),
        (0.3 * Integer(1, 9), 7),
        (Float(0, 1, step=0.1) / 3, 3),
        (5 / Integer(1, 9), 7),
        (10 ** Float(-5, -1), -2.5),
        (2 ** Integer(1, 50), 41),
        (Float(-3, -1) ** 2, -1.5),
        (Normal(0, 1) ** 3, -1.5),
        (1 + 2 ** (Integer(0, 9) / 2), 5),
        (2 * Choice([7, Integer(1, 3)]), 0),
        ((-2) ** Integer(0, 5), 3),
        ((-1) ** Integer(0, 5), 3),
        ((-1) ** Integer(0, 5), 2),
        (0 * Normal(0, 1), 2.5),
        (Integer(0, 4) ** 0, 3),
        (1 ** Float(2, 4), 3),
    ],
)
def test_one_variable_is_solved_for(space, raw) -> None:
    tree = Space.of({"x": space})
    row = [float(raw)] * len(tree.variables)
    suggestion = tree.assemble(row)
    found = tree.locate(suggestion)
    assert found is not None
    assert math.isclose(tree.assemble(found)["x"], suggestion["x"], rel_tol=1e-9)
    tree.validate(suggestion)


def test_what_no_variable_gives_is_not_located() -> None:
    space = Space.of(2 ** Integer(1, 5))
    assert [value for value in (1, 3, 64, "a", True, -4, math.nan, None) if space.locate(value) is not None] == []
    assert Space.of(0 * Float(0, 1)).locate(1) is None
    assert Space.of(Float(0, 1) / 10**300).locate(10**300) is None


def test_two_variables_cannot_be_solved_for_and_their_range_is_known() -> None:
    space = Space.of({"x": Float(1, 2) * Integer(2, 4) - 1})
    assert space.locate({"x": 3.0}) is None
    space.validate({"x": 1})
    space.validate({"x": 7.0})
    with pytest.raises(SpaceError, match=r"^suggestion\.x: must be a finite number from 1 to 7, got 7\.5"):
        space.validate({"x": 7.5})


@pytest.mark.parametrize(
    ("space", "inside", "outside"),
    [
        (Float(-1, 2) + Float(-3, 4), [-4, 6], [-4.1, 6.1]),
        (Float(-1, 2) - Float(-3, 4), [-5, 5], [-5.1, 5.1]),
        (Float(-1, 2) * Float(-3, 4), [-6, 8], [-6.1, 8.1]),
        (Float(-1, 2) / Float(2, 4), [-0.5, 1], [-0.6, 1.1]),
        (Float(1, 2) ** Float(-1, 2), [0.5, 4], [0.4, 4.1]),
        (Float(-1, 2) / Float(-1, 4), [-1e9, 1e9], [math.inf]),
        (Normal(0, 1) + Categorical([5, 6]), [-1e9, 1e9], [math.nan, "a"]),
        (Choice([1, Float(2, 3)]) + Float(0, 1), [1, 4], [0.9, 4.1]),
    ],
)
def test_the_range_of_two_variables(space, inside, outside) -> None:
    tree = Space.of(space)
    for value in inside:
        tree.validate(value)
    for value in outside:
        with pytest.raises(SpaceError, match=r"^suggestion: must be a finite number from"):
            tree.validate(value)


def test_a_formula_has_the_points_of_its_variables() -> None:
    assert Space.of(2 ** Integer(1, 5)).count() == 5
    assert Space.of(Integer(1, 5) * Integer(1, 3)).count() == 15
    assert Space.of(1 + Float(0, 1)).count() is None
