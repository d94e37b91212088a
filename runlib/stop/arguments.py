"""The checks that the stops share: a wrong argument is refused when a stop is made, under its own name.

A stop that can never be satisfied, or already is before the first trial, is a mistake and no stop.
"""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

from runlib.errors import ConfigError

__all__ = ["check_number", "check_positive", "check_whole"]


def check_whole(value: Any, name: str) -> None:
    """Refuse all but whole numbers of at least 1.

    Raises:
        ConfigError: With ``name`` as its path.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < 1:
        raise ConfigError(f"must be a whole number of at least 1, got {value!r}", name)


def check_number(value: Any, name: str) -> None:
    """Refuse all but finite numbers.

    Raises:
        ConfigError: With ``name`` as its path.
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not _finite(value):
        raise ConfigError(f"must be a finite number, got {value!r}", name)


def check_positive(value: Any, name: str) -> None:
    """Refuse all but finite numbers above 0.

    Raises:
        ConfigError: With ``name`` as its path.
    """
    check_number(value, name)
    if value <= 0:
        raise ConfigError(f"must be above 0, got {value!r}", name)


def _finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond all floats
        return False
