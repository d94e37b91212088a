"""Finds the signature that the caller of a function has to use, also behind a decorator.

``inspect.signature`` looks through each decorator that names what it wraps (``functools.wraps``), although the wrapper
is called and may take something else: ``g(params)`` around ``h(x, k)``. It cannot look through a decorator that does
not. Here a wrapper's own signature counts, unless it takes anything. Then the arguments go to what it wraps:
``__wrapped__``, or the only function among the variables or attributes that it holds.
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
    """Returns the signature to call a function by, with annotations evaluated if possible; None if it has none."""
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
            # This raises for a function that wraps itself, which the evaluation would follow without end.
            inspect.unwrap(function)
            return inspect.signature(function, follow_wrapped=False, eval_str=evaluated)
        except (TypeError, ValueError):
            return None
        # An annotation may raise anything if it names something that is not known here.
        except Exception:
            continue
    return None


def _takes_anything(signature: inspect.Signature) -> bool:
    """Returns whether the parameters are ``*args`` and ``**kwargs``, and besides them only optional keywords."""
    parameters = signature.parameters.values()
    kinds = {parameter.kind for parameter in parameters}
    rest = [parameter for parameter in parameters if parameter.kind not in _FREE]
    return kinds.issuperset(_FREE) and all(map(_is_optional_keyword, rest))


def _is_optional_keyword(parameter: inspect.Parameter) -> bool:
    return parameter.kind is parameter.KEYWORD_ONLY and parameter.default is not parameter.empty


def _wrapped(function: Any) -> Any:
    """Returns what a wrapper calls with its arguments; None if that is not known."""
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
    """Returns the variables that a function has from the function around it."""
    values = []
    for cell in function.__closure__ or ():
        try:
            values.append(cell.cell_contents)
        except ValueError:
            continue  # It has no value yet.
    return values


def _only(values: list[Any]) -> Any:
    """Returns the only function among the values; None if there are several, or none."""
    found = [value for value in values if isinstance(value, types.FunctionType | types.MethodType | functools.partial)]
    return found[0] if len(found) == 1 else None
