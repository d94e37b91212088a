"""Converts each point of a space to one spelling, the one in which a search itself would write it.

1.0 and 1 are one point of an integer. 0.3 and 0.30000000000000004 are one point of a number in steps of 0.1. Values
that do not lie in the space, or have no other spelling, stay unchanged.
"""

from __future__ import annotations

import math
from typing import Any

from runlib.space.arithmetic.formula import Formula
from runlib.space.arithmetic.unary import Unary
from runlib.space.distributions.distribution import Distribution, Options, Power, Quantile
from runlib.space.distributions.numbers import CLOSE, number
from runlib.space.forms.merge import Merge
from runlib.space.leaves import Branch, Leaf
from runlib.space.nodes import Fixed, Items, Node, Row, Table, same

__all__ = ["spelled"]


def spelled(node: Node, value: Any, row: Row) -> Any:
    """Returns ``value`` as this part would write it. ``row`` is a buffer for all variables of the space."""
    if isinstance(node, Table):
        return _table(dict(node.items), node.keyed(value), row)
    if isinstance(node, Merge):
        return _merge(node, value, row)
    if isinstance(node, Items):
        if not isinstance(value, list | tuple) or len(value) != len(node.nodes):
            return value
        return node.made(spelled(part, item, row) for part, item in zip(node.nodes, value, strict=True))
    if isinstance(node, Branch):
        option = next((option for option in node.options if option.locate(value, row)), None)
        option = option or next((option for option in node.options if _is_near(option, value)), None)
        return value if option is None else spelled(option, value, row)
    if isinstance(node, Leaf):
        return _number(node.distribution, value)
    if isinstance(node, Fixed):
        return node.assemble([]) if same(node.value, value) or _is_near(node, value) else value
    return _calculated(node, value, row) if isinstance(node, Formula | Unary) else value


def _table(parts: dict[Any, Node], value: Any, row: Row) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: spelled(parts[key], item, row) if key in parts else item for key, item in value.items()}


def _merge(node: Merge, value: Any, row: Row) -> Any:
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for part, own in zip(node.nodes, node.split(value), strict=True):
        found |= spelled(part, own, row)
    return {key: found.get(key, item) for key, item in value.items()}


def _is_near(node: Node, value: Any) -> bool:
    """Returns whether a constant is another spelling of a value, as 0.3 for 0.30000000000000004 or 1 for True."""
    return isinstance(node, Fixed) and _are_near(node.value, value)


def _are_near(mine: Any, other: Any) -> bool:
    if isinstance(mine, list | tuple) and isinstance(other, list | tuple):
        return len(mine) == len(other) and all(map(_are_near, mine, other))
    if isinstance(mine, dict) and isinstance(other, dict):
        return mine.keys() == other.keys() and all(_are_near(item, other[key]) for key, item in mine.items())
    mine_number, other_number = number(mine, integer=False), number(_as_integer(other), integer=False)
    if mine_number is None or other_number is None:
        return same(mine, other)
    tolerance = CLOSE if isinstance(mine, float) or isinstance(other, float) else 0.0
    return math.isclose(mine_number, other_number, rel_tol=tolerance)


def _number(distribution: Distribution, value: Any) -> Any:
    given = _as_integer(value)
    raw = None if isinstance(distribution, Options) else distribution.raw(given)
    if isinstance(distribution, Options) or raw is None:
        return value
    if isinstance(distribution, Power | Quantile):
        given_in_steps = distribution.inner.q is not None
        return distribution.value(raw) if given_in_steps else _as_number(distribution, given)
    return distribution.value(raw)


def _as_integer(value: Any) -> Any:
    """Returns a truth value as the integer that it equals in Python, and other values unchanged."""
    return int(value) if isinstance(value, bool) else value


def _as_number(distribution: Power | Quantile, value: Any) -> Any:
    whole = isinstance(distribution, Quantile) and distribution.integer
    return int(value) if whole else float(value)


def _calculated(node: Formula | Unary, value: Any, row: Row) -> Any:
    """Converts only values in steps. For others, solving and calculating again could change the number slightly."""
    in_steps = node.count() is not None or (isinstance(node, Unary) and node.name == "hp_int")
    return node.assemble(row) if in_steps and node.locate(value, row) else value
