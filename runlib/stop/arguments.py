"""Checks the arguments of stops: a wrong argument is refused when a stop is made, under its own name.

A stop that can never be satisfied, or is satisfied before the first trial, is a mistake and is refused.
"""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any, cast

from runlib.engine.data.native import native
from runlib.errors import ConfigError

__all__ = ["check_number", "check_positive", "check_whole"]


def check_whole(value: Any, name: str) -> int:
    """Returns a whole number of at least 1, as Python's own type.

    Raises:
        ConfigError: The value is none; the path is ``name``.
    """
    value = native(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < 1:
        raise ConfigError(f"must be a whole number of at least 1, got {value!r}", name)
    return int(value)


def check_number(value: Any, name: str) -> float:
    """Returns a finite number, as Python's own type.

    Raises:
        ConfigError: The value is none; the path is ``name``.
    """
    value = native(value)
    if isinstance(value, bool) or not isinstance(value, Real) or not _finite(value):
        raise ConfigError(f"must be a finite number, got {value!r}", name)
    return cast(float, value)


def check_positive(value: Any, name: str) -> float:
    """Returns a finite number above 0, as Python's own type.

    Raises:
        ConfigError: The value is none; the path is ``name``.
    """
    number = check_number(value, name)
    if number <= 0:
        raise ConfigError(f"must be above 0, got {value!r}", name)
    return number


def _finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # An integer may be too large for a float.
        return False
