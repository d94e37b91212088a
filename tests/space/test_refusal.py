"""What no space can hold is named, with the way out, wherever it stands."""

from __future__ import annotations

import datetime
import decimal
import pathlib
import random
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from hyperopt import hp
from optuna.distributions import CategoricalDistribution
from scipy import stats

from runlib import Categorical, Choice, Constant, Float, Ordinal, RandomSearch, Space, SpaceError

X = Float(0, 1)
NAME = ", and a space holds data: give it a name, and look the name up in your function"


class LogisticRegression:
    """A model."""


def build() -> None:
    """A function."""


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({"clf": [LogisticRegression(), 1]}, f"space.clf.0: is a LogisticRegression{NAME}"),
        ({"clf": LogisticRegression}, f"space.clf: is the class LogisticRegression{NAME}"),
        ({"m": hp.choice("m", [LogisticRegression, dict])}, f"space.m.0: is the class LogisticRegression{NAME}"),
        ({"m": hp.choice("m", [{"f": build}])}, f"space.m.0.f: is the function build{NAME}"),
        ({"m": ["hp_choice", "m", [1, LogisticRegression()]]}, f"space.m.2.1: is a LogisticRegression{NAME}"),
        ({"f": lambda x: x}, f"space.f: is a lambda{NAME}"),
        ({"f": (1, len)}, f"space.f.1: is the function len{NAME}"),
        ({"w": {0: build}}, f"space.w.0: is the function build{NAME}"),
        ({"C": stats.uniform(0, 1), "clf": [LogisticRegression()]}, f"space.clf.0: is a LogisticRegression{NAME}"),
        ({"amltk": {"clf": [build, 1]}}, "space.amltk.clf.0: an option of Categorical is the function build"),
        ({"d": decimal.Decimal(1)}, f"space.d: is a Decimal{NAME}"),
        (
            {"p": pathlib.PurePosixPath("a")},
            "space.p: is a PurePosixPath, and a space holds data: write it as text, and",
        ),
        (
            {"d": datetime.date(2020, 1, 1)},
            "space.d: is a date, and a space holds data: write its isoformat(), and read",
        ),
        ({"d": datetime.timedelta(1)}, "space.d: is a timedelta, and a space holds data: write its total_seconds()"),
        ({"s": {1, 2}}, "space.s: is a set, and a space holds data: write a sorted list, and make the set of it"),
        ({"b": b"x"}, "space.b: is a bytes, and a space holds data: write it as text, and encode that"),
        ({"c": 1j}, "space.c: is a complex, and a space holds data: write a list of its real and its imaginary part"),
    ],
)
def test_it_is_told_with_its_place(space: Any, said: str) -> None:
    with pytest.raises(SpaceError) as caught:
        Space.of({"x": X, **space} if "amltk" not in space else space)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Categorical([build, LogisticRegression]), f"0: an option of Categorical is the function build{NAME}"),
        (lambda: Ordinal([1, {"a": build}]), f"1.a: an option of Ordinal is the function build{NAME}"),
        (lambda: Constant(LogisticRegression()), f"value of Constant is a LogisticRegression{NAME}"),
        (lambda: Choice([X, build]), f"1: is the function build{NAME}"),
        (lambda: Categorical([X]), "0: an option of Categorical is no data, but a parameter, Float(0.0, 1.0); for"),
        (lambda: X + build, f"1: is the function build{NAME}"),
    ],
)
def test_a_parameter_tells_it_as_it_is_made(make: Callable[[], Any], said: str) -> None:
    with pytest.raises(SpaceError) as caught:
        make()
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("make", [Categorical, Ordinal, Choice])
@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"b", "a"}), ["a", "b"]),
        ({(2, 1), (1, 2)}, [(1, 2), (2, 1)]),
        ({"b": 1, "a": 2}.keys(), ["b", "a"]),
        ({"b": 3, "a": 2}.values(), [3, 2]),
        (lambda: map(str, [2, 1]), ["2", "1"]),
        (lambda: (k * k for k in range(1, 4)), [1, 4, 9]),
        (deque(["b", "a"]), ["b", "a"]),
        (range(1, 3), [1, 2]),
    ],
    ids=range(9),
)
def test_options_are_whatever_has_one_order(make: Any, options: Any, found: list[Any]) -> None:
    given = options() if callable(options) else options  # what can be gone through once is made each time
    assert list(make(given).options) == found
    space = Space.of({"x": make(iter(found))})
    assert space.data == Space.of({"x": make(found)}).data
    assert Space.of(space.data).sample(random.Random(1)) == space.sample(random.Random(1))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({1, "a"}, "options of Categorical are a set, which has no order, and cannot be sorted; give a list"),
        ({None, 1}, "options of Categorical are a set, which has no order, and cannot be sorted"),
        (set(), "options of Categorical must be a list with something in it"),
        (iter(()), "options of Categorical must be a list with something in it"),
        (iter(int, 1), "options of Categorical are more than 100000, or there is no end of them"),
        ("abc", "options of Categorical must be a list with something in it, got 'abc'"),
        ({"a": 1}, "options of Categorical must be a list with something in it, got {'a': 1}"),
        (
            ["a", "b", "a"],
            "options 0 and 2 of Categorical are the same, 'a'; drop one, or take Choice to have it drawn",
        ),
    ],
    ids=range(8),
)
def test_options_without_an_order_or_an_end_are_refused(options: Any, said: str) -> None:
    with pytest.raises(SpaceError) as caught:
        Categorical(options)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    "space",
    [
        {"a": hp.choice("a", ["relu", "relu", "tanh"])},
        {"a": Choice(["relu", "relu", "tanh"])},
        {"a": ["relu", "relu", "tanh"], "C": stats.uniform(0, 1)},
        {"a": ("relu", "relu", "tanh"), "C": stats.uniform(0, 1)},
        {"a": CategoricalDistribution(["relu", "relu", "tanh"])},
    ],
    ids=range(5),
)
def test_where_an_option_stands_twice_it_is_drawn_twice_as_often(space: Any) -> None:
    search = RandomSearch(space, duplicates=True)
    drawn = [search.suggest()[1]["a"] for _ in range(300)]
    assert 170 < drawn.count("relu") < 230
    assert set(drawn) == {"relu", "tanh"}
