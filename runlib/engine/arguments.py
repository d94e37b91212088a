"""Explains keywords that a call does not take: the error suggests the keyword that was probably meant.

For ``Float(lower=0)`` the message is "Float takes low, not lower". A class derives from ``KnownArguments`` to get this
for its constructor. ``known_arguments`` does the same for its methods and for functions. The error is also a
``TypeError``, like Python's own. Signatures stay unchanged.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self, TypeVar, cast

from runlib.engine.data.native import is_column
from runlib.engine.synonyms import UNITS, near
from runlib.errors import ConfigError, UnknownArgument

__all__ = ["KnownArguments", "argument_hint", "by_position", "known_arguments", "listed", "refuse_unknown"]

CLOSE = 0.8  # Two words that differ in a letter or two are at least this similar.

T = TypeVar("T")
_FREE = inspect.Parameter.VAR_KEYWORD
_UNNAMED = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)


class KnownArguments:
    """Is a base class for classes whose constructor suggests the keyword that was meant."""

    __slots__ = ()

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Checks the keywords before ``__init__`` takes them.

        Raises:
            UnknownArgument: A keyword is not among the arguments of ``__init__``.
        """
        if kwargs:
            refuse_unknown(cls.__name__, kwargs, keywords(cls.__init__), cls._where_instead)
        make = super().__new__
        return make(cls) if make is object.__new__ else make(cls, *args, **kwargs)

    @classmethod
    def _where_instead(cls, word: str) -> str:
        """Returns a sentence that says where to set something that is no argument here; empty if that is unknown."""
        return ""


@functools.lru_cache(maxsize=1000)
def keywords(function: Any) -> tuple[str, ...] | None:
    """Returns the arguments of a function or method that can be given by name; None if it takes any name."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # The function is not written in Python.
        return None
    if any(parameter.kind is _FREE for parameter in parameters):
        return None
    return tuple(p.name for p in parameters if p.kind not in _UNNAMED and p.name not in ("self", "cls"))


def refuse_unknown(
    callee: str, given: Iterable[str], known: Sequence[str] | None, where: Callable[[str], str] | None = None
) -> None:
    """Raises an error if a given keyword is not known.

    Raises:
        UnknownArgument: A keyword is unknown. The message has the keyword that was meant, or says where to set it.
    """
    unknown = [] if known is None else [name for name in given if name not in known]
    if not unknown or known is None:
        return
    meant = {name: found for name in unknown if (found := _meant(name, known, where))}
    if meant:
        takes = [f"{name} ({UNITS[name]})" if name in UNITS else name for name in dict.fromkeys(meant.values())]
        raise UnknownArgument(f"{callee} takes {_listed(takes)}, not {_listed(meant)}")
    all_of_it = _listed(name for name in known if not name.startswith("_")) or "no keywords"
    instead = where(unknown[0]) if where is not None else ""
    raise UnknownArgument(f"{callee} does not take {unknown[0]}; {instead or f'it takes {all_of_it}'}")


def argument_hint(word: str, known: Sequence[str], where: Callable[[str], str]) -> str:
    """Returns the hint for an unknown argument in a config: the argument that was meant, or all that exist."""
    meant = _meant(word, known, where)
    return f"did you mean {meant!r}?" if meant else where(word) or f"it takes {', '.join(known) or 'none'}"


def _meant(word: str, known: Sequence[str], where: Callable[[str], str] | None) -> str:
    """Returns the argument that was probably meant; empty if none is similar or the word has its place elsewhere."""
    close = near(word, known, cutoff=CLOSE)
    if not close and where is not None and where(word):
        return ""
    return next(iter(close or near(word, known)), "")


def _listed(words: Iterable[str]) -> str:
    *first, last = [*words] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def listed(name: str, first: Any, more: tuple[Any, ...]) -> Any:
    """Returns arguments given one by one, ``StopAny(a, b)``, as the list that ``StopAny([a, b])`` gives.

    Raises:
        ConfigError: The call has a list and further arguments.
    """
    is_list = isinstance(first, list | tuple) or is_column(first)
    if is_list and more:
        raise ConfigError(f"takes them one by one or in one list, not both; got a list and {more[0]!r}", name)
    return first if is_list or (first is None and not more) else [first, *more]


def by_position(more: tuple[Any, ...], named: Sequence[Any]) -> tuple[Any, ...]:
    """Returns the values of named arguments, replaced in order by the positional arguments after a list.

    Raises:
        UnknownArgument: There are more positional arguments than named ones.
    """
    if len(more) > len(named):
        raise UnknownArgument(f"takes {len(named)} arguments behind a list, got {len(more)}")
    return (*more, *named[len(more) :])


def known_arguments(target: T) -> T:
    """Decorates a function, or all public methods of a class, so that an error explains an unknown keyword."""
    if not isinstance(target, type):
        return cast(T, _explained(cast(types.FunctionType, target), None))
    for name in dir(target):
        found = inspect.getattr_static(target, name)
        if name.startswith("_") or name in vars(object):
            continue
        if isinstance(found, types.FunctionType):
            setattr(target, name, _explained(found, target))
        elif isinstance(found, classmethod):
            setattr(target, name, classmethod(_explained(found.__func__, target)))
    return target


def _explained(function: Any, owner: Any) -> Any:
    callee = function.__name__ if owner is None else f"{owner.__name__}.{function.__name__}"
    where = getattr(owner, "_where_instead", None)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            refuse_unknown(callee, kwargs, keywords(function), where)
        return function(*args, **kwargs)

    return call
