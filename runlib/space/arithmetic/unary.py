"""Defines functions of one number in a search space: truncation as by ``int``, exponential, logarithm, square root.

As for a formula, a suggestion does not show the variables inside, so the memo holds them. Without a memo, the inner
number is searched for. For a truncated value, any number that is truncated to it will do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from runlib.engine.extras import load
from runlib.errors import SpaceError
from runlib.space.distributions.numbers import number
from runlib.space.leaves import Branch, Leaf
from runlib.space.nodes import Fixed, Memo, Node, Row

__all__ = ["UNARY", "Unary"]

NEAR = 1e-9


def _of_numpy(name: str) -> Callable[[Any], Any]:
    """Returns a function of numpy, as hyperopt uses. The standard library may differ from it in the last bit."""

    def calculated(value: Any) -> float:
        numpy = load("numpy")
        with numpy.errstate(over="raise", divide="raise", invalid="raise"):
            return float(getattr(numpy, name)(value))

    return calculated


# Each entry has the function, and its inverse if there is one.
UNARY: dict[str, tuple[Callable[[Any], Any], Callable[[float], float] | None]] = {
    "hp_exp": (_of_numpy("exp"), math.log),
    "hp_int": (int, None),
    "hp_log": (_of_numpy("log"), math.exp),
    "hp_sqrt": (math.sqrt, lambda value: value * value),
}


class Unary(Node):
    """Applies a function to a part that is a number.

    Attributes:
        name: The name of the function, a key of ``UNARY``.
        path: The place of the part in the search space.
    """

    __slots__ = ("function", "name", "operand", "path")
    numeric = True

    def __init__(self, name: str, operand: Node, path: str) -> None:
        self.name, self.operand, self.path = name, operand, path
        self.function = UNARY[name][0]

    def assemble(self, row: Sequence[float]) -> Any:
        """Returns a finite number.

        Raises:
            SpaceError: The function has no finite value there.
        """
        operand = self.operand.assemble(row)
        try:
            return self.function(operand)
        except (ArithmeticError, ValueError):
            reason = f"{self.name} of {operand!r} gives no finite number; keep what varies away from there"
            raise SpaceError(reason, self.path) from None

    def read(self, value: Any, memo: Memo, row: Row) -> None:
        """Reads the variables from the memo alone."""
        self.operand.read(None, memo, row)

    def locate(self, value: Any, row: Row) -> bool:
        """Finds an inner number that gives the value. Returns whether there is one."""
        wanted = number(value, integer=self.name == "hp_int")
        for candidate in () if wanted is None else self._candidates(wanted):
            attempt = row[:]
            if self.operand.locate(candidate, attempt) and self._gives(value, attempt):
                row[:] = attempt
                return True
        return False

    def count(self) -> int | None:
        """Returns the number of points of the inner part, whether or not their values differ."""
        return self.operand.count()

    def bounds(self) -> tuple[float, float]:
        """Returns the values at the inner bounds, since each of the functions is monotone where it is defined."""
        try:
            low, high = (float(self.function(end)) for end in self.operand.bounds())
        except (ArithmeticError, ValueError):
            return -math.inf, math.inf
        return low, high

    def _candidates(self, value: float) -> Iterator[float]:
        inverse, (low, high) = UNARY[self.name][1], self.operand.bounds()
        if inverse is None:
            return _truncated_to(self.operand, value)
        try:
            found = inverse(value)
        except (ArithmeticError, ValueError):
            return iter(())
        return iter((found, float(round(found)), min(max(found, low), high)))  # The last two undo rounding errors.

    def _gives(self, value: float, row: Row) -> bool:
        try:
            return math.isclose(self.assemble(row), value, rel_tol=NEAR, abs_tol=1e-300)
        except SpaceError:
            return False


def _truncated_to(node: Node, value: float) -> Iterator[float]:
    """Yields candidates; at least one is a value of the part that is truncated to ``value``, if there is any."""
    if isinstance(node, Fixed):
        yield node.value
    elif isinstance(node, Branch):
        for option in node.options:
            yield from _truncated_to(option, value)
    else:
        first, last = node.bounds()
        low, high = max(value - (value <= 0), first), min(value + (value >= 0), last)
        yield from (value, low, high, (low + high) / 2)
        if isinstance(node, Leaf):
            yield from _steps(node, low)


def _steps(node: Leaf, low: float) -> Iterator[float]:
    """Yields the first two steps of a variable from ``low`` on."""
    given = node.distribution
    step, start = (getattr(given, "step", None), getattr(given, "low", 0.0))
    if step is None:
        step, start = getattr(given, "q", None), 0.0
    if step is not None and math.isfinite(low):
        k = math.ceil((low - start) / step)
        yield from (start + k * step, start + (k + 1) * step)
