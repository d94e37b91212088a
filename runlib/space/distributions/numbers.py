"""Helps the distributions with plain numbers: it reads them, rounds them to multiples and formats them for messages.

Numbers that are out of range raise no error. A number that a float cannot hold is read as None, and exponentials stay
within the range of a float.
"""

from __future__ import annotations

import math
from typing import Any

from runlib.errors import SpaceError

__all__ = ["CLOSE", "MAX_LISTED", "exp", "listable", "number", "on_grid", "shown"]

CLOSE = 1e-9  # This tolerance is relative. exp and multiples of q are not exactly invertible.
MAX_LISTED = 1_000_000  # The grid of one variable has at most so many points.


def number(value: Any, integer: bool) -> float | None:
    """Returns ``value`` as a finite number; None if it is not one. A bool is not a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) and (not integer or found.is_integer()) else None


def on_grid(found: float, q: float | None) -> bool:
    """Returns whether a number is a multiple of ``q``, up to rounding."""
    if q is None:
        return True
    return math.isclose(round(found / q) * q, found, rel_tol=CLOSE, abs_tol=CLOSE * q)


def exp(x: float) -> float:
    """Returns the exponential, which is positive and finite for every ``x``."""
    return math.exp(-708.0 if x < -708.0 else 709.0 if x > 709.0 else x)


def shown(found: float) -> str:
    """Returns a number as text for messages, an integer without its point."""
    return str(int(found)) if float(found).is_integer() and abs(found) < 1e15 else repr(float(found))


def listable(count: int) -> int:
    """Returns ``count`` if that many points can be listed.

    Raises:
        SpaceError: There are too many points to list.
    """
    if count > MAX_LISTED:
        raise SpaceError(f"{count} points are too many to list (at most {MAX_LISTED}); give it a coarser step")
    return count
