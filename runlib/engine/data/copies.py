"""Copies data that leaves the package, so that a caller may change it without changing the original.

Inside the package, data is shared and only read, so it is not copied there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

__all__ = ["Copied", "Shown", "copied"]

_CONTAINERS = frozenset({dict, list, tuple})

K = TypeVar("K")
V = TypeVar("V")


def copied(value: Any) -> Any:
    """Returns a copy of data in which all nested dicts, lists and tuples are copied."""
    kind = type(value)
    if kind is dict:
        return {key: copied(item) if type(item) in _CONTAINERS else item for key, item in value.items()}
    if kind is list:
        return [copied(item) if type(item) in _CONTAINERS else item for item in value]
    if kind is tuple:
        return tuple(map(copied, value))
    return value


class Shown(Mapping[K, V]):
    """Shows the present content of a dict as a read-only mapping whose values are copied on access.

    Args:
        kept: The dict, which its owner may change at any time.
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
    """Defines an attribute that returns a copy of its data each time it is read."""

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
