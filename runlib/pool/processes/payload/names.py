"""Finds the names that code uses, and distinguishes the code of a script from its data."""

from __future__ import annotations

import functools
import inspect
import sys
import typing
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any

__all__ = ["annotated_names", "code_names", "find_script", "globals_of_class", "is_definition"]

SMALL = 4096  # longest constant, in characters or bytes, that is sent without being used
DEFINITIONS = (FunctionType, type, ModuleType, functools._lru_cache_wrapper, typing.NewType)
CONSTANTS = (bool, int, float, complex, str, bytes, type(None))


def code_names(code: CodeType) -> Iterator[str]:
    """Yields the names that code looks up in its module, and other names that it uses."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from code_names(constant)


def globals_of_class(cls: type) -> dict[str, Any] | None:
    """Returns the global variables of the module of a class, if one of its methods shows them."""
    for value in vars(cls).values():
        space = getattr(value, "__globals__", None)
        if isinstance(space, dict) and space.get("__name__") == cls.__module__:
            return space
    return None


def find_script(evaluator: Any) -> dict[str, Any]:
    """Returns the names of the script that defines an evaluator.

    They are not always those of the running ``__main__``: a debugger or a profiler executes the script elsewhere, and
    so does a program that continues the run of a script.
    """
    for thing in [evaluator, *vars(evaluator).values()]:
        is_wrapper = inspect.isroutine(thing) or isinstance(thing, functools._lru_cache_wrapper)
        function = inspect.unwrap(thing) if is_wrapper else thing
        function = getattr(function, "func", getattr(function, "__func__", function))
        space = getattr(function, "__globals__", None) or globals_of_class(type(function))
        if space is not None and space.get("__name__") == "__main__":
            return space
    return vars(sys.modules["__main__"])


def is_definition(value: Any) -> bool:
    """Returns whether a value is code or a small constant, which may be sent even if it is not used."""
    if isinstance(value, CONSTANTS):
        return not isinstance(value, str | bytes) or len(value) <= SMALL
    return isinstance(value, DEFINITIONS) or type(value).__module__ == "typing"


def annotated_names(function: FunctionType, found: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the definitions that annotations written as text refer to, for code that resolves them."""
    space = function.__globals__
    names: set[str] = set()
    for text in function.__annotations__.values():
        if isinstance(text, str):
            try:
                names.update(compile(text, "annotation", "eval").co_names)
            except SyntaxError:
                continue
    return {name: space[name] for name in names if name in space and name not in found and is_definition(space[name])}
