"""The parts of a search space: plain data with variables in it.

Each part knows three ways: ``assemble`` makes plain data from a row of raw numbers; ``read`` gets the numbers back
out of data that it made; ``locate`` gets them out of data that somebody else made, if it can. A variable in an
option that was not chosen is inactive: nobody asks for it, and its raw number is NaN.
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

INACTIVE = math.nan  # the raw number of a variable in an option that was not chosen


@dataclass(frozen=True, slots=True, eq=False)
class Variable:
    """One thing that varies.

    Attributes:
        label: Its name, unique in the space.
        index: Its place in a row of raw numbers.
        path: Where it stands, dotted, for people.
        distribution: What it is drawn from.
        parent: The choice that it depends on, or None.
        option: The option of ``parent`` in which it is active.
        also: Further choices with the option in which it is active; of all these never more than one holds.
        memorable: Whether the suggestion does not show its raw number exactly, so that the memo has to.
        fidelity: Whether it is the resource that a trial gets; a search that knows none takes ``at_top()``.
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
        """The choices that it depends on, each with the option in which it is active; none if it always is."""
        return () if self.parent is None else ((self.parent, self.option), *self.also)

    @property
    def depth(self) -> int:
        """The number of choices above it, at most."""
        return max((parent.depth + 1 for parent, _ in self.places), default=0)

    def active(self, row: Sequence[float]) -> bool:
        """Whether the choices of a row lead to it."""
        if self.parent is None or row[self.parent.index] == self.option:
            return True
        return bool(self.also) and any(row[parent.index] == option for parent, option in self.also)

    def share(self, parent: Variable, option: int, *, memorable: bool) -> None:
        """Add a place where it stands too; for the parser, before anybody else has the variable."""
        if (parent, option) not in self.places:
            object.__setattr__(self, "also", (*self.also, (parent, option)))
        object.__setattr__(self, "memorable", self.memorable or memorable)

    @property
    def conditions(self) -> tuple[tuple[str, int], ...]:
        """The choices on the way from the root to its first place with the option of each: (label, option)."""
        if self.parent is None:
            return ()
        return (*self.parent.conditions, (self.parent.label, self.option))

    def at_top(self, u: float = 0.0) -> float:
        """The raw number of the greatest value, for a fidelity, whatever ``u`` is."""
        if not isinstance(self.distribution, Range):
            raise TypeError(f"{self.label!r} is no fidelity")
        return self.distribution.most


Draw = Callable[[Variable], float]
Row = list[float]
Memo = Mapping[str, float]


class Node:
    """A part of the tree."""

    __slots__ = ()
    constant = False
    numeric = False  # whether it is a number whatever its variables are

    def assemble(self, row: Sequence[float]) -> Any:
        """The plain data this part becomes with the raw numbers in ``row``."""
        raise NotImplementedError

    def read(self, value: Any, memo: Memo, row: Row) -> None:
        """Put the raw numbers behind ``value`` into ``row``; what it does not show stands in ``memo``."""
        raise NotImplementedError

    def locate(self, value: Any, row: Row) -> bool:
        """Put the raw numbers behind ``value`` into ``row`` without a memo; whether it fits at all."""
        raise NotImplementedError

    def count(self) -> int | None:
        """How many different data this part can become, its fidelities at their top; None if there is no end."""
        raise NotImplementedError

    def bounds(self) -> tuple[float, float]:
        """The least and the greatest number that this part can be, infinite where there is no end or none is known."""
        return -math.inf, math.inf


class Fixed(Node):
    """Plain data without a variable in it."""

    __slots__ = ("numeric", "value")
    constant = True

    def __init__(self, value: Any) -> None:
        self.value = value
        self.numeric = number(value, integer=False) is not None

    def assemble(self, row: Sequence[float]) -> Any:
        """A copy, so that nobody can change the space through a suggestion."""
        return _copy(self.value)

    def read(self, value: Any, memo: Memo, row: Row) -> None:
        """Nothing varies here."""

    def locate(self, value: Any, row: Row) -> bool:
        """Whether the data are equal."""
        return same(self.value, value)

    def count(self) -> int:
        """One."""
        return 1

    def bounds(self) -> tuple[float, float]:
        """The number itself."""
        return (float(self.value), float(self.value)) if self.numeric else super().bounds()


class Table(Node):
    """A dict with variables in it."""

    __slots__ = ("items", "varying")

    def __init__(self, items: Mapping[Any, Node]) -> None:
        self.items = list(items.items())
        self.varying = [(key, node) for key, node in self.items if not node.constant]

    def assemble(self, row: Sequence[float]) -> Any:
        """A dict with the same keys in the same order."""
        return {key: node.assemble(row) for key, node in self.items}

    def read(self, value: Any, memo: Memo, row: Row) -> None:
        """By key; constants are not compared."""
        for key, node in self.varying:
            node.read(value[key], memo, row)

    def locate(self, value: Any, row: Row) -> bool:
        """The same keys, in any order, and every value fits."""
        value = self.keyed(value)
        if not isinstance(value, dict) or value.keys() != {key for key, _ in self.items}:
            return False
        return all(node.locate(value[key], row) for key, node in self.items)

    def keyed(self, value: Any) -> Any:
        """A dict under the keys of this one, where it has them as texts; anything else as it is."""
        return rekeyed(value, (key for key, _ in self.items))

    def count(self) -> int | None:
        """Every value with every other."""
        return _product(node for _, node in self.varying)


class Items(Node):
    """A list with variables in it, or a tuple."""

    __slots__ = ("nodes", "varying")
    made: type[list[Any]] | type[tuple[Any, ...]] = list

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = list(nodes)
        self.varying = [(place, node) for place, node in enumerate(nodes) if not node.constant]

    def assemble(self, row: Sequence[float]) -> Any:
        """A list of the same length."""
        return [node.assemble(row) for node in self.nodes]

    def read(self, value: Any, memo: Memo, row: Row) -> None:
        """By place; constants are not compared."""
        for place, node in self.varying:
            node.read(value[place], memo, row)

    def locate(self, value: Any, row: Row) -> bool:
        """The same length, and every value fits."""
        if not isinstance(value, list | tuple) or len(value) != len(self.nodes):
            return False
        return all(node.locate(item, row) for node, item in zip(self.nodes, value, strict=True))

    def count(self) -> int | None:
        """Every item with every other."""
        return _product(node for _, node in self.varying)


class Tuple(Items):
    """A tuple with variables in it."""

    __slots__ = ()
    made = tuple

    def assemble(self, row: Sequence[float]) -> Any:
        """A tuple of the same length."""
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
    """Equality of data in which True is not 1, but 1 is 1.0; a tuple is a list, and a key its text."""
    if isinstance(mine, dict):
        other = rekeyed(other, mine)
        keys_equal = isinstance(other, dict) and mine.keys() == other.keys()
        return keys_equal and all(same(item, other[key]) for key, item in mine.items())
    if isinstance(mine, list | tuple):
        same_length = isinstance(other, list | tuple) and len(mine) == len(other)
        return same_length and all(map(same, mine, other))
    both_nan = isinstance(mine, float) and isinstance(other, float) and mine != mine and other != other
    return both_nan or (isinstance(mine, bool) == isinstance(other, bool) and bool(mine == other))
