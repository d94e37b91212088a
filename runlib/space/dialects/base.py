"""What the dialects share: constants that stay data, typed parameters with the user's path in their errors, tables.

A dialect is a function from a space as another tool writes it to the canonical form, plain data. Whatever is wrong is
told at the place where the user wrote it. Variables in runlib's own forms may stand anywhere in a dialect.
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
    """A space that a dialect is given: what a file holds, if it is the path of one, and else itself.

    Raises:
        SpaceError: The file cannot be read.
    """
    return native(read_space(space, path, reread) if is_path(space) else space)


def canonical(data: Any) -> Any:
    """A whole space as it has to stand in a config: a dict with the name of a dialect as its one key is not one.

    Its lists of two numbers are what the dialect takes for lists, and not to be warned of.
    """
    data = as_meant(data)
    return ["hp_merge", [data]] if isinstance(data, dict) and len(data) == 1 and next(iter(data)) in NAMES else data


def check_data(value: Any, path: str) -> Any:
    """``value`` as plain data, its tuples in the form that a space has for them.

    Raises:
        SpaceError: It is none.
    """
    try:
        return encoded(shaped(value))
    except NotPlain as error:
        raise refused(error, path) from None


def constant(value: Any, path: str) -> Any:
    """Data that do not vary, even where they look like a variable."""
    data = check_data(value, path)
    return Constant(data).to_data() if _looks_variable(data) else data


def _looks_variable(data: Any) -> bool:
    if isinstance(data, dict):
        return any(map(_looks_variable, data.values()))
    if isinstance(data, list) and data and data[0] in SHAPES:
        return any(map(_looks_variable, data[1:]))
    return is_function(data) or (isinstance(data, list) and any(map(_looks_variable, data)))


def check_depth(path: str) -> None:
    """Nothing, unless a space is nested too deeply, as one is that contains itself.

    Raises:
        SpaceError: It is.
    """
    if path.count(".") > MAX_DEPTH:
        raise SpaceError(f"is nested deeper than {MAX_DEPTH} levels, or contains itself", f"{path[:60]}...")


def is_number(value: Any) -> bool:
    """Whether ``value`` is an int or a float; a truth value is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_own(value: Any) -> bool:
    """Whether ``value`` is written in one of runlib's own forms."""
    return isinstance(value, Term) or (isinstance(value, list) and is_function(value))


def own(value: Any, path: str) -> Any:
    """The data of something that ``is_own``."""
    return check_data(to_data(value), path)


def typed(path: str, make: Callable[..., Parameter], *args: Any, **kwargs: Any) -> list[Any]:
    """The data form of a typed parameter.

    Raises:
        SpaceError: An argument is wrong; at ``path``, in which the parameter stands.
    """
    try:
        return make(*args, **kwargs).to_data()
    except SpaceError as error:
        raise error.under(path) from None


def drawn_by_place(values: list[Any], path: str) -> list[Any]:
    """The data of a choice of a tool that draws the place of an option: one that stands twice is drawn more often.

    Raises:
        SpaceError: An option is no data.
    """
    data = [check_data(value, f"{path}.{place}") for place, value in enumerate(values)]
    if any(same(item, before) for place, item in enumerate(data) for before in data[:place]):
        return typed(path, Choice, [constant(value, path) for value in values])
    return typed(path, Categorical, values)


def options(values: Any, path: str, what: str) -> list[Any]:
    """Options as a list with something in it.

    Raises:
        SpaceError: They are none.
    """
    if not isinstance(values, list | tuple) or not values:
        raise SpaceError(f"{what} takes a list with something in it, got {values!r}", path)
    return list(values)


def table(space: Any, path: str, of: Callable[[Any, str], Any], written: str) -> dict[str, Any]:
    """A dict of parameters, each translated by ``of`` at its own path.

    Raises:
        SpaceError: It is no dict, or has a key that is no text.
    """
    if not isinstance(space, Mapping):
        raise SpaceError(f"takes {written}, got {reprlib.repr(space)} of type {type(space).__name__}", path)
    check_depth(path)
    for name in space:
        if not isinstance(name, str):
            raise SpaceError(f"names of parameters are texts, got {name!r}", path)
    return {str(name): of(item, f"{path}.{name}") for name, item in space.items()}
