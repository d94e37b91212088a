"""The signature of a function as its caller has to keep to it, also behind a decorator.

Python's own ``inspect.signature`` looks through each decorator that says what it wraps (``functools.wraps``), though
the wrapper is what is called, and may take something else: ``g(params)`` around ``h(x, k)``. And it cannot look through
one that does not say so. Here a wrapper's own signature counts, unless it takes anything. What such a wrapper passes on
goes to what it wraps: ``__wrapped__``, or the only function among the variables or attributes that it holds.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable
from typing import Any

__all__ = ["signature_of"]

_DEEPEST = 50  # wrappers around each other
_FREE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def signature_of(function: Callable[..., Any]) -> inspect.Signature | None:
    """The signature by which to call a function, with annotations evaluated if they can be; None if it has none."""
    own = found = _read(function)
    for _ in range(_DEEPEST):
        if found is not None and not _takes_anything(found):
            return found
        inner = _wrapped(function)
        if inner is None:
            break
        function = inner
        found = _read(function)
    return own


def _read(function: Any) -> inspect.Signature | None:
    for evaluated in (True, False):
        try:
            inspect.unwrap(function)  # raises for one that wraps itself, which evaluating would follow without end
            return inspect.signature(function, follow_wrapped=False, eval_str=evaluated)
        except (TypeError, ValueError):
            return None
        except Exception:  # whatever an annotation raises, that names something not known here
            continue
    return None


def _takes_anything(signature: inspect.Signature) -> bool:
    """Whether the parameters are ``*args`` and ``**kwargs``, or beside them such as need not be given."""
    parameters = signature.parameters.values()
    kinds = {parameter.kind for parameter in parameters}
    rest = [parameter for parameter in parameters if parameter.kind not in _FREE]
    return kinds.issuperset(_FREE) and all(parameter.kind is parameter.KEYWORD_ONLY for parameter in rest)


def _wrapped(function: Any) -> Any:
    """What a wrapper calls with what it is given; None if that is not known."""
    if isinstance(function, functools.partial):
        inner = _wrapped(function.func)
        return None if inner is None else functools.partial(inner, *function.args, **function.keywords)
    if inspect.ismethod(function):
        return _bound(_wrapped(function.__func__), function.__self__)
    found = getattr(function, "__wrapped__", None)
    if found is not None or isinstance(function, type):
        return found if callable(found) else None
    if isinstance(function, types.FunctionType):
        return _only(_values_of(function))
    held = _only(list(getattr(function, "__dict__", {}).values()))
    call = type(function).__call__
    return held if held is not None or not inspect.isfunction(call) else _bound(_wrapped(call), function)


def _bound(function: Any, holder: Any) -> Any:
    return types.MethodType(function, holder) if isinstance(function, types.FunctionType) else function


def _values_of(function: types.FunctionType) -> list[Any]:
    """The variables that a function has from the function around it."""
    values = []
    for cell in function.__closure__ or ():
        try:
            values.append(cell.cell_contents)
        except ValueError:
            continue  # it has no value yet
    return values


def _only(values: list[Any]) -> Any:
    """The only function among the values; None if there are several, or none."""
    found = [value for value in values if isinstance(value, types.FunctionType | types.MethodType | functools.partial)]
    return found[0] if len(found) == 1 else None
