"""Provides what the dialects share: constants that stay data, typed parameters with the user's path, tables.

A dialect is a function from a space of another tool to the canonical form, which is plain data. An error names the
place where the user wrote the wrong part. Variables in runlib's own forms may stand anywhere in a dialect.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping
from typing import Any

from runlib.engine.data.native import native
from runlib.engine.data.plain import MAX_DEPTH, NotPlain
from runlib.engine.data.shape import shaped
from runlib.engine.data.yamlfile import Reread
from runlib.errors import SpaceError
from runlib.space.accidents import as_meant
from runlib.space.arithmetic.expression import Term, to_data
from runlib.space.files import is_path, read_space
from runlib.space.forms.markers import is_function
from runlib.space.forms.shapes import SHAPES, encoded
from runlib.space.nodes import same
from runlib.space.refusal import refused
from runlib.space.typed.alternatives import Categorical, Choice, Constant
from runlib.space.typed.parameter import Parameter

__all__ = [
    "NAMES",
    "canonical",
    "check_data",
    "check_depth",
    "constant",
    "drawn_by_place",
    "is_number",
    "is_own",
    "options",
    "own",
    "source",
    "table",
    "typed",
]

NAMES = ("amltk", "configspace", "hyperopt", "maggy", "neps")


def source(space: Any, path: str, reread: Reread | None = None) -> Any:
    """Returns the space that a dialect is given: the content of a file if it is a path, or else the space itself.

    Raises:
        SpaceError: The file cannot be read.
    """
    return native(read_space(space, path, reread) if is_path(space) else space)


def canonical(data: Any) -> Any:
    """Returns a whole space in a form in which a single key that names a dialect is not read as a dialect.

    Its lists of two numbers are lists in the dialect as well, so they cause no warning.
    """
    data = as_meant(data)
    return ["hp_merge", [data]] if isinstance(data, dict) and len(data) == 1 and next(iter(data)) in NAMES else data


def check_data(value: Any, path: str) -> Any:
    """Returns ``value`` as plain data, with its tuples in the form of a space.

    Raises:
        SpaceError: The value is not data.
    """
    try:
        return encoded(shaped(value))
    except NotPlain as error:
        raise refused(error, path) from None


def constant(value: Any, path: str) -> Any:
    """Returns data that does not vary, even if it looks like a variable."""
    data = check_data(value, path)
    return Constant(data).to_data() if _looks_variable(data) else data


def _looks_variable(data: Any) -> bool:
    if isinstance(data, dict):
        return any(map(_looks_variable, data.values()))
    if isinstance(data, list) and data and data[0] in SHAPES:
        return any(map(_looks_variable, data[1:]))
    return is_function(data) or (isinstance(data, list) and any(map(_looks_variable, data)))


def check_depth(path: str) -> None:
    """Raises an error if a space is nested too deeply, such as one that contains itself.

    Raises:
        SpaceError: The space is nested too deeply.
    """
    if path.count(".") > MAX_DEPTH:
        raise SpaceError(f"is nested deeper than {MAX_DEPTH} levels, or contains itself", f"{path[:60]}...")


def is_number(value: Any) -> bool:
    """Returns whether ``value`` is an int or a float. A truth value is not a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_own(value: Any) -> bool:
    """Returns whether ``value`` is written in one of runlib's own forms."""
    return isinstance(value, Term) or (isinstance(value, list) and is_function(value))


def own(value: Any, path: str) -> Any:
    """Returns the data of a value for which ``is_own`` is true."""
    return check_data(to_data(value), path)


def typed(path: str, make: Callable[..., Parameter], *args: Any, **kwargs: Any) -> list[Any]:
    """Returns the data form of a typed parameter.

    Raises:
        SpaceError: An argument is wrong. Its path begins with ``path``, the place of the parameter.
    """
    try:
        return make(*args, **kwargs).to_data()
    except SpaceError as error:
        raise error.under(path) from None


def drawn_by_place(values: list[Any], path: str) -> list[Any]:
    """Returns the data of a choice in a tool that draws the place of an option, so duplicates are drawn more often.

    Raises:
        SpaceError: An option is not data.
    """
    data = [check_data(value, f"{path}.{place}") for place, value in enumerate(values)]
    if any(same(item, before) for place, item in enumerate(data) for before in data[:place]):
        return typed(path, Choice, [constant(value, path) for value in values])
    return typed(path, Categorical, values)


def options(values: Any, path: str, what: str) -> list[Any]:
    """Returns options as a list that is not empty.

    Raises:
        SpaceError: The value is not a list of options.
    """
    if not isinstance(values, list | tuple) or not values:
        raise SpaceError(f"{what} takes a list with something in it, got {values!r}", path)
    return list(values)


def table(space: Any, path: str, of: Callable[[Any, str], Any], written: str) -> dict[str, Any]:
    """Returns a dict of parameters, each translated by ``of`` at its own path.

    Raises:
        SpaceError: The space is not a dict, or it has a key that is not text.
    """
    if not isinstance(space, Mapping):
        raise SpaceError(f"takes {written}, got {reprlib.repr(space)} of type {type(space).__name__}", path)
    check_depth(path)
    for name in space:
        if not isinstance(name, str):
            raise SpaceError(f"names of parameters are texts, got {name!r}", path)
    return {str(name): of(item, f"{path}.{name}") for name, item in space.items()}
