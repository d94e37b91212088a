"""Translates search spaces of other tools. Each dialect is a function from such a space to the canonical form.

The names of dialects are also keys in a config. A dict whose single key is the name of a dialect, ``{"neps": {...}}``,
is translated when a space is made of it, so every stored space has the canonical form. Objects of these tools need no
such key. They are recognised wherever a parameter can stand (``runlib.space.dialects.objects``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runlib.engine.data.plain import NotPlain, plain
from runlib.errors import SpaceError
from runlib.space.accidents import refuse_ranges
from runlib.space.arithmetic.expression import to_data
from runlib.space.dialects.amltk import from_amltk
from runlib.space.dialects.configspace import from_configspace
from runlib.space.dialects.hyperopt import from_hyperopt
from runlib.space.dialects.maggy import from_maggy
from runlib.space.dialects.neps import from_neps, reread_words
from runlib.space.dialects.scipy import alternatives
from runlib.space.files import is_path, read_space
from runlib.space.refusal import refused

__all__ = ["DIALECTS", "canonical_data", "resolved", "translated"]

DIALECTS: dict[str, Callable[[Any], Any]] = {
    "amltk": from_amltk,
    "configspace": from_configspace,
    "hyperopt": from_hyperopt,
    "maggy": from_maggy,
    "neps": from_neps,
}


def canonical_data(space: Any, path: str) -> Any:
    """Returns a space as plain data in the canonical form, whatever form it is written in.

    Raises:
        SpaceError: Something in the space is wrong. The path names the place in terms of its dialect.
    """
    given = resolved(space, path)
    refuse_ranges(given, path)
    try:
        return plain(to_data(given))
    except NotPlain as error:
        raise refused(error, path) from None
    except SpaceError as error:
        raise error.under(path) from error.__cause__


def resolved(space: Any, path: str) -> Any:
    """Returns a space read from its file and translated from its dialect, if it has these.

    Raises:
        SpaceError: The file cannot be read, or something in the space is wrong.
    """
    return translated(read_space(space, path, reread_words) if is_path(space) else space, path)


def translated(space: Any, path: str) -> Any:
    """Returns the canonical form of a space ``{dialect: space}``. Other spaces are returned unchanged.

    Raises:
        SpaceError: Something in the space is wrong. The path names the place in terms of its dialect.
    """
    name = next(iter(space)) if isinstance(space, dict) and len(space) == 1 else None
    if not isinstance(name, str) or name not in DIALECTS:
        return alternatives(space)
    try:
        return DIALECTS[name](space[name])
    except SpaceError as error:
        raise error.under(path) from error.__cause__
