"""Checks the exceptions in ``caught_exceptions`` and ``retries``, each of which is given as a name or as a class.

The manager cannot know which exceptions an evaluator may raise, because only the workers may import its modules. So an
unknown name is accepted. A warning is logged if it is nearly the name of a known exception.
"""

from __future__ import annotations

import builtins
from typing import Any

from runlib import errors
from runlib.engine.code.classes import class_name
from runlib.engine.extras import load
from runlib.engine.legible import logger
from runlib.errors import ConfigError

__all__ = ["check_name_of"]

ALIKE = 0.85  # the similarity of two names that differ in one letter of ten, or in the order of two letters

log = logger()


def check_name_of(given: Any, place: str) -> str:
    """Returns the name of an exception that is given as a name or as a class.

    Raises:
        ConfigError: The value is neither a name nor an exception class.
    """
    if isinstance(given, type) and issubclass(given, BaseException):
        return class_name(given)
    if not isinstance(given, str) or not given:
        raise ConfigError(f"takes an exception or its name, such as ValueError, got {given!r}", place)
    name = given.rpartition(".")[2] if given.replace(".", "_").isidentifier() else given
    if name not in (familiar := _names_in(builtins) | _names_in(errors)):
        _warn_of_near_name(name, place, familiar)
    return name


def _warn_of_near_name(name: str, place: str, familiar: set[str]) -> None:
    if not name.isidentifier():
        log.warning("%s: %r cannot be the name of an exception", place, name)
        return
    by_letters = {known.lower(): known for known in familiar}
    for meant in load("difflib").get_close_matches(name.lower(), by_letters, n=1, cutoff=ALIKE):
        if name not in _defined(BaseException, set()):
            log.warning("%s: no exception %s is known here; did you mean %s?", place, name, by_letters[meant])


def _names_in(module: Any) -> set[str]:
    return {
        name for name, found in vars(module).items() if isinstance(found, type) and issubclass(found, BaseException)
    }


def _defined(cls: type[BaseException], seen: set[type]) -> set[str]:
    """Returns the names of all exceptions that any module has defined so far."""
    seen.add(cls)
    names = {class_name(cls)}
    for derived in type.__subclasses__(cls):
        if derived not in seen:
            names |= _defined(derived, seen)
    return names
