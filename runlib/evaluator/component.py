"""Makes an evaluator from any component that can be called, and adds what the run needs beside the call.

The config is that of the component, so the tape names the component and not its wrapper.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, cast

from runlib.engine import registry
from runlib.engine.component import Component, from_config
from runlib.errors import ConfigError, UnknownKind
from runlib.evaluator.base import Evaluator
from runlib.evaluator.functions.asynchronous import refuse_asynchronous
from runlib.evaluator.functions.calling import Caller
from runlib.evaluator.functions.function import FunctionEvaluator

__all__ = ["ComponentEvaluator", "as_evaluator"]


class ComponentEvaluator(Evaluator, abstract=True):
    """Calls a component that is no ``Evaluator``, with the whole suggestion.

    A component that cannot be called with a single argument gets the keys of the suggestion as keywords.

    Attributes:
        component: The component that is called.

    Args:
        component: The component to call.
    """

    def __init__(self, component: Component) -> None:
        super().__init__(component.__dict__.get("given_context"))
        self.component: Any = component
        vars(self)["kind"] = component.kind

    def get_config(self) -> dict[str, Any]:
        """Returns the config of the component."""
        config: dict[str, Any] = self.component.get_config()
        return config

    def __call__(self, suggestion: Any) -> Any:
        """Returns the result of the component.

        Raises:
            TypeError: The suggestion does not fit the parameters of its ``__call__``.
        """
        return self.component(suggestion) if _takes_one(self.component) else Caller(self.component)(suggestion)

    def fingerprint(self) -> str | None:
        """Returns the fingerprint of the component, if it has one."""
        own = getattr(self.component, "fingerprint", None)
        said = own() if callable(own) else None
        return said if isinstance(said, str) else None


def _takes_one(function: Any) -> bool:
    try:
        inspect.signature(function).bind({})
    except TypeError:
        return False
    except ValueError:  # Python does not know its signature.
        return True
    return True


def as_evaluator(given: Any, context: Mapping[str, Any] | None) -> Evaluator:
    """Returns the evaluator for a given component that can be called, its config, a function, or its name.

    Raises:
        ConfigError: It is none of these, or asynchronous; with the place below the evaluator.
    """
    if _is_function(given):
        return FunctionEvaluator(given, context=context)
    if isinstance(given, Component):
        made = given
    else:
        made = _made(given, context)
    if not isinstance(made, Evaluator) and not _can_be_called(type(made)):
        name = type(made).__name__
        raise ConfigError(
            f"expected an Evaluator, got {'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}; a component of your own "
            "serves if it has __call__(self, suggestion), which returns the loss"
        )
    if isinstance(made, Evaluator):
        return made
    refuse_asynchronous(cast(Callable[..., Any], made))
    return ComponentEvaluator(made)


def _made(given: Any, context: Mapping[str, Any] | None) -> Component:
    try:
        return from_config(given, context=context, family=Component if _is_config_of_callable(given) else Evaluator)
    except UnknownKind as error:
        if not isinstance(given, str):
            raise
        if given.endswith(".py"):
            raise ConfigError(f"{given} is a file; the function in it is named behind a colon: {given}:NAME") from None
        function = f"a function is written 'module:name' or 'file.py:name', got {given!r}"
        raise UnknownKind(f"{function}; {error.reason}", error.path) from None


def _is_function(given: Any) -> bool:
    if isinstance(given, str):
        return ":" in given  # It is module:name, and not a kind.
    is_class = isinstance(given, type) and issubclass(given, Component)  # An object of the class was meant.
    return callable(given) and not is_class and not isinstance(given, Component)


def _is_config_of_callable(given: Any) -> bool:
    """Returns whether the kind in a config is that of a component that can be called, and is no ``Evaluator``."""
    kind = next(iter(given)) if isinstance(given, Mapping) and len(given) == 1 else given
    if not isinstance(kind, str):
        return False
    try:
        found = registry.lookup(kind)
    except ConfigError:
        return False
    return not issubclass(found, Evaluator) and _can_be_called(found)


def _can_be_called(cls: type) -> bool:
    """Returns whether objects of a class are called with suggestions; those of runlib's other families are not."""
    families = [base for base in cls.__mro__ if base.__module__.startswith("runlib.") and base not in Component.__mro__]
    return not families and any("__call__" in vars(base) for base in cls.__mro__)
