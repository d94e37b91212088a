"""The names that code uses, and what of a script is code, as opposed to data."""

from __future__ import annotations

import functools
import typing
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any

__all__ = ["annotated_names", "code_names", "is_definition"]

SMALL = 4096  # characters or bytes of a constant that goes along without being asked for
DEFINITIONS = (FunctionType, type, ModuleType, functools._lru_cache_wrapper, typing.NewType)
CONSTANTS = (bool, int, float, complex, str, bytes, type(None))


def code_names(code: CodeType) -> Iterator[str]:
    """The names that code looks up in its module, among others."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from code_names(constant)


def is_definition(value: Any) -> bool:
    """Whether it is code or a small constant, and may go along without being asked for."""
    if isinstance(value, CONSTANTS):
        return not isinstance(value, str | bytes) or len(value) <= SMALL
    return isinstance(value, DEFINITIONS) or type(value).__module__ == "typing"


def annotated_names(function: FunctionType, found: Mapping[str, Any]) -> dict[str, Any]:
    """What the text of annotations names, for those who resolve it."""
    space = function.__globals__
    names: set[str] = set()
    for text in function.__annotations__.values():
        if isinstance(text, str):
            try:
                names.update(compile(text, "annotation", "eval").co_names)
            except SyntaxError:
                continue
    return {name: space[name] for name in names if name in space and name not in found and is_definition(space[name])}
