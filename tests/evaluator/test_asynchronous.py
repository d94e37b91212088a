"""What is to be awaited or iterated is refused when it is given, however it is hidden."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from runlib.engine.component import Component
from runlib.errors import ConfigError
from runlib.evaluator.base import Evaluator
from runlib.evaluator.functions.asynchronous import refuse_asynchronous
from runlib.evaluator.functions.function import FunctionEvaluator
from runlib.run.run import Run
from runlib.stop.max import StopMax
from tests.fakes import SpySearch


async def plain_async(x: float) -> float:
    return x


async def stream(x: float) -> AsyncIterator[float]:
    yield x


def yielding(x: float) -> Iterator[float]:
    yield x


class Called:
    async def __call__(self, x: float) -> float:
        return x

    async def method(self, x: float) -> float:
        return x

    @classmethod
    async def of_class(cls, x: float) -> float:
        return x

    @staticmethod
    async def static(x: float) -> float:
        return x


class Inheriting(Called):
    """The call is that of its base."""


def passing_on(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def running(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return asyncio.run(function(*args, **kwargs))

    return wrapper


def running_in_a_loop(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with contextlib.closing(asyncio.new_event_loop()) as loop:
            return loop.run_until_complete(function(*args, **kwargs))

    return wrapper


class Decorator:
    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self.function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


class RunningDecorator(Decorator):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return asyncio.run(self.function(*args, **kwargs))


REFUSED = {
    "function": plain_async,
    "object": Called(),
    "inherited": Inheriting(),
    "method": Called().method,
    "class method": Called.of_class,
    "static method": Called.static,
    "partial": functools.partial(plain_async, x=1),
    "partial of a partial": functools.partial(functools.partial(plain_async), x=1),
    "partial of an object": functools.partial(Called(), x=1),
    "partial of a method": functools.partial(Called().method, x=1),
    "decorated": passing_on(plain_async),
    "decorated twice": passing_on(passing_on(plain_async)),
    "decorated object": passing_on(Called()),
    "cached": functools.lru_cache(plain_async),
    "decorated by an object": Decorator(plain_async),
    "partial of a decorated one": functools.partial(passing_on(plain_async), x=1),
    "stream": stream,
    "decorated stream": passing_on(stream),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"^function: must be a plain function, not an async one; let a plain one"):
        FunctionEvaluator(REFUSED[name])
    with pytest.raises(ConfigError, match=r"^evaluator.*must be a plain function, not an async one"):
        Run(SpySearch(), REFUSED[name], StopMax(3))


@pytest.mark.parametrize("function", [yielding, passing_on(yielding), functools.partial(yielding, 1)])
def test_so_is_what_yields(function: Any) -> None:
    with pytest.raises(ConfigError, match="returns its result, not one that yields it"):
        FunctionEvaluator(function)


@pytest.mark.parametrize(
    "function",
    [
        running(plain_async),
        running_in_a_loop(plain_async),
        RunningDecorator(plain_async),
        passing_on(running(plain_async)),
        functools.partial(running(plain_async)),
        lambda x: asyncio.run(plain_async(x)),
    ],
)
def test_what_runs_it_to_the_end_is_a_plain_function(function: Any) -> None:
    assert FunctionEvaluator(function)({"x": 2.0}) == 2.0


def test_an_evaluator_and_any_component_are_refused_too() -> None:
    class AsyncEvaluator(Evaluator):
        kind = "eval_async"

        async def __call__(self, suggestion: Any) -> Any:
            return suggestion["x"]

    class AsyncComponent(Component):
        kind = "async_component"

        async def __call__(self, suggestion: Any) -> Any:
            return suggestion["x"]

    for evaluator in (AsyncEvaluator(), "eval_async", AsyncComponent(), {"async_component": {}}):
        with pytest.raises(ConfigError, match=r"^evaluator.*must be a plain function, not an async one"):
            Run(SpySearch(), evaluator, StopMax(3))


def test_a_decorator_that_wraps_itself_ends() -> None:
    def odd(x: float) -> float:
        return x

    odd.__wrapped__ = odd  # type: ignore[attr-defined]
    refuse_asynchronous(odd)
