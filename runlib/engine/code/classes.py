"""The name and the bases of a class as the interpreter has them.

A class of somebody else may have a metaclass with attributes of the same names, which may do anything when they are
asked for: raise ``SystemExit``, or answer with something that is no text.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["class_name", "line_of_descent"]

_NAME: Callable[[type], str] = type.__dict__["__name__"].__get__
_LINE_OF_DESCENT: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__


def class_name(cls: type) -> str:
    """The name of a class, as text that can be encoded."""
    return _NAME(cls).encode("utf-8", "backslashreplace").decode("utf-8")


def line_of_descent(cls: type) -> tuple[type, ...]:
    """The class and its bases, nearest first."""
    return _LINE_OF_DESCENT(cls)
