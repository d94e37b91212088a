"""Converts functions to names and back: ``module:name`` or ``file.py:name``.

A config holds the name of a function, and the function is looked up when the component is made. ``__main__:name``
means a function of the running script, or of the script that started the run which is being restored. Some functions
cannot be found by a name: a lambda, a nested function, a partial, a method of an object. They still have a stable name,
marked by ``<...>``, and looking it up raises an error.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from runlib.engine.code.modules import import_file, import_named
from runlib.engine.code.script import main_module
from runlib.engine.code.starts import running
from runlib.engine.extras import load
from runlib.errors import ConfigError, NotTrusted

__all__ = ["find_function", "name_function"]


def name_function(function: Callable[..., Any]) -> str:
    """Returns the name of a function: ``module:name`` if the function can be found by that name.

    Otherwise the last part stands in ``<...>``. Such a name is stable, and ``find_function`` refuses it.
    """
    module = getattr(function, "__module__", None) or type(function).__module__
    name = _inner_name(function)
    if "<" not in name and not _leads_to(module, name, function):
        name = f"<{name}>"
    return f"{module}:{name}"


def _inner_name(function: Any) -> str:
    if isinstance(function, functools.partial):
        return f"<partial of {name_function(function.func)}>"
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", None)
    return str(name) if name else f"<{type(function).__qualname__} object>"


def _leads_to(module: str, name: str, function: Any) -> bool:
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    # Each access to a classmethod makes a new bound method, which is equal to the others but not identical.
    return found is function or (getattr(function, "__self__", None) is not None and bool(found == function))


def find_function(name: str) -> Callable[..., Any]:
    """Returns the function of a name.

    Raises:
        ConfigError: The name has another form, the module or the function does not exist or cannot be imported,
            or the name marks a function that cannot be found by its name.
    """
    place, colon, attribute = name.rpartition(":")
    if "<" in name:
        raise ConfigError(
            f"{name!r} cannot be found by its name: it is no function at the top of a module (but a lambda, nested, "
            "a partial, a method or an object); give the evaluator itself: evaluator=..., or on the command line "
            "--evaluator FILE.py:NAME"
        )
    if not colon or not place or not attribute:
        raise ConfigError(f"a function is written 'module:name' or 'file.py:name', got {name!r}")
    found: Any = _find_in_main(name, attribute) if place == "__main__" else _find_module(place)
    for part in attribute.split("."):
        found = _get(found, part, name)
    if not callable(found):
        raise ConfigError(f"{name!r} cannot be called: it is of type {type(found).__name__}")
    function: Callable[..., Any] = found
    return function


def _find_module(place: str) -> ModuleType:
    with running("module", place):
        module: ModuleType = import_file(place) if place.endswith(".py") else import_named(place)
    return module


def _find_in_main(name: str, attribute: str) -> ModuleType:
    first = attribute.partition(".")[0]
    try:
        main, script = main_module(first)
    except NotTrusted:
        raise
    except ConfigError as error:
        raise ConfigError(f"{name!r} {error}" if error.reason.startswith("was ") else str(error)) from error.__cause__
    if script is not None and not hasattr(main, first):
        raise ConfigError(f"{name!r} cannot be found: {script.lacks(first)}")
    return main


def _get(holder: Any, part: str, name: str) -> Any:
    if hasattr(holder, part):
        return getattr(holder, part)
    if name.startswith("__main__:"):
        raise ConfigError(
            f"{name!r} was defined in a script, and the one that is running has none; "
            "run that script, or give the evaluator itself: evaluator=..., or on the command line "
            "--evaluator FILE.py:NAME"
        )
    near = load("difflib").get_close_matches(part, dir(holder), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ConfigError(f"there is no {part!r} in {name.rpartition(':')[0]!r}{hint}")
