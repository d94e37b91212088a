"""Represents conditions as formulas: true, false, or open while they depend on undecided parameters.

A formula is a bool, ``("is", name, places)`` (the parameter is active and its value has one of these places), or
``("and", parts)`` or ``("or", parts)``. All formulas are hashable and kept in their shortest form, so that two states
of a space with the same continuation are equal.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["Formula", "all_of", "any_of", "assume", "names_in"]

Formula = bool | tuple[Any, ...]


def all_of(parts: Iterable[Formula]) -> Formula:
    """Returns the formula that holds if every part holds."""
    return _joined("and", parts, absorbing=False)


def any_of(parts: Iterable[Formula]) -> Formula:
    """Returns the formula that holds if at least one part holds."""
    return _joined("or", parts, absorbing=True)


def _joined(kind: str, parts: Iterable[Formula], *, absorbing: bool) -> Formula:
    kept: dict[Formula, None] = {}
    for part in parts:
        if part is absorbing:
            return absorbing
        if not isinstance(part, bool):
            kept[part] = None
    if not kept:
        return not absorbing
    return next(iter(kept)) if len(kept) == 1 else (kind, tuple(kept))


def assume(formula: Formula, name: str, place: int | None) -> Formula:
    """Returns what is left of a formula once a parameter is decided. ``place`` is None for an inactive parameter."""
    if isinstance(formula, bool):
        return formula
    kind, first = formula[0], formula[1]
    if kind == "is":
        return place in formula[2] if first == name else formula
    parts = [assume(part, name, place) for part in first]
    return all_of(parts) if kind == "and" else any_of(parts)


def names_in(formula: Formula) -> set[str]:
    """Returns the parameters that occur in a formula."""
    if isinstance(formula, bool):
        return set()
    if formula[0] == "is":
        return {formula[1]}
    return {name for part in formula[1] for name in names_in(part)}
