"""Defines the parts of a search space: plain data with variables in it.

Each part has three methods. ``assemble`` makes plain data from a row of raw numbers. ``read`` gets the numbers back
from data that the part has made. ``locate`` gets them from data of another origin, if possible. A variable in an option
that was not chosen is inactive: it is not drawn, and its raw number is NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runlib.engine.data.shape import rekeyed
from runlib.space.distributions.distribution import Distribution, Range
from runlib.space.distributions.numbers import number

__all__ = [
    "INACTIVE",
    "Draw",
    "Fixed",
    "Items",
    "Memo",
    "Node",
    "Row",
    "Table",
    "Tuple",
    "Variable",
    "same",
]

INACTIVE = math.nan  # This is the raw number of a variable in an option that was not chosen.


@dataclass(frozen=True, slots=True, eq=False)
class Variable:
    """Represents one variable of a search space.

    Attributes:
        label: The name of the variable, unique in the space.
        index: The index of its raw number in a row.
        path: The dotted path to its place, for messages.
        distribution: The distribution that it is drawn from.
        parent: The choice that it depends on, or None.
        option: The option of ``parent`` in which it is active.
        also: Further choices, each with the option in which it is active. At most one of all these places is active.
        memorable: Whether the suggestion does not show its raw number exactly, so that the memo must hold it.
        fidelity: Whether it is the resource of a trial. A search that ignores fidelities uses ``at_top()``.
    """

    label: str
    index: int
    path: str
    distribution: Distribution
    parent: Variable | None = None
    option: int = 0
    memorable: bool = False
    fidelity: bool = False
    also: tuple[tuple[Variable, int], ...] = ()

    @property
    def places(self) -> tuple[tuple[Variable, int], ...]:
        """Returns the choices that it depends on, each with the option in which it is active; empty if it always is."""
        return () if self.parent is None else ((self.parent, self.option), *self.also)

    @property
    def depth(self) -> int:
        """Returns the greatest number of choices above the variable."""
        return max((parent.depth + 1 for parent, _ in self.places), default=0)

    def active(self, row: Sequence[float]) -> bool:
        """Returns whether the choices in a row make the variable active."""
        if self.parent is None or row[self.parent.index] == self.option:
            return True
        return bool(self.also) and any(row[parent.index] == option for parent, option in self.also)

    def share(self, parent: Variable, option: int, *, memorable: bool) -> None:
        """Adds a further place of the variable. Only the parser calls this, before other code gets the variable."""
        if (parent, option) not in self.places:
            object.__setattr__(self, "also", (*self.also, (parent, option)))
        object.__setattr__(self, "memorable", self.memorable or memorable)

    @property
    def conditions(self) -> tuple[tuple[str, int], ...]:
        """Returns the choices from the root to its first place as pairs of label and option."""
        if self.parent is None:
            return ()
        return (*self.parent.conditions, (self.parent.label, self.option))

    def at_top(self, u: float = 0.0) -> float:
        """Returns the raw number of the greatest value of a fidelity; ``u`` is ignored."""
        if not isinstance(self.distribution, Range):
            raise TypeError(f"{self.label!r} is no fidelity")
        return self.distribution.most


Draw = Callable[[Variable], float]
Row = list[float]
Memo = Mapping[str, float]


class Node:
    """Represents a part of the tree."""

    __slots__ = ()
    constant = False
    numeric = False  # This says whether the part is a number whatever its variables are.

    def assemble(self, row: Sequence[float]) -> Any:
        """Returns the plain data of this part for the raw numbers in ``row``."""
        raise NotImplementedError

    def read(self, value: Any, memo: Memo, row: Row) -> None:
        """Writes the raw numbers of ``value`` into ``row``; ``memo`` holds those that ``value`` does not show."""
        raise NotImplementedError

    def locate(self, value: Any, row: Row) -> bool:
        """Writes the raw numbers of ``value`` into ``row`` without a memo. Returns whether ``value`` fits this part."""
        raise NotImplementedError

    def count(self) -> int | None:
        """Returns the number of different values of this part, with fidelities at their top; None if it is infinite."""
        raise NotImplementedError

    def bounds(self) -> tuple[float, float]:
        """Returns the least and the greatest number of this part; infinite if it is unbounded or unknown."""
        return -math.inf, math.inf


class Fixed(Node):
    """Holds plain data without a variable in it."""

    __slots__ = ("numeric", "value")
    constant = True

    def __init__(self, value: Any) -> None:
        self.value = value
        self.numeric = number(value, integer=False) is not None

    def assemble(self, row: Sequence[float]) -> Any:
        """Returns a copy, so that a caller cannot change the space through a suggestion."""
        return _copy(self.value)

    def read(self, value: Any, memo: Memo, row: Row) -> None:
        """Does nothing, since nothing varies here."""

    def locate(self, value: Any, row: Row) -> bool:
        """Returns whether the data is equal."""
        return same(self.value, value)

    def count(self) -> int:
        """Returns 1."""
        return 1

    def bounds(self) -> tuple[float, float]:
        """Returns the number twice, or infinite bounds if the data is not a number."""
        return (float(self.value), float(self.value)) if self.numeric else super().bounds()


class Table(Node):
    """Holds a dict with variables in it."""

    __slots__ = ("items", "varying")

    def __init__(self, items: Mapping[Any, Node]) -> None:
        self.items = list(items.items())
        self.varying = [(key, node) for key, node in self.items if not node.constant]

    def assemble(self, row: Sequence[float]) -> Any:
        """Returns a dict with the same keys in the same order."""
        return {key: node.assemble(row) for key, node in self.items}

    def read(self, value: Any, memo: Memo, row: Row) -> None:
        """Reads the varying values by key. Constants are not compared."""
        for key, node in self.varying:
            node.read(value[key], memo, row)

    def locate(self, value: Any, row: Row) -> bool:
        """Returns whether the dict has the same keys, in any order, and every value fits."""
        value = self.keyed(value)
        if not isinstance(value, dict) or value.keys() != {key for key, _ in self.items}:
            return False
        return all(node.locate(value[key], row) for key, node in self.items)

    def keyed(self, value: Any) -> Any:
        """Replaces text keys by the keys of this dict that are written alike. Other values stay unchanged."""
        return rekeyed(value, (key for key, _ in self.items))

    def count(self) -> int | None:
        """Returns the product of the counts of all values."""
        return _product(node for _, node in self.varying)


class Items(Node):
    """Holds a list with variables in it. The subclass ``Tuple`` holds a tuple."""

    __slots__ = ("nodes", "varying")
    made: type[list[Any]] | type[tuple[Any, ...]] = list

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = list(nodes)
        self.varying = [(place, node) for place, node in enumerate(nodes) if not node.constant]

    def assemble(self, row: Sequence[float]) -> Any:
        """Returns a list of the same length."""
        return [node.assemble(row) for node in self.nodes]

    def read(self, value: Any, memo: Memo, row: Row) -> None:
        """Reads the varying items by place. Constants are not compared."""
        for place, node in self.varying:
            node.read(value[place], memo, row)

    def locate(self, value: Any, row: Row) -> bool:
        """Returns whether the list has the same length and every item fits."""
        if not isinstance(value, list | tuple) or len(value) != len(self.nodes):
            return False
        return all(node.locate(item, row) for node, item in zip(self.nodes, value, strict=True))

    def count(self) -> int | None:
        """Returns the product of the counts of all items."""
        return _product(node for _, node in self.varying)


class Tuple(Items):
    """Holds a tuple with variables in it."""

    __slots__ = ()
    made = tuple

    def assemble(self, row: Sequence[float]) -> Any:
        """Returns a tuple of the same length."""
        return tuple(node.assemble(row) for node in self.nodes)


def _product(nodes: Iterable[Node]) -> int | None:
    total: int | None = 1
    for node in nodes:
        count = node.count()
        total = None if total is None or count is None else total * count
    return total


def _copy(value: Any) -> Any:
    if type(value) is dict:
        return {key: _copy(item) for key, item in value.items()}
    if type(value) is list:
        return [_copy(item) for item in value]
    return tuple(map(_copy, value)) if type(value) is tuple else value


def same(mine: Any, other: Any) -> bool:
    """Returns whether data is equal. True differs from 1; 1 equals 1.0, a tuple its list, and a key its text."""
    if isinstance(mine, dict):
        other = rekeyed(other, mine)
        keys_equal = isinstance(other, dict) and mine.keys() == other.keys()
        return keys_equal and all(same(item, other[key]) for key, item in mine.items())
    if isinstance(mine, list | tuple):
        same_length = isinstance(other, list | tuple) and len(mine) == len(other)
        return same_length and all(map(same, mine, other))
    both_nan = isinstance(mine, float) and isinstance(other, float) and mine != mine and other != other
    return both_nan or (isinstance(mine, bool) == isinstance(other, bool) and bool(mine == other))
