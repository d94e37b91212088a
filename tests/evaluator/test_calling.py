"""A function gets the keys of the suggestion as keywords, or the whole suggestion, as its signature says."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Dict, NewType, Optional, TypedDict, Union  # noqa: UP035  as people write them

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runlib.evaluator.functions.calling import Caller, takes_nothing


def two(x, y):
    return ("keywords", x, y)


def default(x, y=2):
    return ("keywords", x, y)


def whole(suggestion):
    return ("whole", suggestion)


def only_default(suggestion=None):
    return ("whole", suggestion)


def annotated(suggestion: dict[str, float], verbose: bool = False):
    return ("whole", suggestion)


def annotated_mapping(x: Mapping[str, Any]):
    return ("whole", x)


def only_positional(x, /):
    return ("whole", x)


def free(**values):
    return ("keywords", values)


def one_and_free(config, **values):
    return ("whole", config)


def many(*values):
    return ("whole", *values)


def many_and_free(*values, **named):
    return ("keywords", values, named)


def keyword_only(*, x, y=5):
    return ("keywords", x, y)


def option(config, *, verbose=False):
    return ("whole", config)


class Instance:
    def __call__(self, x, y):
        return ("keywords", x, y)

    def method(self, suggestion):
        return ("whole", suggestion)

    def with_default(self, params, n_folds=5):
        return ("whole", params, n_folds)

    def of_dict(self, params: "dict | None" = None):  # noqa: UP037  as people write it
        return ("whole", params)

    @classmethod
    def of_class(cls, x, y):
        return ("keywords", x, y)

    @staticmethod
    def static(suggestion):
        return ("whole", suggestion)


@functools.wraps(two)
def wrapper(*args, **kwargs):
    return two(*args, **kwargs)


def numbered(x: float, y=2):
    return ("keywords", x, y)


def folds(params, n_folds=5):
    return ("whole", params, n_folds)


def folds_of_dict(params: dict, n_folds=5):
    return ("whole", params, n_folds)


def nothing():
    return ("nothing",)


class Params(TypedDict):
    x: float


Alias = dict[str, float]
NewDict = NewType("NewDict", dict)


def maybe(params: dict | None = None, **more):
    return ("whole", params)


def optional(params: Optional[dict[str, float]], seed: int = 1):  # noqa: UP045  as people write it
    return ("whole", params)


def old_style(params: Dict[str, Any] = {}, seed: int = 1):  # noqa: UP006, B006  as people write it
    return ("whole", params)


def union(params: Union[Mapping[str, Any], None], seed=1):  # noqa: UP007  as people write it
    return ("whole", params)


def as_text(params: "dict", seed=1):  # noqa: UP037  as people write it
    return ("whole", params)


def as_unknown_text(params: "np.dict[str, Whatever] | None", seed=1):  # noqa: F821, UP037  cannot be evaluated
    return ("whole", params)


def with_note(params: Annotated[dict, "of the model"], seed=1):
    return ("whole", params)


def typed(params: Params, seed=1):
    return ("whole", params)


def aliased(params: Alias, seed=1):
    return ("whole", params)


def renewed(params: NewDict, seed=1):
    return ("whole", params)


def free_after_dict(params: dict, **more):
    return ("whole", params, more)


def named_like_a_key(x: dict):
    return ("whole", x)


XY = {"x": 1, "y": 3}


BY_ANNOTATION = [maybe, optional, old_style, union, as_text, as_unknown_text, with_note, typed, aliased, renewed]


@pytest.mark.parametrize(
    ("function", "suggestion", "expected"),
    [
        (two, XY, ("keywords", 1, 3)),
        (default, {"x": 1}, ("keywords", 1, 2)),
        (default, XY, ("keywords", 1, 3)),
        (whole, XY, ("whole", XY)),
        (whole, {"suggestion": 4}, ("whole", 4)),  # its name is a key: a keyword
        (only_default, XY, ("whole", XY)),
        (annotated, XY, ("whole", XY)),
        (annotated_mapping, XY, ("whole", XY)),
        (only_positional, {"x": 1}, ("whole", {"x": 1})),
        (free, XY, ("keywords", XY)),
        (one_and_free, XY, ("whole", XY)),
        (many, XY, ("whole", XY)),
        (many_and_free, XY, ("keywords", (), XY)),
        (keyword_only, {"x": 1}, ("keywords", 1, 5)),
        (option, {"lr": 0.1}, ("whole", {"lr": 0.1})),
        (Instance(), XY, ("keywords", 1, 3)),
        (Instance().method, XY, ("whole", XY)),
        (Instance.of_class, XY, ("keywords", 1, 3)),
        (Instance.static, XY, ("whole", XY)),
        (wrapper, XY, ("keywords", 1, 3)),
        (functools.partial(two, y=7), {"x": 1}, ("keywords", 1, 7)),
        (functools.partial(two, y=7), XY, ("keywords", 1, 3)),
        (functools.partial(two, 7), {"y": 1}, ("keywords", 7, 1)),
        (functools.partial(annotated, verbose=True), XY, ("whole", XY)),
        (lambda x, y: x + y, XY, 4),
        (lambda config: config["x"], XY, 1),
        (len, XY, 2),
        (whole, {}, ("whole", {})),
        (nothing, {}, ("nothing",)),
        (folds, XY, ("whole", XY, 5)),
        (folds, {"params": XY}, ("whole", XY, 5)),
        (folds_of_dict, XY, ("whole", XY, 5)),
        (folds_of_dict, {"lr": 1, "n_folds": 3}, ("whole", {"lr": 1, "n_folds": 3}, 5)),
        (functools.partial(folds, n_folds=3), XY, ("whole", XY, 3)),
        (functools.partial(two, 7), {"z": 1}, ("keywords", 7, {"z": 1})),
        (functools.partial(folds_of_dict, n_folds=3), XY, ("whole", XY, 3)),
        (Instance().with_default, XY, ("whole", XY, 5)),
        (Instance().of_dict, XY, ("whole", XY)),
        (named_like_a_key, {"x": 1}, ("whole", {"x": 1})),
        (named_like_a_key, {"x": {"a": 1}}, ("whole", {"a": 1})),
        (named_like_a_key, {"x": {"a": 1}, "y": 2}, ("whole", {"x": {"a": 1}, "y": 2})),
        (free_after_dict, XY, ("whole", XY, {})),
        (free_after_dict, {"params": {"a": 1}, "y": 2}, ("whole", {"a": 1}, {"y": 2})),
        (free_after_dict, {"params": 1, "y": 2}, ("whole", {"params": 1, "y": 2}, {})),
        *[(f, {"x": 1, "seed": 3}, ("whole", {"x": 1, "seed": 3})) for f in BY_ANNOTATION],
        (free, {}, ("keywords", {})),
    ],
)
def test_how_a_dict_is_passed(function: Callable[..., Any], suggestion: Any, expected: Any) -> None:
    assert Caller(function)(suggestion) == expected


@given(st.one_of(st.none(), st.integers(), st.text(), st.lists(st.integers())))
def test_a_suggestion_that_is_no_dict_is_passed_as_it_is(suggestion: Any) -> None:
    assert Caller(whole)(suggestion) == ("whole", suggestion)
    assert Caller(default)(suggestion) == ("keywords", suggestion, 2)


def test_a_function_without_a_known_signature_gets_the_whole() -> None:
    caller = Caller(max)
    assert caller.signature is None
    assert caller(XY) == "y"


@pytest.mark.parametrize(
    ("function", "suggestion", "texts"),
    [
        (two, {"x": 1}, ["two(x, y)", "it needs 'y'"]),
        (two, {"x": 1, "z": 2}, ["it needs 'y'", "it does not take 'z'"]),
        (two, {**XY, "a": 1, "b": 2}, ["it does not take 'a', 'b'", "annotate the first as dict"]),
        (default, {"y": 1}, ["default(x, y)", "it needs 'x'"]),
        (numbered, {"z": 1}, ["it needs 'x'", "does not take 'z'"]),
        (folds, {"lr": 1, "n_folds": 3}, ["folds(params, n_folds)", "annotate the first as dict"]),
        (lambda x: x, {"x": 1, "z": 2}, ["<lambda>(x)", "does not take 'z'"]),
        (keyword_only, {"y": 1}, ["it needs 'x'"]),
        (Instance(), {"x": 1}, ["Instance(x, y)", "it needs 'y'"]),
        (nothing, XY, ["nothing() has no parameter", "def nothing(params)", "def nothing(x, y)"]),
        (functools.partial(whole, 1), {"a b": 1}, ["has no parameter", "(params)"]),
    ],
)
def test_keys_that_do_not_fit_are_named(
    function: Callable[..., Any], suggestion: dict[str, Any], texts: list[str]
) -> None:
    with pytest.raises(TypeError) as caught:
        Caller(function)(suggestion)
    for text in texts:
        assert text in str(caught.value)


def test_a_single_parameter_annotated_as_a_number_is_a_keyword() -> None:
    def numeric(x: float):
        return x

    assert Caller(numeric)({"x": 2.0}) == 2.0
    with pytest.raises(TypeError, match="needs 'x'"):
        Caller(numeric)({"lr": 2.0})


def test_a_type_error_from_inside_the_function_is_not_taken_for_a_mismatch() -> None:
    def inside(x, y):
        return x + "text"

    with pytest.raises(TypeError, match="unsupported operand"):
        Caller(inside)(XY)


@pytest.mark.parametrize("annotation", ["float | None", "Optional[int]", "str", "typing.Union[int, float]", "'bool'"])
def test_a_single_value_may_be_left_out(annotation: str) -> None:
    def numeric(x=None, y=2):
        return x

    numeric.__annotations__["x"] = annotation
    with pytest.raises(TypeError, match="does not take 'lr'"):
        Caller(numeric)({"lr": 2.0})


def test_an_annotation_that_is_no_text_of_python_says_nothing() -> None:
    def strange(x, y=2):
        return x

    strange.__annotations__["x"] = "a dict of things"
    assert Caller(strange)({"lr": 2.0}) == {"lr": 2.0}


def test_what_takes_nothing() -> None:
    assert takes_nothing(nothing)
    assert takes_nothing(functools.partial(whole, 1))
    assert not any(map(takes_nothing, (whole, many, free, only_default, max, Instance())))
