"""Refuses functions that return no result, but something to be awaited or iterated, when they are given.

Such a function may be hidden behind a partial, a method, an object that is called, or a decorator. The check looks
through a decorator that names what it wraps (``functools.wraps``), unless its own code runs the wrapped function to the
end.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

from runlib.errors import ConfigError

__all__ = ["refuse_asynchronous"]

# Code with one of these names runs a coroutine to its end: asyncio.run, loop.run_until_complete, anyio.run, ...
_RUNNERS = frozenset({"run", "async_to_sync", "syncify", "send"})
_DEEPEST = 50


def refuse_asynchronous(function: Callable[..., Any]) -> None:
    """Raises an error unless a call of the function returns its result.

    Raises:
        ConfigError: It is asynchronous, or a generator.
    """
    for layer in _layers(function):
        if inspect.iscoroutinefunction(layer) or inspect.isasyncgenfunction(layer):
            raise ConfigError(
                "must be a plain function, not an async one; let a plain one call it: asyncio.run(f(...)). If a "
                "decorator does so already, wrap it once more: lambda params: f(params)"
            )
        if inspect.isgeneratorfunction(layer):
            raise ConfigError("must be a function that returns its result, not one that yields it")


def _layers(function: Any) -> Iterator[Any]:
    """Yields a function and what it calls, as far as that can be known."""
    seen: list[Any] = []
    while function is not None and len(seen) < _DEEPEST and not any(function is other for other in seen):
        yield function
        seen.append(function)
        function = _next(function)


def _next(function: Any) -> Any:
    if isinstance(function, functools.partial):
        return function.func
    if inspect.ismethod(function):
        return function.__func__
    if isinstance(function, type):
        return None
    code = _code(function)
    wrapped = getattr(function, "__wrapped__", None)
    if wrapped is not None:
        return None if code is not None and _runs(code) else wrapped
    return None if inspect.isroutine(function) else _call_of(function)


def _code(function: Any) -> CodeType | None:
    if inspect.isroutine(function):
        return getattr(function, "__code__", None)
    return getattr(_call_of(function), "__code__", None)


def _call_of(thing: Any) -> Any:
    return type(thing).__call__ if callable(thing) else None


def _runs(code: CodeType) -> bool:
    names = {*code.co_names, *code.co_freevars}
    if any(name in _RUNNERS or name.startswith("run_") for name in names):
        return True
    return any(_runs(constant) for constant in code.co_consts if isinstance(constant, CodeType))
