"""Checks whether a suggestion lies in a search space, and otherwise names the place and what is allowed there.

The checks follow the tree and reach the same result as ``Node.locate``. If no option of a choice fits, the error is
that of the option that fits furthest, since the user probably meant that one.
"""

from __future__ import annotations

import reprlib
from typing import Any

from runlib.errors import SpaceError
from runlib.space.arithmetic.formula import Formula
from runlib.space.arithmetic.unary import Unary
from runlib.space.distributions.numbers import number, shown
from runlib.space.forms.merge import Merge
from runlib.space.leaves import Branch, Leaf
from runlib.space.nodes import Fixed, Items, Node, Table

__all__ = ["check"]

MAX_NAMED = 10  # An error lists at most so many options.
SLACK = 1e-9


def check(node: Node, value: Any, path: str) -> None:
    """Raises an error if this part cannot become ``value``.

    Raises:
        SpaceError: It cannot. ``path`` is the place in the suggestion.
    """
    if isinstance(node, Table):
        _check_table(node, value, path)
    elif isinstance(node, Merge):
        _check_merge(node, value, path)
    elif isinstance(node, Items):
        _check_items(node, value, path)
    elif isinstance(node, Branch):
        _check_branch(node, value, path)
    elif isinstance(node, Formula | Unary):
        _check_formula(node, value, path)
    elif isinstance(node, Leaf):
        if node.distribution.raw(value) is None:
            raise SpaceError(f"must be {node.distribution.describe()}, got {_short(value)}", path)
    elif isinstance(node, Fixed) and not node.locate(value, []):
        raise SpaceError(f"must be {_short(node.value)}, got {_short(value)}", path)


def _check_table(node: Table, value: Any, path: str) -> None:
    keys = [key for key, _ in node.items]
    value = node.keyed(value)
    if not isinstance(value, dict):
        raise SpaceError(f"must be a dict with the keys {_listed(keys)}, got {_short(value)}", path)
    for key in keys:
        if key not in value:
            raise SpaceError(f"the key {key!r} is missing; there must be {_listed(keys)}", path)
    for key in value:
        if key not in keys:
            raise SpaceError(f"there is no key {key!r}; there must be {_listed(keys)}", path)
    for key, part in node.items:
        check(part, value[key], f"{path}.{key}")


def _check_merge(node: Merge, value: Any, path: str) -> None:
    keys = sorted(frozenset().union(*node.keys))
    if not isinstance(value, dict):
        raise SpaceError(f"must be a dict with some of the keys {_listed(keys)}, got {_short(value)}", path)
    for key in value:
        if key not in keys:
            raise SpaceError(f"there is no key {key!r}; there can be {_listed(keys)}", path)
    for part, own in zip(node.nodes, node.split(value), strict=True):
        check(part, own, path)


def _check_items(node: Items, value: Any, path: str) -> None:
    if not isinstance(value, list | tuple) or len(value) != len(node.nodes):
        raise SpaceError(f"must be a {node.made.__name__} of {len(node.nodes)} items, got {_short(value)}", path)
    for place, (part, item) in enumerate(zip(node.nodes, value, strict=True)):
        check(part, item, f"{path}.{place}")


def _check_branch(node: Branch, value: Any, path: str) -> None:
    furthest: SpaceError | None = None
    for option in node.options:
        try:
            check(option, value, path)
            return
        except SpaceError as error:
            if len(error.path) > len(furthest.path if furthest else path):
                furthest = error
    if furthest is not None:
        raise furthest
    named = [_kind(option) for option in node.options[:MAX_NAMED]]
    more = [f"{len(node.options) - MAX_NAMED} more"] if len(node.options) > MAX_NAMED else []
    raise SpaceError(f"must be one of {', '.join(named + more)}, got {_short(value)}", path)


def _kind(node: Node) -> str:
    """Returns a short description of a part."""
    if isinstance(node, Fixed):
        return _short(node.value)
    if isinstance(node, Table):
        return f"a dict with {_listed([key for key, _ in node.items])}"
    if isinstance(node, Merge):
        return "a dict"
    if isinstance(node, Items):
        return f"a {node.made.__name__} of {len(node.nodes)} items"
    if isinstance(node, Leaf):
        return node.distribution.describe()
    return "a number that is calculated" if isinstance(node, Formula | Unary) else "an option"


def _check_formula(node: Formula | Unary, value: Any, path: str) -> None:
    """Solves a formula of one variable. For several variables, it only checks that the value lies in their range."""
    found, (low, high) = number(value, integer=False), node.bounds()
    if found is None or not low - SLACK * abs(low) <= found <= high + SLACK * abs(high):
        raise SpaceError(f"must be a finite number from {shown(low)} to {shown(high)}, got {_short(value)}", path)
    if _is_solvable(node) and not node.locate(value, [0.0] * _width(node)):
        raise SpaceError(f"is not what {node.name} gives for anything that may stand in it, got {_short(value)}", path)


def _is_solvable(node: Node) -> bool:
    if isinstance(node, Formula):
        varying = node.right if node.left.constant else node.left
        return (node.left.constant or node.right.constant) and _is_solvable(varying)
    if isinstance(node, Unary):  # For a calculation in steps, the solver may miss numbers that are truncated.
        return not isinstance(node.operand, Formula) or (node.count() is None and _is_solvable(node.operand))
    return all(map(_is_solvable, node.options)) if isinstance(node, Branch) else True


def _width(node: Node) -> int:
    """Returns the length of a row that has a place for all variables of a formula."""
    if isinstance(node, Formula):
        return max(_width(node.left), _width(node.right))
    if isinstance(node, Unary):
        return _width(node.operand)
    if isinstance(node, Branch):
        return max(node.index + 1, *map(_width, node.options))
    return node.index + 1 if isinstance(node, Leaf) else 0


def _listed(keys: list[Any]) -> str:
    return ", ".join(map(repr, keys[:MAX_NAMED])) + (", ..." if len(keys) > MAX_NAMED else "") if keys else "no keys"


def _short(value: Any) -> str:
    return reprlib.repr(value)
