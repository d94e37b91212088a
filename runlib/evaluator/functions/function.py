"""Implements ``eval_function``, which uses a Python function as the evaluator.

The config holds the name of the function, never its code. ``fingerprint`` shows whether the function still does the
same. A worker gets the function itself, by value if it was defined in the script.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping
from typing import Any, Self

from runlib.engine.code.naming import find_function, name_function
from runlib.errors import ConfigError
from runlib.evaluator.base import Evaluator
from runlib.evaluator.functions.asynchronous import refuse_asynchronous
from runlib.evaluator.functions.calling import Caller, takes_nothing
from runlib.evaluator.functions.fingerprint import fingerprint_code, fingerprint_function

__all__ = ["FunctionEvaluator"]


class FunctionEvaluator(Evaluator):
    """Calls a function with the suggestion and takes what it returns, a loss or a dict with ``loss``.

    The function gets the keys of the suggestion as keywords if they fit its parameters. Otherwise it gets the whole
    suggestion if it has one parameter for it; ``calling`` has the exact rules. A function without any parameter is
    called without the suggestion; a run takes one only if its search space has no parameter either.

    Attributes:
        without_suggestion: Whether the function is called without the suggestion, whatever that is; the run sets it.

    Args:
        function: A callable, or its name: ``"module:name"`` or ``"file.py:name"`` (a file in the working folder, or
            next to the config).
        context: Not used.

    Raises:
        ConfigError: The name leads to nothing that can be called.
    """

    kind = "eval_function"
    also_called = ("callable", "fn", "func")
    without_suggestion = False

    def __init__(self, function: Callable[..., Any] | str, context: Mapping[str, Any] | None = None) -> None:
        super().__init__(context)
        self.function = function
        self._target = _find(function)
        # The name is kept, because in a worker no name leads to a function that was pickled by value.
        self._name = function if isinstance(function, str) else name_function(function)

    @property
    def name(self) -> str:
        """Returns the name of the function, as in the config."""
        return self._name

    @property
    def target(self) -> Callable[..., Any]:
        """Returns the function itself."""
        return self._target

    def known_as(self, name: str) -> Self:
        """Returns the same evaluator under another name, by which a tape knows the function."""
        other = copy.copy(self)
        other._name = name
        return other

    def _get_config(self) -> dict[str, Any]:
        return {"function": self._name}

    @functools.cached_property
    def _caller(self) -> Caller:
        return Caller(self._target)

    def __call__(self, suggestion: Any) -> Any:
        """Returns the result of the function.

        Raises:
            TypeError: The keys of the suggestion do not fit the parameters of the function.
        """
        return self._target() if self.without_suggestion else self._caller(suggestion)

    def mismatch(self, suggestion: Any) -> str:
        """Returns why the function cannot be called with a suggestion, and what it should take; empty if it can."""
        return self._caller.mismatch(suggestion)

    @property
    def takes_nothing(self) -> bool:
        """Returns whether the function has no parameter."""
        return takes_nothing(self._target)

    @property
    def bare_name(self) -> str:
        """Returns the name of the function without its module."""
        return getattr(self._target, "__name__", type(self._target).__name__)

    def is_found_by_config(self) -> bool:
        """Returns whether the name of the function leads to it in a process that does not run this script."""
        return "<" not in self._name and not name_function(self._target).startswith("__main__:")

    def fingerprint(self) -> str | None:
        """Returns a hash of the function's source, or None if it has none; the same in every process."""
        return fingerprint_function(self._target)

    def fingerprint_code(self) -> str | None:
        """Returns a hash of the function's compiled code; it is the same under every name, in one version of Python."""
        return fingerprint_code(self._target)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_caller"}


def _find(function: Any) -> Callable[..., Any]:
    try:
        found: Any = find_function(function) if isinstance(function, str) else function
    except ConfigError as error:
        raise error.under("function") from error.__cause__
    if not callable(found):
        raise ConfigError(f"must be callable, or its name 'module:name', got {found!r}", "function")
    try:
        refuse_asynchronous(found)
    except ConfigError as error:
        raise error.under("function") from None
    target: Callable[..., Any] = found
    return target
