"""Labels: each stands for one variable.

The same variable may stand in several places of which only one can be active: in different options of one choice, as
in a space of hyperopt in which one object is used in several branches. It is drawn once, and searches learn of it from
all of these places together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from runlib.engine.data.canonical import canonical_json
from runlib.errors import SpaceError

__all__ = ["Labels"]

Above = tuple[tuple[str, int], ...]  # choices by label, each with its option


@dataclass(frozen=True, slots=True)
class _Use:
    data: list[Any]
    path: str
    above: Above


class Labels:
    """The labels of a space, and where each is used."""

    def __init__(self) -> None:
        self._uses: dict[str, list[_Use]] = {}

    def claim(self, label: str, data: list[Any], path: str, above: Above) -> None:
        """A variable of that label stands at a place; ``data`` are looked at when all is read.

        Raises:
            SpaceError: It stands elsewhere too, where it can be active at the same time, or as something else.
        """
        uses = self._uses.setdefault(label, [])
        for use in uses:
            if not _exclude(use.above, above):
                raise SpaceError(f"the label {label!r} stands twice, here and at {use.path}; give each its own", path)
            if use.data[0] != data[0]:
                raise _other(label, use, path)
        uses.append(_Use(data, path, above))

    def check(self) -> None:
        """Nothing, if what stands in several places is the same in all of them.

        Raises:
            SpaceError: It is not.
        """
        for label, (first, *others) in self._uses.items():
            for use in others:
                if canonical_json(use.data) != canonical_json(first.data):
                    raise _other(label, first, use.path)


def _exclude(one: Above, other: Above) -> bool:
    """Whether a choice that stands above both has another option in one than in the other."""
    options = dict(one)
    return any(options.get(label, option) != option for label, option in other)


def _other(label: str, first: _Use, path: str) -> SpaceError:
    return SpaceError(
        f"the label {label!r} stands twice, here and at {first.path}, for different things; give each its own", path
    )
