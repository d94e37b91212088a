"""Objects of other tools, known by the names of their classes, so that none of these tools has to be imported.

What is made of them is the business of ``dialects``, which registers with ``arithmetic.expression``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["class_names", "comes_from", "holds", "is_frozen", "is_graph"]

DEPTH = 200


def class_names(value: Any) -> frozenset[str]:
    """The names of the class of ``value`` and of all classes above it."""
    return frozenset(cls.__name__ for cls in type(value).__mro__)


def comes_from(value: Any, package: str) -> bool:
    """Whether the class of ``value``, or one above it, is defined in a package."""
    return any(cls.__module__.split(".")[0] == package for cls in type(value).__mro__)


def is_graph(value: Any) -> bool:
    """Whether ``value`` is an expression of hyperopt: ``hp.uniform(...)``, and what is calculated with it."""
    return any(cls.__name__ == "Apply" and cls.__module__.startswith("hyperopt.") for cls in type(value).__mro__)


def is_frozen(value: Any) -> bool:
    """Whether ``value`` is a distribution of scipy with its parameters: ``scipy.stats.loguniform(1e-3, 1)``."""
    return comes_from(value, "scipy") and bool(class_names(value) & {"rv_frozen", "UnivariateDistribution"})


def holds(space: Any, kind: Callable[[Any], bool], depth: int = 0) -> bool:
    """Whether something of a kind stands anywhere in nested dicts, lists and tuples."""
    if isinstance(space, dict | list | tuple) and depth < DEPTH:
        return any(holds(item, kind, depth + 1) for item in (space.values() if isinstance(space, dict) else space))
    return kind(space)
