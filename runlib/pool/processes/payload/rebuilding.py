"""Holds the functions that a payload calls while it is unpacked. They rebuild what cannot be pickled from what can."""

from __future__ import annotations

import functools
import operator
import sys
from collections.abc import Callable, Mapping
from types import CodeType, ModuleType
from typing import Any

from runlib.pool.processes.payload.modules import Location, load_file

__all__ = [
    "fill_module",
    "make_cached_property",
    "make_code",
    "make_lru_cache",
    "make_module",
    "named",
    "part_of_file",
    "registered_module",
    "space",
]


def make_code(file: str, make: Callable[..., CodeType], *arguments: Any) -> CodeType:
    """Returns code with the name of its file, for tracebacks and ``inspect``."""
    return make(*arguments).replace(co_filename=file)


def make_lru_cache(function: Callable[..., Any], parameters: Mapping[str, Any]) -> Any:
    """Returns a function with an empty cache of its results."""
    return functools.lru_cache(**parameters)(function)


def make_cached_property(function: Callable[..., Any], name: str | None) -> functools.cached_property[Any]:
    """Returns a cached property with the name that its class gave it."""
    made = functools.cached_property(function)
    made.attrname = name
    return made


def registered_module(name: str) -> ModuleType:
    """Returns the module of this name in ``sys.modules``, which is made if there is none."""
    return sys.modules.setdefault(name, ModuleType(name))


def make_module(name: str) -> ModuleType:
    """Returns an empty module that is not put into ``sys.modules``."""
    return ModuleType(name)


def fill_module(module: ModuleType, names: Mapping[str, Any]) -> None:
    """Gives a module its names."""
    vars(module).update(names)


def space(name: str) -> dict[str, Any]:
    """Returns the global variables of a module that is pickled by value: ``__main__`` or one made by hand."""
    return vars(registered_module(name))


def named(module: str, name: str) -> Any:
    """Returns the object that a module which was pickled by value has under a name."""
    return operator.attrgetter(name)(sys.modules[module])


def part_of_file(name: str, location: Location, part: str) -> Any:
    """Returns the object that a module which was loaded from a file has under a name."""
    return operator.attrgetter(part)(load_file(name, location))
