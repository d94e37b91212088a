"""Reads the name and the bases of a class as the interpreter stores them.

A user's class may have a metaclass that defines attributes of the same names. Reading these could run any code: it
could raise ``SystemExit`` or return something that is not text.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["class_name", "line_of_descent"]

_NAME: Callable[[type], str] = type.__dict__["__name__"].__get__
_LINE_OF_DESCENT: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__


def class_name(cls: type) -> str:
    """Returns the name of a class as text that can be encoded."""
    return _NAME(cls).encode("utf-8", "backslashreplace").decode("utf-8")


def line_of_descent(cls: type) -> tuple[type, ...]:
    """Returns the class and its bases, nearest first."""
    return _LINE_OF_DESCENT(cls)
