"""Describes why an object cannot be sent to a worker. One sentence names the path to the part that is at fault."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType, MethodType, ModuleType
from typing import Any

from runlib.pool.processes.payload.names import code_names

__all__ = ["Step", "describe_fault", "describe_way", "parts_of", "type_name"]

Step = tuple[str, Any]  # the description of a part, and the part
SHOWN = 4  # steps; later ones are unknown to the user
ADVICE = "make it inside the function, or use pool_serial"


def describe_fault(thing: Any, reason: Exception, is_sendable: Callable[[Any], bool]) -> str:
    """Returns a sentence about what is at fault and what to do.

    Args:
        thing: The object that cannot be pickled.
        reason: The error that pickling raised.
        is_sendable: A function that returns whether an object can be pickled.
    """
    steps = list(_way(thing, is_sendable, frozenset()))
    if not steps:
        return f"it cannot be pickled ({type(reason).__name__}: {reason}); {ADVICE}"
    return describe_way(steps, "cannot be pickled", f" ({reason})")


def describe_way(steps: list[Step], fault: str, reason: str = "") -> str:
    """Returns the sentence for a path: which code uses the part at its end, what is wrong with it, and what to do."""
    # The user looks at the last function on the path; how it is reached does not matter.
    begin = max((number for number, (_, value) in enumerate(steps[:-1], 1) if _is_code(value)), default=0)
    shown = steps[begin : begin + SHOWN]
    where = ", in it the ".join(f"{name} of type {type_name(type(value))}" for name, value in shown)
    if begin:
        return f"{_code_name(steps[begin - 1][1])} uses the {where}, which {fault}; {ADVICE}"
    return f"its {where} {fault}{reason}; make it when it is first used, or use pool_serial"


def _way(thing: Any, is_sendable: Callable[[Any], bool], seen: frozenset[int]) -> Iterator[Step]:
    for name, part in parts_of(thing):
        if id(part) not in seen and not is_sendable(part):
            yield name, part
            yield from _way(part, is_sendable, seen | {id(thing), id(part)})
            return


def parts_of(thing: Any) -> Iterator[Step]:
    """Yields the parts of a value, each with its description."""
    if isinstance(thing, FunctionType):
        yield from _parts_of_function(thing)
    elif isinstance(thing, type):
        yield from (("base class", base) for base in thing.__bases__)
        yield from _attributes(vars(thing))
    elif isinstance(thing, Mapping):
        yield from ((f"item {key!r}", value) for key, value in thing.items())
    elif isinstance(thing, list | tuple | set | frozenset):
        yield from ((f"element {number}", value) for number, value in enumerate(thing))
    elif isinstance(thing, ModuleType):
        yield from _attributes({name: value for name, value in vars(thing).items() if not name.startswith("__")})
    else:
        yield from _parts_of_object(thing)


def _parts_of_function(function: FunctionType) -> Iterator[Step]:
    names = dict.fromkeys(code_names(function.__code__))
    yield from ((f"global {name!r}", function.__globals__[name]) for name in names if name in function.__globals__)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield f"variable {name!r}", cell.cell_contents
        except ValueError:
            continue  # it has no value yet
    yield from ((f"default value {value!r}", value) for value in function.__defaults__ or ())
    yield from ((f"default value {name!r}", value) for name, value in (function.__kwdefaults__ or {}).items())
    yield from _attributes(vars(function))


def _parts_of_object(thing: Any) -> Iterator[Step]:
    if isinstance(thing, functools.partial):
        yield from [("function", thing.func), ("arguments", thing.args), ("keywords", thing.keywords)]
    if isinstance(thing, MethodType):
        yield from [("object", thing.__self__), ("function", thing.__func__)]
    inner = [getattr(thing, name, None) for name in ("__wrapped__", "__func__", "fget", "func")]
    yield from (("function", function) for function in inner if isinstance(function, FunctionType))
    yield from _attributes(_state(thing))
    yield "class", type(thing)


def _state(thing: Any) -> dict[str, Any]:
    """Returns the attributes that are pickled."""
    try:
        state = thing.__getstate__()
    except Exception:  # a class of the user may raise anything; the path ends at this object
        return {}
    parts = state if isinstance(state, tuple) else (state,)
    return {name: value for part in parts if isinstance(part, dict) for name, value in part.items()}


def _attributes(names: Mapping[str, Any]) -> Iterator[Step]:
    return ((f"attribute {name!r}", value) for name, value in names.items())


def _is_code(value: Any) -> bool:
    return isinstance(value, FunctionType | type)


def _code_name(code: Any) -> str:
    return f"the {'class' if isinstance(code, type) else 'function'} {code.__qualname__!r}"


def type_name(cls: type) -> str:
    """Returns the name of a type for the user, with its module unless that says nothing."""
    plain = cls.__module__ in ("builtins", "_thread", "__main__")
    return cls.__qualname__ if plain else f"{cls.__module__}.{cls.__qualname__}"
