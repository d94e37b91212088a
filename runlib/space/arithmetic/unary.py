"""Functions of one number in a search space: truncated as ``int`` does, exponential, logarithm, square root.

As in a formula, what varies below one does not show in the suggestion and stands in the memo. Without a memo the number
below is looked for: of a truncated one, any that is truncated to the value.
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
    """A function of numpy, which those of hyperopt are, and from which the standard library differs in the last bit."""

    def calculated(value: Any) -> float:
        numpy = load("numpy")
        with numpy.errstate(over="raise", divide="raise", invalid="raise"):
            return float(getattr(numpy, name)(value))

    return calculated


# The function, and its inverse where it has one.
UNARY: dict[str, tuple[Callable[[Any], Any], Callable[[float], float] | None]] = {
    "hp_exp": (_of_numpy("exp"), math.log),
    "hp_int": (int, None),
    "hp_log": (_of_numpy("log"), math.exp),
    "hp_sqrt": (math.sqrt, lambda value: value * value),
}


class Unary(Node):
    """A part that is a number, and what becomes of it.

    Attributes:
        name: A key of ``UNARY``.
        path: Where it stands in the search space.
    """

    __slots__ = ("function", "name", "operand", "path")
    numeric = True

    def __init__(self, name: str, operand: Node, path: str) -> None:
        self.name, self.operand, self.path = name, operand, path
        self.function = UNARY[name][0]

    def assemble(self, row: Sequence[float]) -> Any:
        """A finite number.

        Raises:
            SpaceError: It has none.
        """
        operand = self.operand.assemble(row)
        try:
            return self.function(operand)
        except (ArithmeticError, ValueError):
            reason = f"{self.name} of {operand!r} gives no finite number; keep what varies away from there"
            raise SpaceError(reason, self.path) from None

    def read(self, value: Any, memo: Memo, row: Row) -> None:
        """From the memo alone."""
        self.operand.read(None, memo, row)

    def locate(self, value: Any, row: Row) -> bool:
        """A number below that gives the value."""
        wanted = number(value, integer=self.name == "hp_int")
        for candidate in () if wanted is None else self._candidates(wanted):
            attempt = row[:]
            if self.operand.locate(candidate, attempt) and self._gives(value, attempt):
                row[:] = attempt
                return True
        return False

    def count(self) -> int | None:
        """The points of what varies below, whether or not their values differ."""
        return self.operand.count()

    def bounds(self) -> tuple[float, float]:
        """Of the ends, since each of the functions is monotone where it is defined."""
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
        return iter((found, float(round(found)), min(max(found, low), high)))  # without the errors of rounding

    def _gives(self, value: float, row: Row) -> bool:
        try:
            return math.isclose(self.assemble(row), value, rel_tol=NEAR, abs_tol=1e-300)
        except SpaceError:
            return False


def _truncated_to(node: Node, value: float) -> Iterator[float]:
    """Numbers among which there is one that a part can become and that is truncated to ``value``, if there is any."""
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
    """The first two steps of a variable from ``low`` on."""
    given = node.distribution
    step, start = (getattr(given, "step", None), getattr(given, "low", 0.0))
    if step is None:
        step, start = getattr(given, "q", None), 0.0
    if step is not None and math.isfinite(low):
        k = math.ceil((low - start) / step)
        yield from (start + k * step, start + (k + 1) * step)
