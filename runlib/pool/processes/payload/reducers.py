"""Pickles single kinds of objects that cloudpickle pickles by their names, or cannot pickle."""

from __future__ import annotations

import enum
import functools
import typing
import weakref
from collections.abc import Callable
from types import CodeType
from typing import Any

import cloudpickle

from runlib.pool.processes.payload import rebuilding

__all__ = ["REDUCERS", "WITHOUT_NAME", "complete_class"]


def _reduce_code(code: CodeType) -> Any:
    make, arguments = cloudpickle.Pickler.dispatch_table[CodeType](code)
    return rebuilding.make_code, (code.co_filename, make, *arguments)


def _reduce_lru_cache(function: Any) -> Any:
    return rebuilding.make_lru_cache, (function.__wrapped__, function.cache_parameters()), _attributes(function)


def _attributes(function: Any) -> dict[str, Any] | None:
    return {name: value for name, value in vars(function).items() if name != "__wrapped__"} or None


def _reduce_cached_property(made: functools.cached_property[Any]) -> Any:
    return rebuilding.make_cached_property, (made.func, made.attrname)


def _reduce_weak_mapping(mapping: Any) -> Any:
    return type(mapping), (dict(mapping),)


def _reduce_by_name_alone(variable: Any) -> Any:
    return type(variable), (variable.__name__,)


REDUCERS: dict[type, Callable[[Any], Any]] = {
    CodeType: _reduce_code,
    functools.cached_property: _reduce_cached_property,
    weakref.WeakKeyDictionary: _reduce_weak_mapping,
    weakref.WeakValueDictionary: _reduce_weak_mapping,
}
# Kinds of objects that pickle themselves by name, for objects whose names lead nowhere.
WITHOUT_NAME: dict[type, Callable[[Any], Any]] = {
    functools._lru_cache_wrapper: _reduce_lru_cache,
    typing.ParamSpec: _reduce_by_name_alone,
    typing.TypeVarTuple: _reduce_by_name_alone,
}


def complete_class(cls: type, reduced: tuple[Any, ...]) -> None:
    """Adds what cloudpickle leaves out of a class."""
    _, arguments, (names, _), *_ = reduced
    names["__qualname__"] = cls.__qualname__  # a class within a class is found by this
    slots = vars(cls).get("__slots__")
    generic = "__orig_bases__" in vars(cls)  # a NamedTuple is among them, and refuses slots
    if isinstance(slots, str | tuple | list) and (slots or not generic) and not isinstance(cls, enum.EnumMeta):
        arguments[3]["__slots__"] = slots
