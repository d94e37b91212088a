"""Copies of data at the doors: whoever reads may change what he gets, and nothing that is kept changes with it.

Inside, data is shared and only read, so that nothing is copied where nobody could tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

__all__ = ["Copied", "Shown", "copied"]

_CONTAINERS = frozenset({dict, list, tuple})

K = TypeVar("K")
V = TypeVar("V")


def copied(value: Any) -> Any:
    """A copy of data; in dicts, lists and tuples everything is copied that is one of these."""
    kind = type(value)
    if kind is dict:
        return {key: copied(item) if type(item) in _CONTAINERS else item for key, item in value.items()}
    if kind is list:
        return [copied(item) if type(item) in _CONTAINERS else item for item in value]
    if kind is tuple:
        return tuple(map(copied, value))
    return value


class Shown(Mapping[K, V]):
    """A table of which each reading gives a copy; it shows what the dict holds now.

    Args:
        kept: The dict, which its owner goes on changing.
    """

    def __init__(self, kept: dict[K, V]) -> None:
        self._kept = kept

    def __getitem__(self, key: K) -> V:
        found: V = copied(self._kept[key])
        return found

    def __contains__(self, key: object) -> bool:
        return key in self._kept

    def __iter__(self) -> Iterator[K]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    def __repr__(self) -> str:
        return repr(self._kept)


class Copied:
    """An attribute of data, of which each reading gives a copy."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, thing: Any, owner: type | None = None) -> Any:
        if thing is None:
            return self
        try:
            return copied(thing.__dict__[self._name])
        except KeyError:
            raise AttributeError(f"{type(thing).__qualname__} has no attribute {self._name!r}") from None

    def __set__(self, thing: Any, value: Any) -> None:
        thing.__dict__[self._name] = value
