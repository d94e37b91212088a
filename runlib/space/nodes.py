"""The parts of a search space: plain data with variables in it.

Each part knows three ways: ``walk`` makes plain data from the raw numbers that it is given; ``read`` gets the
numbers back out of data that it made; ``locate`` gets them out of data that somebody else made, if it can. A
variable in an option that was not chosen is inactive: it is not asked for, and its raw number is NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runlib.space.distributions import Distribution, Options

__all__ = [
    "INACTIVE",
    "Branch",
    "Constant",
    "Draw",
    "Items",
    "Leaf",
    "Memo",
    "Node",
    "Row",
    "Table",
    "Variable",
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
    """

    label: str
    index: int
    path: str
    distribution: Distribution
    parent: Variable | None = None
    option: int = 0

    @property
    def conditions(self) -> tuple[tuple[str, int], ...]:
        """The choices on the way from the root with the option that each must have: (label, option)."""
        if self.parent is None:
            return ()
        return (*self.parent.conditions, (self.parent.label, self.option))


Draw = Callable[[Variable], float]
Row = list[float]
Memo = Mapping[str, float]


class Node:
    """A part of the tree."""

    __slots__ = ()
    constant = False

    def walk(self, draw: Draw) -> Any:
        """The plain data this part becomes with the raw numbers that ``draw`` gives."""
        raise NotImplementedError

    def read(self, value: Any, memo: Memo, row: Row) -> None:
        """Put the raw numbers behind ``value`` into ``row``; what it does not show stands in ``memo``."""
        raise NotImplementedError

    def locate(self, value: Any, row: Row) -> bool:
        """Put the raw numbers behind ``value`` into ``row`` without a memo; whether it fits at all."""
        raise NotImplementedError


class Constant(Node):
    """Plain data without a variable in it."""

    __slots__ = ("value",)
    constant = True

    def __init__(self, value: Any) -> None:
        self.value = value

    def walk(self, draw: Draw) -> Any:
        """A copy, so that nobody can change the space through a suggestion."""
        return _copy(self.value)

    def read(self, value: Any, memo: Memo, row: Row) -> None:
        """Nothing varies here."""

    def locate(self, value: Any, row: Row) -> bool:
        """Whether the data are equal."""
        return _same(self.value, value)


class Table(Node):
    """A dict with variables in it."""

    __slots__ = ("items", "varying")

    def __init__(self, items: Mapping[str, Node]) -> None:
        self.items = list(items.items())
        self.varying = [(key, node) for key, node in self.items if not node.constant]

    def walk(self, draw: Draw) -> Any:
        """A dict with the same keys in the same order."""
        return {key: node.walk(draw) for key, node in self.items}

    def read(self, value: Any, memo: Memo, row: Row) -> None:
        """By key; constants are not compared."""
        for key, node in self.varying:
            node.read(value[key], memo, row)

    def locate(self, value: Any, row: Row) -> bool:
        """The same keys, in any order, and every value fits."""
        if not isinstance(value, dict) or value.keys() != {key for key, _ in self.items}:
            return False
        return all(node.locate(value[key], row) for key, node in self.items)


class Items(Node):
    """A list with variables in it."""

    __slots__ = ("nodes", "varying")

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = list(nodes)
        self.varying = [(place, node) for place, node in enumerate(nodes) if not node.constant]

    def walk(self, draw: Draw) -> Any:
        """A list of the same length."""
        return [node.walk(draw) for node in self.nodes]

    def read(self, value: Any, memo: Memo, row: Row) -> None:
        """By place; constants are not compared."""
        for place, node in self.varying:
            node.read(value[place], memo, row)

    def locate(self, value: Any, row: Row) -> bool:
        """The same length, and every value fits."""
        if not isinstance(value, list) or len(value) != len(self.nodes):
            return False
        return all(node.locate(item, row) for node, item in zip(self.nodes, value, strict=True))


class Leaf(Node):
    """A variable that becomes one number."""

    __slots__ = ("distribution", "index", "label", "memorable", "value", "variable")

    def __init__(self, variable: Variable) -> None:
        if isinstance(variable.distribution, Options):
            raise TypeError(f"the options of {variable.label!r} are missing")
        self.variable = variable
        self.distribution = variable.distribution
        self.value = variable.distribution.value
        self.memorable = variable.distribution.memorable
        self.index, self.label = variable.index, variable.label

    def walk(self, draw: Draw) -> Any:
        """A plain number."""
        return self.value(draw(self.variable))

    def read(self, value: Any, memo: Memo, row: Row) -> None:
        """The number itself, or what the memo says."""
        row[self.index] = float(memo[self.label] if self.memorable else value)

    def locate(self, value: Any, row: Row) -> bool:
        """Whether the distribution can have made this number."""
        raw = self.distribution.raw(value)
        row[self.index] = INACTIVE if raw is None else raw
        return raw is not None


class Branch(Node):
    """A variable that picks one of several parts; the variables in the others are inactive."""

    __slots__ = ("index", "label", "options", "variable")

    def __init__(self, variable: Variable, options: Sequence[Node]) -> None:
        self.variable = variable
        self.options = list(options)
        self.index, self.label = variable.index, variable.label

    def walk(self, draw: Draw) -> Any:
        """What the picked option becomes."""
        return self.options[int(draw(self.variable))].walk(draw)

    def read(self, value: Any, memo: Memo, row: Row) -> None:
        """The memo says which option it was."""
        option = int(memo[self.label])
        if option < 0:
            raise IndexError(f"there is no option {option} of {self.label!r}")
        row[self.index] = float(option)
        self.options[option].read(value, memo, row)

    def locate(self, value: Any, row: Row) -> bool:
        """The first option that fits."""
        for option, node in enumerate(self.options):
            attempt = row[:]
            if node.locate(value, attempt):
                row[:] = attempt
                row[self.index] = float(option)
                return True
        return False


def _copy(value: Any) -> Any:
    if type(value) is dict:
        return {key: _copy(item) for key, item in value.items()}
    if type(value) is list:
        return [_copy(item) for item in value]
    return value


def _same(mine: Any, other: Any) -> bool:
    """Equality of plain data in which True is not 1, but 1 is 1.0."""
    if isinstance(mine, dict):
        keys_equal = isinstance(other, dict) and mine.keys() == other.keys()
        return keys_equal and all(_same(item, other[key]) for key, item in mine.items())
    if isinstance(mine, list):
        same_length = isinstance(other, list) and len(mine) == len(other)
        return same_length and all(map(_same, mine, other))
    both_nan = isinstance(mine, float) and isinstance(other, float) and mine != mine and other != other
    return both_nan or (isinstance(mine, bool) == isinstance(other, bool) and bool(mine == other))
