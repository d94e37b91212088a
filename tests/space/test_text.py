"""The text form: what parses, to what, and what each mistake is told."""

from __future__ import annotations

import json

import numpy as np
import pytest

from runlib.engine.data.yamlfile import parse_yaml, write_yaml
from runlib.errors import ConfigError, SpaceError
from runlib.space.distributions.distribution import Integers, Normal, Options, Power, Uniform
from runlib.space.forms.text import parse
from runlib.space.tree import Space

KERNEL_RIDGE = {
    "model": {
        "per": "mol",
        "regression": {
            "krr": {
                "kernel": {
                    "kernel_atomic": {
                        "norm": False,
                        "kernelf": {"gaussian": {"ls": ["hp_loggrid", "ls_start", -13, 13, 1.0]}},
                    }
                },
                "nl": ["hp_loggrid", "nl_start", -18, 0, 1.0],
            }
        },
        "representation": {
            "soap": {
                "elems": [1, 6, 7, 8, 9],
                "n_max": ["hp_choice", "n_max", [1, 2, 3, 4, 5, 6, 7, 8]],
                "l_max": ["hp_choice", "l_max", [1, 2, 3, 4, 5, 6, 7, 8]],
                "cutoff": ["hp_choice", "cutoff", [2, 3, 4, 5, 6, 7, 8, 9, 10]],
                "sigma": ["hp_loggrid", "sigma", -20, 6, 53],
            }
        },
    }
}


def distribution(*text: object):
    """What one variable is drawn from."""
    [variable] = parse([*text]).variables
    return variable.distribution


def grid(*text: object) -> list[float]:
    """All values of a variable with options."""
    space = parse([*text])
    return [space.assemble([place]) for place in range(space.variables[0].distribution.count)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (["hp_uniform", "x", 0, 1], Uniform(0, 1)),
        (["hp_quniform", "x", 0, 1, 0.1], Uniform(0, 1, q=0.1)),
        (["hp_uniformint", "x", 0, 9], Uniform(0, 9, q=1, integer=True)),
        (["hp_loguniform", "x", -5, 0], Uniform(-5, 0, log=True)),
        (["hp_qloguniform", "x", 0, 5, 2], Uniform(0, 5, q=2, log=True)),
        (["hp_normal", "x", 0, 1], Normal(0, 1)),
        (["hp_qnormal", "x", 0, 1, 0.5], Normal(0, 1, q=0.5)),
        (["hp_lognormal", "x", 0, 1], Normal(0, 1, log=True)),
        (["hp_qlognormal", "x", 0, 1, 3], Normal(0, 1, q=3, log=True)),
        (["hp_randint", "x", 5], Integers(0, 5)),
        (["hp_randint", "x", -2, 5.0], Integers(-2, 5)),
        (["hp_choice", "x", ["a", "b"]], Options(2)),
        (["hp_pchoice", "x", [[0.25, "a"], [0.75, "b"]]], Options(2, (0.25, 0.75))),
        (["hp_loggrid", "x", 0, 4, 3], Options(3)),
        (["hp_loggrid_uniform", "x", -2, 2, 0.5], Power(2.0, Uniform(-2, 2, q=0.5))),
        (["hp_loggrid_uniform", "x", -2, 2, 0.5, 10], Power(10.0, Uniform(-2, 2, q=0.5))),
    ],
)
def test_every_function(text: list[object], expected: object) -> None:
    assert distribution(*text) == expected


def test_the_kernel_ridge_space_parses_as_it_stands() -> None:
    space = parse(KERNEL_RIDGE)
    assert [(v.label, v.distribution.count) for v in space.variables] == [
        ("ls_start", 27),
        ("nl_start", 19),
        ("n_max", 8),
        ("l_max", 8),
        ("cutoff", 9),
        ("sigma", 53),
    ]
    suggestion = space.assemble([0, 18, 1, 2, 3, 52])
    soap = suggestion["model"]["representation"]["soap"]
    assert soap == {"elems": [1, 6, 7, 8, 9], "n_max": 2, "l_max": 3, "cutoff": 5, "sigma": 64.0}
    assert type(soap["cutoff"]) is int
    assert suggestion["model"]["regression"]["krr"]["nl"] == 1.0


def test_an_int_is_a_number_of_points_and_a_float_the_step_of_the_exponent() -> None:
    assert grid("hp_loggrid", "x", -13, 13, 1.0) == [2.0**k for k in range(-13, 14)]
    assert grid("hp_loggrid", "x", -20, 6, 53) == [2.0 ** (k / 2) for k in range(-40, 13)]
    assert grid("hp_loggrid", "x", 0, 3, 4, 10) == [1.0, 10.0, 100.0, 1000.0]
    assert grid("hp_loggrid", "x", 1, -1, 1.0) == [2.0, 1.0, 0.5]
    assert grid("hp_loggrid", "x", 3, 3, 1) == [8.0]


@pytest.mark.parametrize("there_and_back", [lambda x: json.loads(json.dumps(x)), lambda x: parse_yaml(write_yaml(x))])
def test_the_difference_survives_files(there_and_back) -> None:
    text = [["hp_loggrid", "step", -3, 3, 2.0], ["hp_loggrid", "points", -3, 3, 2]]
    assert [v.distribution.count for v in parse(there_and_back(text)).variables] == [4, 2]


def test_tuples_and_numpy_scalars_are_taken() -> None:
    space = parse({"x": ("hp_uniform", "x", np.float64(0), np.int64(2)), "y": (1, 2, 3)})
    assert space.variables[0].distribution == Uniform(0, 2)
    assert space.assemble([0.5]) == {"x": 0.5, "y": (1, 2, 3)}


def test_lists_that_do_not_start_with_hp_are_data_and_may_hold_variables() -> None:
    space = parse([["hpx", 1], "hp_uniform", [], [[["hp_normal", "x", 0, 1]]]])
    assert space.assemble([2.5]) == [["hpx", 1], "hp_uniform", [], [[2.5]]]


def test_the_root_may_be_anything() -> None:
    assert parse(None).assemble([]) is None
    assert parse({}).assemble([]) == {}
    assert parse(["hp_randint", "x", 3]).assemble([2.0]) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ({"x": ["hp_uniform", "x", 0]}, "space.x: hp_uniform takes 2 bounds, got 1"),
        ({"x": ["hp_uniform", "x", 0, 1, 2]}, "space.x: hp_uniform takes 2 bounds, got 3"),
        (["hp_uniform", "x", 1, 1], "space: low of hp_uniform must be below high, got 1 and 1"),
        ([0, ["hp_normal", "x", 0, 0]], "space.1: sigma of hp_normal must be positive, got 0"),
        (["hp_normal", "x", 0], "space: hp_normal takes mu, sigma, got 1 arguments"),
        (["hp_quniform", "x", 0, 1], "space: hp_quniform takes low, high, q, got 2 arguments"),
        (["hp_quniform", "x", 0, 1, 0], "space: q of hp_quniform must be positive, got 0"),
        (["hp_quniform", "x", 0, 1, -0.5], "space: q of hp_quniform must be positive, got -0.5"),
        (["hp_uniform", "x", 0, float("inf")], "space: high of hp_uniform must be finite, got inf"),
        (["hp_uniform", "x", float("nan"), 1], "space: low of hp_uniform must be finite, got nan"),
        (["hp_uniform", "x", 0, 10**400], "space: high of hp_uniform must be finite"),
        (["hp_uniform", "x", -1e308, 1e308], "space: the range of hp_uniform is beyond all floats"),
        (["hp_uniform", "x", "0", 1], "space: low of hp_uniform must be a number, got '0'"),
        (["hp_uniform", "x", False, True], "space: low of hp_uniform must be a number, got False"),
        (["hp_uniform", "x", ["hp_uniform", "y", 0, 1], 2], "space: low of hp_uniform must be a number"),
        (["hp_loguniform", "x", 1, 1000], "space: hp_loguniform takes the logarithms of its bounds"),
        (["hp_lognormal", "x", 1000, 1], "space: mu of hp_lognormal is the mean of the logarithm"),
        (["hp_uniform"], "space: the label of hp_uniform must be a text"),
        (["hp_uniform", 0, 1], "space: the label of hp_uniform must be a text"),
        (["hp_uniform", "", 0, 1], "space: the label of hp_uniform must be a text"),
        (["hp_unifrom", "x", 0, 1], "space: unknown function 'hp_unifrom'; did you mean hp_uniform"),
        (["hp_zzz", "x"], "space: unknown function 'hp_zzz'; known are hp_choice"),
        (["hp_randint", "x"], "space: hp_randint takes an upper bound, or a lower and an upper one, got 0"),
        (["hp_randint", "x", 0], "space: hp_randint needs an upper bound above 0, got 0"),
        (["hp_randint", "x", 3, 3], "space: hp_randint needs an upper bound above 3, got 3"),
        (["hp_randint", "x", 2.5], "space: the bounds of hp_randint must be integers, got 2.5"),
        (["hp_choice", "x", []], "space: hp_choice has no options"),
        (["hp_choice", "x", 1, 2], "space: hp_choice takes one list of options after its label"),
        (["hp_choice", "x", "abc"], "space: hp_choice takes one list of options after its label"),
        (
            ["hp_choice", "x", ["hp_uniform", "y", 0, 1]],
            "space: the options of hp_choice must be a list, got",
        ),
        (["hp_pchoice", "x", []], "space: hp_pchoice has no options"),
        (
            ["hp_pchoice", "x", [[0.5, 1], 2]],
            "space.1: an option of hp_pchoice is written [probability, option]",
        ),
        (
            ["hp_pchoice", "x", [[0.5, 1], [0.4, 2]]],
            "space: the probabilities of hp_pchoice must sum to 1, got 0.9",
        ),
        (["hp_pchoice", "x", [[1.5, 1], [-0.5, 2]]], "space.0: a probability lies between 0 and 1, got 1.5"),
        (
            ["hp_loggrid", "x", 0, 1],
            "space: hp_loggrid takes start, stop, num and maybe a base, got 2 arguments",
        ),
        (["hp_loggrid", "x", 0, 1, 0], "space: hp_loggrid needs between 1 and 10000 points, got 0"),
        (["hp_loggrid", "x", 0, 1, 10**6], "space: hp_loggrid needs between 1 and 10000 points, got 1000000"),
        (["hp_loggrid", "x", 0, 1, -1.0], "space: hp_loggrid needs a positive step (a float), got -1.0"),
        (["hp_loggrid", "x", 0, 1, 0.3], "space: hp_loggrid cannot go from 0.0 to 1.0 in whole steps of 0.3"),
        (["hp_loggrid", "x", 0, 1, 1], "space: hp_loggrid from 0.0 to 1.0 cannot have 1 points"),
        (["hp_loggrid", "x", 0, 2000, 3], "space: hp_loggrid leaves the range of floats at 2**2000"),
        (["hp_loggrid", "x", 0, 1, 2, 1], "space: base of hp_loggrid must be positive and not 1, got 1"),
        (
            ["hp_loggrid_uniform", "x", 0, 1],
            "space: hp_loggrid_uniform takes start, stop, q and maybe a base",
        ),
        (["hp_loggrid_uniform", "x", 1, 0, 1], "space: start of hp_loggrid_uniform must be below stop"),
        ({"a": {"b": object()}}, "space.a.b: is an object, and a space holds data"),
        ({(1, 2): 2}, "space: keys must be text or numbers"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: object, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        parse(text)
    assert str(caught.value).startswith(message)
    assert isinstance(caught.value, ConfigError)
    assert caught.value.path.split(".")[0] == "space"


def test_a_mistake_in_an_option_names_the_option() -> None:
    with pytest.raises(SpaceError, match=r"^space\.m\.1\.k: hp_uniform takes 2 bounds, got 0$"):
        parse({"m": ["hp_choice", "m", ["a", {"k": ["hp_uniform", "k"]}]]})


def test_a_label_that_stands_twice_is_refused_with_both_places() -> None:
    text = {"a": ["hp_uniform", "x", 0, 1], "b": ["hp_choice", "c", [1, {"d": ["hp_uniform", "x", 0, 1]}]]}
    with pytest.raises(SpaceError, match=r"^space\.b\.1\.d: the label 'x' stands twice, here and at space\.a;"):
        parse(text)


def test_the_same_label_in_two_options_is_refused() -> None:
    with pytest.raises(SpaceError, match="stands twice"):
        parse(["hp_choice", "c", [["hp_uniform", "x", 0, 1], ["hp_uniform", "x", 0, 2]]])


def test_parsing_leaves_the_text_alone_and_is_independent_of_it() -> None:
    text = {"x": ["hp_choice", "x", [[1, 2], [3]]]}
    before = json.dumps(text)
    space = parse(text)
    assert json.dumps(text) == before
    text["x"][2][0].append(9)
    assert isinstance(space, Space)
    assert space.assemble([0]) == {"x": [1, 2]}
