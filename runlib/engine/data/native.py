"""Converts numbers, arrays and columns of numpy and pandas to Python objects, without importing these packages.

Only values with an exact counterpart are converted: truth values, integers, floats and texts. Dates would silently
become integers, so they stay as they are.
"""

from __future__ import annotations

import array
from typing import Any

__all__ = ["is_column", "is_numpy", "listed", "native"]

MAX_DEPTH = 200
KINDS = frozenset("biufU")  # These dtypes are truth values, signed and unsigned integers, floats and text.
COLUMNS = frozenset({"Index", "Series", "ExtensionArray"})  # These are classes of pandas.


def is_numpy(value: Any) -> bool:
    """Returns whether the type of ``value`` belongs to numpy."""
    return type(value).__module__ == "numpy"


def is_column(value: Any) -> bool:
    """Returns whether ``value`` acts as a list: a range, an array with dimensions, or a column of pandas."""
    if isinstance(value, range | array.array):
        return True
    if is_numpy(value):
        return getattr(value, "shape", ()) != () and value.dtype.kind in KINDS | {"O"}
    above = type(value).__mro__
    return any(cls.__name__ in COLUMNS and cls.__module__.split(".")[0] == "pandas" for cls in above)


def listed(value: Any) -> list[Any]:
    """Returns the items of a value for which ``is_column`` is true."""
    return list(value) if isinstance(value, range) else list(value.tolist())


def native(value: Any, depth: int = 0) -> Any:
    """Returns a copy with Python numbers, and with columns as lists. Tuples and other objects stay as they are."""
    if type(value) in (str, int, float, bool) or value is None or depth > MAX_DEPTH:
        return value
    if isinstance(value, dict):
        return {key: native(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        items = [native(item, depth + 1) for item in value]
        return tuple(items) if isinstance(value, tuple) else items
    if is_column(value):
        return native(listed(value), depth)
    return _scalar(value) if is_numpy(value) and getattr(value, "shape", None) == () else value


def _scalar(value: Any) -> Any:
    item = value.item() if value.dtype.kind in KINDS else value
    return float(item) if value.dtype.kind == "f" else item  # item() does not convert a longdouble.
