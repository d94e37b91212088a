"""Checks labels: each label belongs to one variable.

The same variable may stand in several places if only one of them can be active, such as in different options of one
choice. A space of hyperopt does this when it uses one object in several branches. The variable is drawn once, and
searches learn about it from all of these places together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from runlib.engine.data.canonical import canonical_json
from runlib.errors import SpaceError

__all__ = ["Labels"]

Above = tuple[tuple[str, int], ...]  # These are choices by label, each with its option.


@dataclass(frozen=True, slots=True)
class _Use:
    data: list[Any]
    path: str
    above: Above


class Labels:
    """Holds the labels of a space and the places where each is used."""

    def __init__(self) -> None:
        self._uses: dict[str, list[_Use]] = {}

    def claim(self, label: str, data: list[Any], path: str, above: Above) -> None:
        """Records that a variable of that label stands at a place. ``check`` compares the ``data`` after all is read.

        Raises:
            SpaceError: The label also stands where it can be active at the same time, or where it is something else.
        """
        uses = self._uses.setdefault(label, [])
        for use in uses:
            if not _exclude(use.above, above):
                raise SpaceError(f"the label {label!r} stands twice, here and at {use.path}; give each its own", path)
            if use.data[0] != data[0]:
                raise _other(label, use, path)
        uses.append(_Use(data, path, above))

    def check(self) -> None:
        """Raises an error if a variable in several places is not the same in all of them.

        Raises:
            SpaceError: The places differ.
        """
        for label, (first, *others) in self._uses.items():
            for use in others:
                if canonical_json(use.data) != canonical_json(first.data):
                    raise _other(label, first, use.path)


def _exclude(one: Above, other: Above) -> bool:
    """Returns whether a choice above both places has a different option for each of them."""
    options = dict(one)
    return any(options.get(label, option) != option for label, option in other)


def _other(label: str, first: _Use, path: str) -> SpaceError:
    return SpaceError(
        f"the label {label!r} stands twice, here and at {first.path}, for different things; give each its own", path
    )
