"""What a payload calls as it is unpacked: it puts together what cannot be pickled, from what can."""

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
    """Code with the name of the file that it stands in, for tracebacks and ``inspect``."""
    return make(*arguments).replace(co_filename=file)


def make_lru_cache(function: Callable[..., Any], parameters: Mapping[str, Any]) -> Any:
    """A function with a cache of its results, which is empty here."""
    return functools.lru_cache(**parameters)(function)


def make_cached_property(function: Callable[..., Any], name: str | None) -> functools.cached_property[Any]:
    """A cached property with the name that its class gave it."""
    made = functools.cached_property(function)
    made.attrname = name
    return made


def registered_module(name: str) -> ModuleType:
    """The module of this name in ``sys.modules``, made if there is none."""
    return sys.modules.setdefault(name, ModuleType(name))


def make_module(name: str) -> ModuleType:
    """An empty module that is not put into ``sys.modules``."""
    return ModuleType(name)


def fill_module(module: ModuleType, names: Mapping[str, Any]) -> None:
    """Give a module its names."""
    vars(module).update(names)


def space(name: str) -> dict[str, Any]:
    """The global variables of a module that travels by value: those of ``__main__`` or of one made by hand."""
    return vars(registered_module(name))


def named(module: str, name: str) -> Any:
    """What a module that travelled by value has under a name."""
    return operator.attrgetter(name)(sys.modules[module])


def part_of_file(name: str, location: Location, part: str) -> Any:
    """What a module that was loaded from a file has under a name."""
    return operator.attrgetter(part)(load_file(name, location))
