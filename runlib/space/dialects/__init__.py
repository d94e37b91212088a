"""Search spaces as other tools write them, each dialect a function from that to the canonical form.

Their names are words in a config too: a dict with one key that is the name of a dialect, ``{"neps": {...}}``, is
translated when a space is made of it, so that whatever holds a space holds the canonical form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runlib.errors import SpaceError
from runlib.space.dialects.amltk import from_amltk
from runlib.space.dialects.configspace import from_configspace
from runlib.space.dialects.hyperopt import from_hyperopt
from runlib.space.dialects.maggy import from_maggy
from runlib.space.dialects.neps import from_neps

__all__ = ["DIALECTS", "translated"]

DIALECTS: dict[str, Callable[[Any], Any]] = {
    "amltk": from_amltk,
    "configspace": from_configspace,
    "hyperopt": from_hyperopt,
    "maggy": from_maggy,
    "neps": from_neps,
}


def translated(space: Any, path: str) -> Any:
    """A space in the canonical form: translated if it is ``{dialect: space}``, and else as it is.

    Raises:
        SpaceError: Something is wrong in it; the place is that in the words of its dialect.
    """
    if not isinstance(space, dict) or len(space) != 1:
        return space
    [(name, given)] = space.items()
    if not isinstance(name, str) or name not in DIALECTS:
        return space
    try:
        return DIALECTS[name](given)
    except SpaceError as error:
        raise error.under(path) from error.__cause__
