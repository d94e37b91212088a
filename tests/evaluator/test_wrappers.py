"""A decorated function is called as its wrapper has to be called."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from runlib.evaluator.functions.calling import Caller, takes_nothing

XY = {"x": 1, "y": 2}


def bare(function: Callable[..., Any]) -> Callable[..., Any]:
    def timed(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return timed


def named(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def timed(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return timed


def with_option(function: Callable[..., Any]) -> Callable[..., Any]:
    def timed(*args: Any, verbose: bool = False, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return timed


def of_dict(function: Callable[..., Any]) -> Callable[..., Any]:
    """A wrapper that takes the whole and passes on its keys, as many scripts have it."""

    @functools.wraps(function)
    def spread(params: Any) -> Any:
        return function(**params)

    return spread


def of_keys(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def gathered(**keywords: Any) -> Any:
        return function(keywords)

    return gathered


class Timed:
    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.calls = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        return self.function(*args, **kwargs)


class Model:
    @bare
    def whole(self, params: Any) -> Any:
        return "whole", params

    @named
    def keys(self, x: Any, y: Any) -> Any:
        return "keys", x, y

    @bare
    def __call__(self, params: Any) -> Any:
        return "whole", params


def whole(params: Any) -> Any:
    return "whole", params


def keys(x: Any, y: Any) -> Any:
    return "keys", x, y


def many(*args: Any, **kwargs: Any) -> Any:
    return args, kwargs


@pytest.mark.parametrize(
    "wrapper", [bare, named, with_option, Timed, functools.partial, lambda f: bare(named(Timed(f)))]
)
@pytest.mark.parametrize(("function", "expected"), [(whole, ("whole", XY)), (keys, ("keys", 1, 2))])
def test_a_wrapper_that_takes_anything_is_looked_through(wrapper: Any, function: Any, expected: Any) -> None:
    assert Caller(wrapper(function))(XY) == expected


def test_a_cached_function_has_its_own_parameters() -> None:
    assert Caller(functools.lru_cache(keys))(XY) == ("keys", 1, 2)


def test_what_a_wrapper_takes_itself_counts_more_than_what_it_wraps() -> None:
    assert Caller(of_dict(keys))(XY) == ("keys", 1, 2)
    assert Caller(of_keys(whole))(XY) == ("whole", XY)
    assert Caller(bare(of_dict(keys)))(XY) == ("keys", 1, 2)


def test_a_wrapper_gets_the_keyword_that_it_cannot_do_without() -> None:
    def flagged(*args: Any, flag: Any, **kwargs: Any) -> Any:
        return flag, keys(*args, **kwargs)

    assert Caller(flagged)({**XY, "flag": 3}) == (3, ("keys", 1, 2))
    assert Caller(functools.partial(flagged, flag=4))(XY) == (4, ("keys", 1, 2))
    with pytest.raises(TypeError, match="flag"):
        Caller(flagged)(XY)


def test_methods_are_bound() -> None:
    assert Caller(Model().whole)(XY) == ("whole", XY)
    assert Caller(Model().keys)(XY) == ("keys", 1, 2)
    assert Caller(Model())(XY) == ("whole", XY)


def test_a_partial_of_a_wrapper_needs_only_the_rest() -> None:
    assert Caller(functools.partial(bare(keys), y=5))({"x": 1}) == ("keys", 1, 5)
    assert Caller(functools.partial(bare(keys), 7))({"y": 1}) == ("keys", 7, 1)


def test_a_wrapper_around_several_functions_gets_keywords() -> None:
    def both(*args: Any, **kwargs: Any) -> Any:
        return whole and keys and local(*args, **kwargs), other

    local, other = many, whole
    assert Caller(both)(XY) == (((), XY), whole)
    assert Caller(many)(XY) == ((), XY)


def test_a_wrapper_around_itself_ends() -> None:
    def around(*args: Any, **kwargs: Any) -> Any:
        return args, kwargs

    around.__wrapped__ = around  # type: ignore[attr-defined]
    assert Caller(around)(XY) == ((XY,), {})


def test_a_wrapper_of_what_takes_nothing_takes_nothing() -> None:
    assert takes_nothing(bare(lambda: 1.0))
    assert not takes_nothing(bare(whole))
