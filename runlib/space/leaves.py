"""Defines the parts of a search space that vary by themselves: a number, and the choice of one of several parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runlib.engine.data.canonical import canonical_suggestion
from runlib.space.distributions.continuous import Normal, Uniform
from runlib.space.distributions.distribution import Options, Range
from runlib.space.nodes import INACTIVE, Fixed, Memo, Node, Row, Variable

__all__ = ["Branch", "Leaf"]


class Leaf(Node):
    """Represents a variable that becomes one number."""

    __slots__ = ("distribution", "index", "label", "value", "variable")
    numeric = True

    def __init__(self, variable: Variable) -> None:
        if isinstance(variable.distribution, Options):
            raise TypeError(f"the options of {variable.label!r} are missing")
        self.variable = variable
        self.distribution = variable.distribution
        self.value = variable.distribution.value
        self.index, self.label = variable.index, variable.label

    def assemble(self, row: Sequence[float]) -> Any:
        """Returns a plain number."""
        return self.value(row[self.index])

    def read(self, value: Any, memo: Memo, row: Row) -> None:
        """Reads the number itself, the number of its step, or the entry in the memo."""
        if self.variable.memorable:
            value = memo[self.label]
        elif isinstance(self.distribution, Range) and self.distribution.step is not None:
            value = self.distribution.raw(value)
        elif isinstance(self.distribution, Normal | Uniform):
            value = self.distribution.settled(float(value))
        row[self.index] = float(value)

    def locate(self, value: Any, row: Row) -> bool:
        """Returns whether the distribution can have made this number."""
        raw = self.distribution.raw(value)
        row[self.index] = INACTIVE if raw is None else raw
        return raw is not None

    def count(self) -> int | None:
        """Returns the number of points of the distribution."""
        return 1 if self.variable.fidelity else self.distribution.size

    def bounds(self) -> tuple[float, float]:
        """Returns the bounds of the distribution."""
        return self.distribution.bounds


class Branch(Node):
    """Represents a variable that picks one of several parts. The variables in the other parts are inactive.

    If the variable is not memorable, the parts are different constants.
    """

    __slots__ = ("_places", "index", "label", "numeric", "options", "variable")

    def __init__(self, variable: Variable, options: Sequence[Node]) -> None:
        self.variable = variable
        self.options = list(options)
        self.numeric = all(option.numeric for option in self.options)
        self.index, self.label = variable.index, variable.label
        self._places = {} if variable.memorable else _places(self.options)

    def assemble(self, row: Sequence[float]) -> Any:
        """Returns the data of the picked option."""
        return self.options[int(row[self.index])].assemble(row)

    def read(self, value: Any, memo: Memo, row: Row) -> None:
        """Reads the option from the memo, unless the suggestion shows it."""
        if not self.variable.memorable:
            self._read_shown(value, row)
            return
        option = int(memo[self.label])
        if option < 0:
            raise IndexError(f"there is no option {option} of {self.label!r}")
        row[self.index] = float(option)
        self.options[option].read(value, memo, row)

    def locate(self, value: Any, row: Row) -> bool:
        """Picks the first option that fits. Returns whether there is one."""
        for option, node in enumerate(self.options):
            attempt = row if node.constant else row[:]
            if node.locate(value, attempt):
                row[:] = attempt
                row[self.index] = float(option)
                return True
        return False

    def _read_shown(self, value: Any, row: Row) -> None:
        place = None if isinstance(value, list | dict | tuple) else self._places.get((isinstance(value, bool), value))
        if place is not None:
            row[self.index] = place
        elif not self.locate(value, row):
            raise ValueError(f"{value!r} is no option of {self.label!r}")

    def count(self) -> int | None:
        """Returns the sum over the options. Equal constants count once, and overlapping options count in full."""
        possible = [self.options[int(k)] for k in self.variable.distribution.grid(1)]
        counts = [node.count() for node in possible if not isinstance(node, Fixed)]
        constants = {canonical_suggestion(node.value) for node in possible if isinstance(node, Fixed)}
        return sum((count or 0 for count in counts), len(constants)) if None not in counts else None

    def bounds(self) -> tuple[float, float]:
        """Returns the least and the greatest bound of all options."""
        each = [option.bounds() for option in self.options]
        return min(low for low, _ in each), max(high for _, high in each)


def _places(options: Sequence[Node]) -> dict[tuple[bool, Any], float]:
    """Returns the place of each option that is a scalar. The key tells a bool from an equal number."""
    values = [(float(place), node.value) for place, node in enumerate(options) if isinstance(node, Fixed)]
    return {(isinstance(v, bool), v): place for place, v in values if not isinstance(v, list | dict | tuple)}
