"""Defines plain data, the only data that a config, a suggestion, a result or a tape may hold.

Plain data is None, bool, int, float, str, and lists and dicts (with text keys) of these, without loops. ``plain``
converts other values (tuples, ranges, numbers and arrays of numpy, columns of pandas) to plain data, or raises an error
with the place and the type. No value changes silently: a value without an exact counterpart (a date, a longdouble
beyond the range of a float) is refused.
"""

from __future__ import annotations

import enum
import math
from typing import Any

from runlib.engine.data.native import is_column, is_numpy, listed
from runlib.errors import RunlibError

__all__ = ["MAX_DEPTH", "MAX_INT_BITS", "NotPlain", "is_deeper", "plain"]

MAX_DEPTH = 200  # orjson itself stops at 254 levels.
MAX_INT_BITS = 2048  # That is below 640 digits, which Python converts at any setting of its limit.
_INT64, _UINT64 = -(2**63), 2**64 - 1
_LONGEST_PATH = 200


class NotPlain(RunlibError, TypeError):
    """A value is not plain data. ``path`` and ``reason`` say where and why.

    Attributes:
        value: The given value if its type alone is the reason; None otherwise.
    """

    def __init__(self, reason: str, path: str = "", value: Any = None) -> None:
        self.reason = reason
        self.path = path
        self.value = value
        super().__init__(f"{path}: {reason}" if path else reason)

    def under(self, parent: str) -> NotPlain:
        """Returns the same error with ``parent`` put before its path. A very long path is cut at its end."""
        path = f"{parent}.{self.path}" if self.path else parent
        short = path if len(path) <= _LONGEST_PATH else f"{path[: _LONGEST_PATH - 3]}..."
        return NotPlain(self.reason, short, self.value)


def plain(value: Any, depth: int = 0) -> Any:
    """Returns a deep copy of ``value`` as plain data.

    Raises:
        NotPlain: The value holds something that is not data. The message names the place and the type.
    """
    kind = type(value)
    if kind is float or kind is bool or value is None:
        return value
    if kind is str:
        return _text(value)
    if kind is int:
        return _integer(value)
    if depth > MAX_DEPTH:
        raise NotPlain(f"is nested deeper than {MAX_DEPTH} levels, or contains itself")
    if isinstance(value, dict):
        return _plain_dict(value, depth)
    if isinstance(value, list | tuple):
        return _plain_list(value, depth)
    return _plain_list(listed(value), depth) if is_column(value) else _scalar(value)


def _plain_dict(value: dict[Any, Any], depth: int) -> dict[str, Any]:
    result = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise NotPlain(f"keys must be text, got {_short(key)} of type {type(key).__name__}")
        name = _text(str.__str__(key))  # For an Enum, str() would return the name of the member.
        try:
            result[name] = plain(item, depth + 1)
        except NotPlain as error:
            raise error.under(name) from None
    return result


def _plain_list(value: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
    result = []
    for index, item in enumerate(value):
        try:
            result.append(plain(item, depth + 1))
        except NotPlain as error:
            raise error.under(str(index)) from None
    return result


def _text(value: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise NotPlain("text holds a lone surrogate, which is not valid Unicode") from None
    return value


def _integer(value: int) -> int:
    if not _INT64 <= value <= _UINT64 and value.bit_length() > MAX_INT_BITS:
        raise NotPlain(f"is an integer of more than {MAX_INT_BITS} bits")
    return value


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # An error in a user's repr() must not hide the error that is being reported.
        return "a value"
    return text if len(text) <= 80 else f"{text[:80]}..."


def _scalar(value: Any) -> Any:
    """Converts numpy scalars and subclasses of int, float and str to the plain type."""
    if is_numpy(value):
        value = _numpy(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return _integer(int(value))
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        return _text(str.__str__(value))
    name = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    hint = "; pass its .value" if isinstance(value, enum.Enum) else ""
    raise NotPlain(f"is no data, but of type {name}{hint}", value=value)


def _numpy(value: Any) -> Any:
    """Converts a numpy number, truth value or text, also in an array without dimensions, to the Python type."""
    name, kind = type(value).__name__, getattr(getattr(value, "dtype", None), "kind", "")
    if getattr(value, "shape", ()) != ():
        raise NotPlain(f"is no data, but of type numpy.{name} with elements of type {value.dtype}")
    if kind not in {"b", "i", "u", "f", "U"}:  # Dates would silently become integers.
        raise NotPlain(f"is no data, but of type numpy.{name}")
    item = value.item()
    if kind == "f" and not isinstance(item, float):  # item() does not convert a longdouble.
        number = float(item)
        if math.isinf(number) and item != number:
            raise NotPlain(f"is a numpy.{name} beyond the range of a float")
        return number
    return item


def is_deeper(value: Any, limit: int) -> bool:
    """Returns whether loop-free lists and dicts nest in more than ``limit`` levels. It does not recurse."""
    level = [value] if isinstance(value, dict | list) else []
    while level and limit > 0:
        inside = (item for outer in level for item in (outer.values() if isinstance(outer, dict) else outer))
        level, limit = [item for item in inside if isinstance(item, dict | list)], limit - 1
    return bool(level)
