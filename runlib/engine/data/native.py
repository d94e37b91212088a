"""Numbers, arrays and columns of numpy and pandas as Python's own, known without importing either.

Only what has an exact counterpart is taken: truth values, integers, floats and texts. Dates would turn into integers
without a word, and stay what they are.
"""

from __future__ import annotations

import array
from typing import Any

__all__ = ["is_column", "is_numpy", "listed", "native"]

MAX_DEPTH = 200
KINDS = frozenset("biufU")  # of a dtype: truth values, integers, unsigned ones, floats, text
COLUMNS = frozenset({"Index", "Series", "ExtensionArray"})  # classes of pandas


def is_numpy(value: Any) -> bool:
    """Whether the type of ``value`` is one of numpy."""
    return type(value).__module__ == "numpy"


def is_column(value: Any) -> bool:
    """Whether ``value`` is a range, an array with dimensions, or a column of pandas: a list in all but its type."""
    if isinstance(value, range | array.array):
        return True
    if is_numpy(value):
        return getattr(value, "shape", ()) != () and value.dtype.kind in KINDS | {"O"}
    above = type(value).__mro__
    return any(cls.__name__ in COLUMNS and cls.__module__.split(".")[0] == "pandas" for cls in above)


def listed(value: Any) -> list[Any]:
    """The items of something that ``is_column``."""
    return list(value) if isinstance(value, range) else list(value.tolist())


def native(value: Any, depth: int = 0) -> Any:
    """A copy in which numbers are Python's own and columns are lists; tuples stay tuples, and the rest what it is."""
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
    return float(item) if value.dtype.kind == "f" else item  # item() leaves a longdouble as it is
