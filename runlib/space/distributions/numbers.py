"""What the distributions need of plain numbers: reading them, rounding to multiples, and text for people.

Nothing here raises for a number that is out of range: what cannot be a float is None, and exponentials end where
floats do.
"""

from __future__ import annotations

import math
from typing import Any

from runlib.errors import SpaceError

__all__ = ["CLOSE", "MAX_LISTED", "exp", "listable", "number", "on_grid", "shown"]

CLOSE = 1e-9  # relative: exp and multiples of q are not exactly invertible
MAX_LISTED = 1_000_000  # points of a grid of one variable


def number(value: Any, integer: bool) -> float | None:
    """``value`` as a finite number, or None; a bool is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) and (not integer or found.is_integer()) else None


def on_grid(found: float, q: float | None) -> bool:
    """Whether a number is a multiple of ``q``, up to rounding."""
    if q is None:
        return True
    return math.isclose(round(found / q) * q, found, rel_tol=CLOSE, abs_tol=CLOSE * q)


def exp(x: float) -> float:
    """The exponential, positive and finite whatever ``x`` is."""
    return math.exp(-708.0 if x < -708.0 else 709.0 if x > 709.0 else x)


def shown(found: float) -> str:
    """A number for people: an integer without its point."""
    return str(int(found)) if float(found).is_integer() and abs(found) < 1e15 else repr(float(found))


def listable(count: int) -> int:
    """``count``, if that many points can be listed.

    Raises:
        SpaceError: They cannot.
    """
    if count > MAX_LISTED:
        raise SpaceError(f"{count} points are too many to list (at most {MAX_LISTED}); give it a coarser step")
    return count
