"""The tree of a search space: compiled once, used by every search.

Every search draws through ``Space.walk``: it meets the active variables from the root on, asks for the raw
number of each, and gets a fresh suggestion of plain data. The way back, from a suggestion of old to the raw
numbers, is ``read``. How the tree was written down (today the text form) is no concern of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runlib.errors import SpaceError
from runlib.space.distributions import Options
from runlib.space.nodes import INACTIVE, Draw, Memo, Node, Row, Variable

__all__ = ["Space"]


class Space:
    """A search space.

    Attributes:
        root: The tree.
        variables: All variables; the raw number of ``variables[i]`` is item i of a row.
    """

    def __init__(self, root: Node, variables: Sequence[Variable]) -> None:
        self.root = root
        self.variables = tuple(variables)
        self._memorable = [(v.label, v.index) for v in variables if v.distribution.memorable]
        self._indices = frozenset(v.label for v in variables if isinstance(v.distribution, Options))
        self._blank = [INACTIVE] * len(self.variables)

    def walk(self, draw: Draw) -> Any:
        """A suggestion: fresh plain data.

        Args:
            draw: Gives the raw number of a variable; asked for the active ones alone, choices before what
                depends on them.
        """
        return self.root.walk(draw)

    def assemble(self, row: Sequence[float]) -> Any:
        """The suggestion with these raw numbers."""
        return self.root.walk(lambda variable: row[variable.index])

    def memo(self, row: Sequence[float]) -> dict[str, float] | None:
        """What ``read`` needs beside the suggestion: by label, or None for nothing."""
        found = {
            label: int(row[index]) if label in self._indices else float(row[index])
            for label, index in self._memorable
            if row[index] == row[index]
        }
        return found or None

    def read(self, suggestion: Any, memo: Memo | None) -> Row:
        """The raw numbers of an own suggestion, NaN where inactive; its constants are not compared.

        Raises:
            SpaceError: The suggestion or the memo is not of this space.
        """
        row = self._blank[:]
        try:
            self.root.read(suggestion, memo or {}, row)
        except (LookupError, TypeError, ValueError) as error:
            raise SpaceError(f"does not fit the search space ({error!r})") from error
        return row

    def locate(self, suggestion: Any) -> Row | None:
        """The raw numbers of a suggestion that somebody else made, or None if it is not in the space."""
        row = self._blank[:]
        return row if self.root.locate(suggestion, row) else None
