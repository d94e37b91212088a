"""Says where the class of each built-in kind is defined, so that its module is imported when the kind is asked for.

The package fills the table when it is imported (``runlib/__init__.py``). This module knows none of the classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from runlib.engine.extras import load

__all__ = ["announce", "announced", "find_class", "is_rival"]

_places: dict[str, tuple[str, str]] = {}


def announce(places: Mapping[str, tuple[str, str]]) -> None:
    """Adds kinds, each with the module and the name of its class."""
    _places.update(places)


def announced() -> Iterable[str]:
    """Returns the kinds whose place is known."""
    return _places.keys()


def find_class(kind: str) -> Any:
    """Returns the class of a kind, and imports its module if need be; None if the kind was not announced."""
    if kind not in _places:
        return None
    module, name = _places[kind]
    return getattr(load(module), name)


def is_rival(kind: str, cls: type) -> bool:
    """Returns whether another class than ``cls`` was announced for this kind."""
    return kind in _places and _places[kind] != (cls.__module__, cls.__qualname__)
