"""Defines components: objects that can be written as configs ``{kind: {arguments}}`` and made from them.

A component stores its arguments unchanged under their own names. Its config is derived from the signature of
``__init__``. The config determines the result. The context only says how the result is computed (workers, devices,
paths, durability). It merges the defaults of the class with the given values, and it is never hashed.
"""

from __future__ import annotations

import inspect
import reprlib
import weakref
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar, cast

from runlib.engine import registry
from runlib.engine.arguments import KnownArguments, argument_hint, known_arguments
from runlib.engine.data.canonical import compute_hash
from runlib.engine.data.copies import copied
from runlib.engine.data.plain import MAX_DEPTH, NotPlain, plain
from runlib.errors import ConfigError, RunlibError

__all__ = ["Component", "from_config", "is_config", "merge_context", "to_config"]

_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)

C = TypeVar("C", bound="Component")


class Component(KnownArguments):
    """Is the base class of everything that a config can name.

    A subclass is registered when it is defined, under ``kind`` or else its lower-case name::

        class Gaussian(Component):
            kind = "gaussian"
            default_context = {"threads": 1}

            def __init__(self, ls, context=None):
                super().__init__(context)
                self.ls = ls

    Args:
            context: The settings of how things are computed, which override the defaults of the class. A dict under the
                component's own kind applies to this component alone. ``build`` passes the context to nested components.

        Attributes:
            also_called: The names by which other tools call what this class does. An error about such a name suggests
                this class.
    """

    kind: ClassVar[str]
    also_called: ClassVar[tuple[str, ...]] = ()
    _abstract: ClassVar[str] = "Component"
    default_context: ClassVar[Mapping[str, Any]] = {}
    earlier_defaults: ClassVar[Mapping[str, Any]] = {}  # See runlib.engine.earlier.
    given_context: Mapping[str, Any]

    def __init_subclass__(cls, abstract: bool = False, **options: Any) -> None:
        super().__init_subclass__(**options)
        # It stores the name and not a flag, since cloudpickle leaves out values identical to those of the base class.
        cls._abstract = cls.__name__ if abstract else ""
        if abstract:
            return
        if "kind" not in cls.__dict__:
            cls.kind = cls.__name__.lower()
        registry.register_definition(cls)

    @classmethod
    def read_short(cls, given: Any) -> Any:
        """Converts a short form into a component or config of this family; a stop, for example, reads 40 as 40 trials.

        A family with short forms overrides this method. It returns a value that it does not know unchanged.

        Raises:
            ConfigError: The value is something else, and the message can say what to do with it.
        """
        return given

    @classmethod
    def _where_instead(cls, word: str) -> str:
        own = cls.__module__.partition(".")[0] == __name__.partition(".")[0]
        return registry.where_instead(word, cls) if own else ""  # A user's class may use these names for other things.

    def __init__(self, context: Mapping[str, Any] | None = None) -> None:
        if context is not None or "given_context" not in self.__dict__:
            self.given_context = _checked_context(context)

    @property
    def context(self) -> dict[str, Any]:
        """Returns a copy of the context: defaults of the class, then given values, then the dict under the own kind."""
        known = self.__dict__
        if "_context" not in known:
            known["_context"] = merge_context(type(self), known.get("given_context", {}))
        return cast(dict[str, Any], copied(known["_context"]))

    @context.setter
    def context(self, given: Mapping[str, Any] | None) -> None:
        # A class that assigns ``self.context`` like an argument gets the same effect as super().__init__(context).
        self.given_context = _checked_context(given)
        self.__dict__.pop("_context", None)

    def get_config(self) -> dict[str, Any]:
        """Returns ``{kind: {arguments}}`` as plain data.

        Raises:
            ConfigError: An argument is not stored under its name, or its value is not plain data.
        """
        kind = getattr(type(self), "kind", None)
        if kind is None:
            raise ConfigError(f"{type(self).__qualname__} is abstract and has no config")
        try:
            return {kind: plain(self._get_config())}
        except NotPlain as error:
            raise ConfigError(f"{error.reason}, so it cannot stand in a config", error.path).under(kind) from None
        except ConfigError as error:
            raise error.under(kind) from error.__cause__

    def _get_config(self) -> dict[str, Any]:
        """Returns the arguments alone. A class that stores them in another way overrides this method."""
        config: dict[str, Any] = {}
        for name, parameter in _arguments(type(self)).items():
            if name == "context":
                continue
            value = self._argument(name)
            if parameter.kind is parameter.VAR_KEYWORD and isinstance(value, Mapping):
                config.update(to_config(value))
            elif parameter.kind in _VARIABLE:
                raise ConfigError(f"{parameter} has no place in a config; take a list or a dict, or write _get_config")
            else:
                config[name] = _to_config_at(name, value, 0)
        return config

    def _argument(self, name: str) -> Any:
        if name not in self.__dict__ and not hasattr(self, name):
            raise ConfigError(
                f"{type(self).__qualname__}.__init__ takes {name!r} but does not store it as self.{name}; "
                "store it, or write _get_config"
            )
        return getattr(self, name)

    def get_config_hash(self) -> str:
        """Returns a hash of the config: 32 hexadecimal digits, the same in every process."""
        return compute_hash(self.get_config())

    def build(self, argument: str, config: Any, family: type[C]) -> C:
        """Returns a nested component, which is given as an object or a config, with the context of this component.

        Raises:
            ConfigError: The config is wrong, as in ``from_config``. The path contains ``argument``.
        """
        try:
            return from_config(config, context=self.__dict__.get("given_context", {}), family=family)
        except ConfigError as error:
            raise error.under(argument) from error.__cause__

    def __repr__(self) -> str:
        try:
            [arguments] = self.get_config().values()
        except Exception:  # The object is incomplete or does not store its arguments; repr() must still answer.
            return f"<{type(self).__qualname__}>"
        inner = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        return f"{type(self).__qualname__}({inner})"


def merge_context(cls: type[Component], given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the context of a component of class ``cls`` that got ``given`` as its context."""
    merged: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        merged.update(base.__dict__.get("default_context", {}))
    merged.update(given)
    own = given.get(getattr(cls, "kind", ""), {})
    return {**merged, **own} if isinstance(own, Mapping) else merged


def _checked_context(context: Any) -> dict[str, Any]:
    if context is not None and not isinstance(context, Mapping):
        raise ConfigError(f"a context is a dict, got {_short(context)}")
    return dict(context or {})


_known_arguments: weakref.WeakKeyDictionary[type, dict[str, inspect.Parameter]] = weakref.WeakKeyDictionary()


def _arguments(cls: Any) -> dict[str, inspect.Parameter]:
    if cls not in _known_arguments:
        # The unbound function is inspected, so that a class without an __init__ of its own has no arguments.
        parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
        _known_arguments[cls] = {parameter.name: parameter for parameter in parameters}
    return _known_arguments[cls]


def is_config(value: Any) -> bool:
    """Returns whether ``value`` has the form ``{kind: {arguments}}``."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return False
    [(kind, arguments)] = value.items()
    return isinstance(kind, str) and (arguments is None or isinstance(arguments, Mapping))


@known_arguments
def from_config(config: Any, *, context: Mapping[str, Any] | None = None, family: type[C] | None = None) -> C:
    """Returns the component that a config describes.

    Args:
        config: The config ``{kind: {arguments}}``, or the bare kind if it needs no arguments. A component is
            returned as it is.
        context: The context that is passed to the component.
        family: The class that the component must belong to.

    Raises:
        UnknownKind: The kind is not registered.
        ConfigError: The form is wrong, an argument is unknown or missing, or the component refuses a value.
    """
    if family is not None and not isinstance(config, Component):
        config = family.read_short(config)
    if isinstance(config, Component):
        if family is not None and not isinstance(config, family):
            raise ConfigError(f"expected {_a(family.__name__)}, got {_a(type(config).__name__)}")
        return cast(C, config)
    kind, given = _split(config, family)
    cls = registry.lookup(kind, family)
    try:
        arguments = _named(cls, given)
        return cast(C, _make(cls, arguments, context))
    except ConfigError as error:
        raise error.under(kind) from error.__cause__
    except NotPlain as error:
        raise ConfigError(error.reason, error.path).under(kind) from None
    except RunlibError:
        raise
    except Exception as error:  # Any error of the component about a value becomes one sentence with its place.
        raise ConfigError(f"{type(error).__name__}: {error}", kind) from error


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiouAEIOU' else 'a'} {noun}"


def _split(config: Any, family: type | None) -> tuple[str, Any]:
    wanted = f"{_a(family.__name__.lower())} is" if family is not None else "a component is"
    if isinstance(config, str):
        return config, {}
    if isinstance(config, type):
        raise ConfigError(f"takes an object, got the class {config.__name__}; write {config.__name__}(...)")
    if not isinstance(config, Mapping) or len(config) != 1:
        raise ConfigError(f"{wanted} written {{kind: {{arguments}}}}, with one kind, got {_short(config)}")
    [(kind, arguments)] = config.items()
    if not isinstance(kind, str):
        raise ConfigError(f"{wanted} written {{kind: {{arguments}}}}, with a text as kind, got {_short(config)}")
    return kind, arguments


def _named(cls: Any, given: Any) -> dict[str, Any]:
    """Returns the arguments by their names, so that ``{stop_max: 100}`` means ``StopMax(100)`` in Python."""
    if given is None or isinstance(given, Mapping):
        return dict(given or {})
    names = [name for name, p in _arguments(cls).items() if p.kind not in _VARIABLE and name != "context"]
    needed = [name for name in names if _arguments(cls)[name].default is inspect.Parameter.empty]
    if len(needed or names[:1]) != 1 or (needed or names)[0] != names[0]:
        raise ConfigError(f"takes a dict of arguments ({', '.join(names) or 'it has none'}), got {_short(given)}")
    return {names[0]: given}


def _make(cls: Any, arguments: dict[str, Any], context: Mapping[str, Any] | None) -> Any:
    known = _arguments(cls)
    _check_names(cls, arguments, known)
    if "context" in known:
        arguments = {**arguments, "context": context}
    if any("__new__" in vars(base) for base in cls.__mro__[:-1] if base is not KnownArguments):
        return cls(**arguments)
    made = cls.__new__(cls)
    # This is set before __init__, so that ``build`` and ``context`` work without a call of super().__init__().
    made.given_context = _checked_context(context)
    cls.__init__(made, **arguments)
    return made


def _check_names(cls: Any, arguments: dict[str, Any], known: dict[str, inspect.Parameter]) -> None:
    named = {name: p for name, p in known.items() if p.kind not in _VARIABLE and name != "context"}
    free = any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values())
    for name in arguments:
        if (name not in named and not free) or name == "context":
            hint = argument_hint(str(name), list(named), cls._where_instead)
            raise ConfigError(f"unknown argument {_short(name)}; {hint}")
    for name, parameter in named.items():
        if parameter.default is parameter.empty and name not in arguments:
            raise ConfigError(f"the argument {name!r} is missing")


_brief = reprlib.Repr()
_brief.maxstring = _brief.maxother = 60


def _short(value: Any, limit: int = 80) -> str:
    try:
        text = _brief.repr(value)
    except ValueError:  # The integer has more digits than Python converts to text.
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= limit else f"{text[:limit]}..."


@known_arguments
def to_config(value: Any, depth: int = 0) -> Any:
    """Returns the config of a component, or lists and dicts with their components replaced by configs.

    Raises:
        ConfigError: A component inside has no config. The message names its place.
    """
    if isinstance(value, Component):
        return value.get_config()
    if depth > MAX_DEPTH:  # The value may contain itself. Callers that need plain data report the error.
        return value
    if isinstance(value, Mapping):
        return {key: _to_config_at(key, item, depth) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_to_config_at(index, item, depth) for index, item in enumerate(value)]
    return value


def _to_config_at(place: Any, value: Any, depth: int) -> Any:
    try:
        return to_config(value, depth + 1)
    except ConfigError as error:
        raise error.under(str(place)) from error.__cause__
