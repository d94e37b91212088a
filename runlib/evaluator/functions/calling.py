"""Calls a function with a suggestion: its keys as keywords, or the whole suggestion as one argument.

1. A suggestion that is no dict is passed as it is.
2. If its first parameter is annotated as a dict, a function gets the whole suggestion. (If the suggestion has a dict
   under the name of this parameter, the function gets that dict, by the next rule.)
3. If the keys of the suggestion fit the parameters, they are passed as keywords.
4. Otherwise a function that can be called with one argument gets the whole suggestion, if this is clearly meant: its
   first parameter is not annotated as a number, text or bool, and none of its parameters has the name of a key of the
   suggestion. Its other parameters keep their defaults.
5. Otherwise the call is a TypeError that says what is missing and what is not taken.

If Python does not know the signature of a function (some built-in ones), it gets the whole suggestion. A function
without any parameter is called without the suggestion, if that is empty.

The parameters are those of the called object: of a decorator's wrapper, not of the function inside. Only a wrapper that
takes anything, ``(*args, **kwargs)``, is looked through (see ``wrappers.py``).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from runlib.evaluator.functions.annotations import is_dict, is_single
from runlib.evaluator.functions.wrappers import signature_of

__all__ = ["Caller", "takes_nothing", "without_parameters"]

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class Caller:
    """Calls one function with suggestions, by the rules at the head of this module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.signature = signature_of(function)
        # They are read once, because reading annotations takes longer than many evaluations.
        first = None if self.signature is None else _first(self.signature)
        self._is_of_dict = first is not None and is_dict(first.annotation)

    def __call__(self, suggestion: Any) -> Any:
        """Returns the result of the function.

        Raises:
            TypeError: The keys of the suggestion do not fit the parameters.
        """
        if not isinstance(suggestion, dict) or self.signature is None:
            return self.function(suggestion)
        if self._is_of_dict and _asks_for_whole(self.signature, suggestion):
            return self.function(suggestion)
        if _fits(self.signature, suggestion):
            return self.function(**suggestion)
        if _takes_whole(self.signature, suggestion):
            return self.function(suggestion)
        raise TypeError(_mismatch(self.function, self.signature, suggestion))

    def mismatch(self, suggestion: Any) -> str:
        """Returns why the function cannot be called with the suggestion; empty if it can."""
        if not isinstance(suggestion, dict) or self.signature is None:
            return ""
        whole = self._is_of_dict and _asks_for_whole(self.signature, suggestion)
        if whole or _fits(self.signature, suggestion) or _takes_whole(self.signature, suggestion):
            return ""
        return _mismatch(self.function, self.signature, suggestion)


def takes_nothing(function: Callable[..., Any]) -> bool:
    """Returns whether a function is known to have no parameter."""
    signature = signature_of(function)
    return signature is not None and not signature.parameters


def _asks_for_whole(signature: inspect.Signature, suggestion: dict[str, Any]) -> bool:
    """Returns whether a first parameter that is a dict means the whole suggestion."""
    first = _first(signature)
    if first is None or not _takes_one(signature):
        return False
    return not isinstance(suggestion.get(first.name), dict) or not _fits(signature, suggestion)


def _first(signature: inspect.Signature) -> inspect.Parameter | None:
    first = next(iter(signature.parameters.values()), None)
    return first if first is not None and first.kind in _POSITIONAL else None


def _takes_one(signature: inspect.Signature) -> bool:
    try:
        signature.bind({})
    except TypeError:
        return False
    return True


def _fits(signature: inspect.Signature, keywords: dict[str, Any]) -> bool:
    try:
        signature.bind(**keywords)
    except TypeError:
        return False
    return True


def _takes_whole(signature: inspect.Signature, suggestion: dict[str, Any]) -> bool:
    if not _takes_one(signature):
        return False
    first = _first(signature)
    named = any(name in suggestion for name in _keywords(signature))
    return not named and (first is None or not is_single(first.annotation))


def _keywords(signature: inspect.Signature) -> list[str]:
    kinds = (*_VARIABLE, inspect.Parameter.POSITIONAL_ONLY)
    return [name for name, parameter in signature.parameters.items() if parameter.kind not in kinds]


def _mismatch(function: Any, signature: inspect.Signature, suggestion: Mapping[str, Any]) -> str:
    parameters = signature.parameters
    name = getattr(function, "__name__", type(function).__name__)
    if not parameters:
        return without_parameters(name, list(suggestion))
    required = [name for name in _keywords(signature) if parameters[name].default is inspect.Parameter.empty]
    missing = [name for name in required if name not in suggestion]
    free = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    unknown = [] if free else [key for key in suggestion if key not in _keywords(signature)]
    faults = [f"it needs {_list(missing)}, which the suggestion does not have"] if missing else []
    faults += [f"it does not take {_list(unknown)}"] if unknown else []
    reason = "; ".join(faults) or f"its parameters are {signature}"
    return (
        f"the function {name}{_short(signature)} does not fit the keys of the suggestion: {reason}; "
        "to get the suggestion as one dict, let it have one parameter, or annotate the first as dict"
    )


def without_parameters(name: str, keys: list[str]) -> str:
    """Returns what is wrong with a function without parameters, if the suggestion has keys."""
    named = [key for key in keys if key.isidentifier()][:4]
    each = f", or its keys: def {name}({', '.join(named)})" if named else ""
    return (
        f"the function {name}() has no parameter, so it does not take what is suggested; let it take the whole "
        f"suggestion: def {name}(params){each}"
    )


def _list(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _short(signature: inspect.Signature) -> str:
    return f"({', '.join(signature.parameters)})"
