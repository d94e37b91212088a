"""Recognises objects of other tools by the names of their classes, so that these tools need not be imported.

``dialects`` converts these objects. It registers its conversions with ``arithmetic.expression``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["class_names", "comes_from", "holds", "is_frozen", "is_graph"]

DEPTH = 200


def class_names(value: Any) -> frozenset[str]:
    """Returns the names of the class of ``value`` and of all its base classes."""
    return frozenset(cls.__name__ for cls in type(value).__mro__)


def comes_from(value: Any, package: str) -> bool:
    """Returns whether the class of ``value`` or one of its base classes is defined in a package."""
    return any(cls.__module__.split(".")[0] == package for cls in type(value).__mro__)


def is_graph(value: Any) -> bool:
    """Returns whether ``value`` is an expression of hyperopt: ``hp.uniform(...)`` or a calculation with it."""
    return any(cls.__name__ == "Apply" and cls.__module__.startswith("hyperopt.") for cls in type(value).__mro__)


def is_frozen(value: Any) -> bool:
    """Returns whether ``value`` is a frozen distribution of scipy, such as ``scipy.stats.loguniform(1e-3, 1)``."""
    return comes_from(value, "scipy") and bool(class_names(value) & {"rv_frozen", "UnivariateDistribution"})


def holds(space: Any, kind: Callable[[Any], bool], depth: int = 0) -> bool:
    """Returns whether nested dicts, lists and tuples hold something of a kind anywhere."""
    if isinstance(space, dict | list | tuple) and depth < DEPTH:
        return any(holds(item, kind, depth + 1) for item in (space.values() if isinstance(space, dict) else space))
    return kind(space)
