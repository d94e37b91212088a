"""Defines arithmetic in a search space: a part that is calculated from other parts.

The value of a formula is a finite number. Otherwise making the suggestion raises an error with the place. A suggestion
does not show the variables in a formula, so the memo holds every one of them. Without a memo, a formula is solved if
one side of it is a constant. If both sides vary, it cannot be solved.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from runlib.errors import SpaceError
from runlib.space.distributions.numbers import number
from runlib.space.nodes import Fixed, Memo, Node, Row

__all__ = ["OPERATIONS", "Formula", "calculate"]

MAX_BITS = 1023  # A float cannot hold a longer integer.
NEAR = 1e-9

OPERATIONS: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "hp_add": ("+", operator.add),
    "hp_div": ("/", operator.truediv),
    "hp_mul": ("*", operator.mul),
    "hp_pow": ("**", operator.pow),
    "hp_sub": ("-", operator.sub),
}

# Each pair gives the varying side from the value and the other side: if it stands on the left, and on the right.
_SOLUTIONS: dict[str, tuple[Callable[[float, float], float], Callable[[float, float], float]]] = {
    "hp_add": (operator.sub, operator.sub),
    "hp_div": (operator.mul, lambda value, other: other / value),
    "hp_mul": (operator.truediv, operator.truediv),
    "hp_pow": (lambda value, other: abs(value) ** (1 / other), lambda value, other: _log(value) / _log(other)),
    "hp_sub": (operator.add, lambda value, other: other - value),
}


class Formula(Node):
    """Combines two parts that are numbers by an operation.

    Attributes:
        name: The name of the operation, a key of ``OPERATIONS``.
        path: The place of the formula in the search space.
    """

    __slots__ = ("left", "name", "path", "right")
    numeric = True

    def __init__(self, name: str, left: Node, right: Node, path: str) -> None:
        self.name, self.left, self.right, self.path = name, left, right, path

    def assemble(self, row: Sequence[float]) -> Any:
        """Returns a finite number.

        Raises:
            SpaceError: The formula has no finite value.
        """
        return calculate(self.name, self.left.assemble(row), self.right.assemble(row), self.path)

    def read(self, value: Any, memo: Memo, row: Row) -> None:
        """Reads the variables from the memo alone."""
        self.left.read(None, memo, row)
        self.right.read(None, memo, row)

    def locate(self, value: Any, row: Row) -> bool:
        """Solves the formula if one side is a constant, and checks the solution by calculating again."""
        if number(value, integer=False) is None or not (self.left.constant or self.right.constant):
            return False
        varying = self.right if self.left.constant else self.left
        for candidate in self._solutions(value):
            attempt = row[:]
            if varying.locate(candidate, attempt) and self._gives(value, attempt):
                row[:] = attempt
                return True
        return False

    def count(self) -> int | None:
        """Returns the number of points of its variables, whether or not their values differ."""
        left, right = self.left.count(), self.right.count()
        return None if left is None or right is None else left * right

    def bounds(self) -> tuple[float, float]:
        """Returns the least and the greatest number of the formula; infinite if it is unbounded or unknown."""
        return _combined(self)

    def _solutions(self, value: float) -> Iterator[float]:
        """Yields candidates for the varying side, which ``_gives`` then checks."""
        on_left, on_right = _SOLUTIONS[self.name]
        varying = self.right if isinstance(self.left, Fixed) else self.left
        found = math.nan
        with contextlib.suppress(ArithmeticError, ValueError):
            if isinstance(self.right, Fixed):
                found = float(on_left(value, self.right.value))
            elif isinstance(self.left, Fixed):
                found = float(on_right(value, self.left.value))
        low, high = varying.bounds()
        for x in (found, -found) if math.isfinite(found) else ():
            # These are the solution itself, without rounding errors, and moved back to a bound.
            yield from (x, round(x), min(max(x, low), high))
        yield from (low, low + 1, 0.0)  # These serve if its value makes no difference, as in 0 * x, or only its parity.

    def _gives(self, value: float, row: Row) -> bool:
        try:
            return math.isclose(self.assemble(row), value, rel_tol=NEAR, abs_tol=1e-300)
        except SpaceError:
            return False


def _log(x: float) -> float:
    return math.log(abs(x))


def calculate(name: str, left: Any, right: Any, path: str) -> Any:
    """Returns the finite number that an operation gives.

    Raises:
        SpaceError: The result is not finite: a division by zero, an overflow, the root of a negative number.
    """
    symbol, function = OPERATIONS[name]
    with contextlib.suppress(ArithmeticError):
        value = math.inf if symbol == "**" and _is_vast(left, right) else function(left, right)
        if isinstance(value, float) and math.isfinite(value):
            return value
        if isinstance(value, int) and value.bit_length() <= MAX_BITS:
            return value
    raise SpaceError(f"{name} of {left!r} and {right!r} gives no finite number; keep what varies away from there", path)


def _is_vast(base: Any, exponent: Any) -> bool:
    """Returns whether an integer power is beyond all floats, without calculating it, which could take for ever."""
    if not isinstance(base, int) or not isinstance(exponent, int) or abs(base) < 2:
        return False
    return exponent * (abs(base).bit_length() - 1) > MAX_BITS


def _combined(node: Formula) -> tuple[float, float]:
    """Returns the extremes of the corners, as an operation that is defined everywhere is monotone in each side."""
    left, right = node.left.bounds(), node.right.bounds()
    unknown = (node.name == "hp_div" and right[0] <= 0 <= right[1]) or (node.name == "hp_pow" and left[0] <= 0)
    ends: list[float] = []
    for a, b in itertools.product(left, right):
        try:
            ends.append(float(OPERATIONS[node.name][1](a, b)))
        except (ArithmeticError, ValueError, TypeError):
            unknown = True
    if unknown or any(map(math.isnan, ends)):
        return -math.inf, math.inf
    return min(ends), max(ends)
