"""How a function is called with a suggestion: its keys as keywords, or the whole suggestion as one argument.

1. A suggestion that is no dict is passed as it is.
2. If the keys of the suggestion fit the parameters, they are passed as keywords.
3. Otherwise a function that can be called with one argument gets the whole suggestion, provided that this is
   plainly meant: its first parameter is annotated as a dict; or it has only one positional parameter, not
   annotated as a number, text or bool, and none of its parameters is named like a key of the suggestion.
4. Otherwise the call is a TypeError which says what is missing and what is not taken.

A function whose signature Python does not know (some built-in ones) gets the whole suggestion.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Caller"]

_SCALARS = frozenset({"int", "float", "str", "bool", "complex"})
_DICTS = frozenset({"dict", "Mapping", "MutableMapping", "Dict"})
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class Caller:
    """Calls one function with suggestions, by the rule at the head of this module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        try:
            self.signature: inspect.Signature | None = inspect.signature(function)
        except (TypeError, ValueError):
            self.signature = None

    def __call__(self, suggestion: Any) -> Any:
        """What the function returns.

        Raises:
            TypeError: The keys of the suggestion do not fit the parameters.
        """
        if not isinstance(suggestion, dict) or self.signature is None:
            return self.function(suggestion)
        if _fits(self.signature, suggestion):
            return self.function(**suggestion)
        if _takes_whole(self.signature, suggestion):
            return self.function(suggestion)
        raise TypeError(_mismatch(self.function, self.signature, suggestion))


def _fits(signature: inspect.Signature, keywords: dict[str, Any]) -> bool:
    try:
        signature.bind(**keywords)
    except TypeError:
        return False
    return True


def _takes_whole(signature: inspect.Signature, suggestion: dict[str, Any]) -> bool:
    try:
        signature.bind(suggestion)
    except TypeError:
        return False
    first = next(iter(signature.parameters.values()))
    annotation = _annotation(first)
    if annotation in _DICTS:
        return True
    positional = [p for p in signature.parameters.values() if p.kind in _POSITIONAL]
    named = any(name in suggestion for name in _keywords(signature))
    return len(positional) <= 1 and not named and annotation not in _SCALARS


def _keywords(signature: inspect.Signature) -> list[str]:
    kinds = (*_VARIABLE, inspect.Parameter.POSITIONAL_ONLY)
    return [name for name, parameter in signature.parameters.items() if parameter.kind not in kinds]


def _annotation(parameter: inspect.Parameter) -> str:
    """The bare name of an annotation, which may be text: ``dict`` for ``dict[str, float]``."""
    annotation = parameter.annotation
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    return text.partition("[")[0].rpartition(".")[2]


def _mismatch(function: Any, signature: inspect.Signature, suggestion: Mapping[str, Any]) -> str:
    parameters = signature.parameters
    required = [name for name in _keywords(signature) if parameters[name].default is inspect.Parameter.empty]
    missing = [name for name in required if name not in suggestion]
    free = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    unknown = [] if free else [key for key in suggestion if key not in _keywords(signature)]
    faults = [f"it needs {_list(missing)}, which the suggestion does not have"] if missing else []
    faults += [f"it does not take {_list(unknown)}"] if unknown else []
    reason = "; ".join(faults) or f"its parameters are {signature}"
    name = getattr(function, "__name__", type(function).__name__)
    return (
        f"the function {name}{_short(signature)} does not fit the keys of the suggestion: {reason}; "
        "to get the suggestion as one dict, let it have one parameter, or annotate the first as dict"
    )


def _list(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _short(signature: inspect.Signature) -> str:
    return f"({', '.join(signature.parameters)})"
