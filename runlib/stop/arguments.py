"""The checks that the stops share: a wrong argument is refused when a stop is made, under its own name.

A stop that can never be satisfied, or already is before the first trial, is a mistake and no stop.
"""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any, cast

from runlib.engine.data.native import native
from runlib.errors import ConfigError

__all__ = ["check_number", "check_positive", "check_whole"]


def check_whole(value: Any, name: str) -> int:
    """A whole number of at least 1, as Python's own.

    Raises:
        ConfigError: With ``name`` as its path.
    """
    value = native(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < 1:
        raise ConfigError(f"must be a whole number of at least 1, got {value!r}", name)
    return int(value)


def check_number(value: Any, name: str) -> float:
    """A finite number, as Python's own.

    Raises:
        ConfigError: With ``name`` as its path.
    """
    value = native(value)
    if isinstance(value, bool) or not isinstance(value, Real) or not _finite(value):
        raise ConfigError(f"must be a finite number, got {value!r}", name)
    return cast(float, value)


def check_positive(value: Any, name: str) -> float:
    """A finite number above 0, as Python's own.

    Raises:
        ConfigError: With ``name`` as its path.
    """
    number = check_number(value, name)
    if number <= 0:
        raise ConfigError(f"must be above 0, got {value!r}", name)
    return number


def _finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond all floats
        return False
