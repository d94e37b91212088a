"""Plain data: what may stand in a config, a suggestion, a result, or on the tape.

Plain data is None, bool, int, float, str, and lists and dicts (with text keys) of these. ``plain`` makes
it out of what people pass (numpy scalars, tuples), or says with the place and the type why it cannot.
``dump`` and ``load`` are the strict JSON of the tape: what JSON cannot hold (NaN, infinity, integers
beyond 64 bits) is tagged, and a user's key that starts with ``$`` is escaped, so nothing changes silently.
``canonical_json`` is the text that is hashed: it depends on the data alone, not on the version of a library.
"""

from __future__ import annotations

import enum
import hashlib
import json
import math
from collections.abc import Callable
from typing import Any

import orjson

from runlib.engine.extras import load as load_module
from runlib.errors import RunlibError

__all__ = [
    "MAX_DEPTH",
    "MAX_INT_BITS",
    "NotPlain",
    "canonical_json",
    "compute_hash",
    "dump",
    "hash_suggestion",
    "load",
    "plain",
]

MAX_DEPTH = 200  # orjson itself stops at 254 levels
MAX_INT_BITS = 2048  # below 640 digits: Python writes and reads these in decimal whatever limit it is set to
_INT64, _UINT64 = -(2**63), 2**64 - 1
_LONGEST_PATH = 200

# Not orjson: the text of a float (1e16 or 1e+16) differs between its versions, and hashes must not.
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


class NotPlain(RunlibError, TypeError):
    """A value is not plain data; ``path`` and ``reason`` say where and why."""

    def __init__(self, reason: str, path: str = "") -> None:
        self.reason = reason
        self.path = path
        super().__init__(f"{path}: {reason}" if path else reason)

    def under(self, parent: str) -> NotPlain:
        """The same error, seen from one level further out; of a very long path the outer part is kept."""
        path = f"{parent}.{self.path}" if self.path else parent
        return NotPlain(self.reason, path if len(path) <= _LONGEST_PATH else f"{path[: _LONGEST_PATH - 3]}...")


def plain(value: Any, depth: int = 0) -> Any:
    """A deep copy of ``value`` as plain data.

    Raises:
        NotPlain: Something in it is not data, with its place and type.
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
    return _scalar(value)


def _plain_dict(value: dict[Any, Any], depth: int) -> dict[str, Any]:
    result = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise NotPlain(f"keys must be text, got {_short(key)} of type {type(key).__name__}")
        name = _text(str.__str__(key))  # of an Enum, str() would be the name of the member
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
    except Exception:  # a repr() of somebody else must not hide the error that is being told
        return "a value"
    return text if len(text) <= 80 else f"{text[:80]}..."


def _scalar(value: Any) -> Any:
    """Numpy scalars and subclasses of int, float and str become what they stand for."""
    if type(value).__module__ == "numpy":
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
    raise NotPlain(f"is no data, but of type {name}{hint}")


def _numpy(value: Any) -> Any:
    """A numpy number, truth value or text, alone or in an array without dimensions, as Python's own."""
    name, kind = type(value).__name__, getattr(getattr(value, "dtype", None), "kind", "")
    if getattr(value, "shape", ()) != ():
        raise NotPlain(f"is no data, but of type numpy.{name}; call .tolist() to make it data")
    if kind not in {"b", "i", "u", "f", "U"}:  # dates would turn into integers without a word
        raise NotPlain(f"is no data, but of type numpy.{name}")
    item = value.item()
    if kind == "f" and not isinstance(item, float):  # item() leaves a longdouble as it is
        number = float(item)
        if math.isinf(number) and item != number:
            raise NotPlain(f"is a numpy.{name} beyond the range of a float")
        return number
    return item


def _tag(value: Any) -> Any:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$float": str(value)}
    if kind is int:
        return value if _INT64 <= value <= _UINT64 else {"$int": str(value)}
    if kind is dict:
        return {(f"${key}" if key[:1] == "$" else key): _tag(item) for key, item in value.items()}
    return [_tag(item) for item in value]


def _untag(value: Any) -> Any:
    if type(value) is dict:
        if len(value) == 1:
            [(key, item)] = value.items()
            if key in _TAGS and isinstance(item, str):
                return _TAGS[key](item)
        return {_unescaped(key): _untag(item) for key, item in value.items()}
    if type(value) is list:
        return [_untag(item) for item in value]
    return value


def _unescaped(key: str) -> str:
    if key[:1] != "$":
        return key
    if key[:2] != "$$":  # a tag of a newer version, which must not be taken for data
        raise ValueError(f"unknown tag {key!r}")
    return key[1:]


_TAGS: dict[str, Callable[[str], Any]] = {"$float": float, "$int": int}


def dump(value: Any) -> bytes:
    """Strict JSON of plain data on one line, tagged where JSON cannot hold a value."""
    return orjson.dumps(_tag(value))


def load(line: bytes) -> Any:
    """What ``dump`` wrote.

    Raises:
        ValueError: The line is not JSON, or holds a tag that ``dump`` does not write.
    """
    value = orjson.loads(line)
    try:
        return _untag(value) if b'"$' in line else value
    except RecursionError:
        raise ValueError(f"nested deeper than the {MAX_DEPTH} levels of plain data") from None


def canonical_json(value: Any) -> bytes:
    """The one JSON text of plain data: keys sorted, no spaces; equal data gives equal bytes.

    An int and a float of the same value are different data, and so are 0.0 and -0.0.
    """
    return _canonical(_tag(plain(value))).encode()


def hash_suggestion(suggestion: Any) -> str:
    """The ``eid`` of a suggestion: 32 hexadecimal digits, blake2b of its canonical JSON."""
    return hashlib.blake2b(canonical_json(suggestion), digest_size=16).hexdigest()


def compute_hash(*values: Any) -> str:
    """A hash of data, equal in every process and on every platform: 32 hexadecimal digits.

    Plain data is hashed by its canonical JSON, so that the order of keys, tuples and numpy scalars make no
    difference; a component by its config; arrays and other objects go to ``joblib.hash`` as they are.
    Several values are hashed as the list of them.
    """
    joblib_hash = load_module("joblib").hash
    value = _with_configs(values[0] if len(values) == 1 else values)
    try:
        return str(joblib_hash(canonical_json(value)))
    except NotPlain:
        return str(joblib_hash(value))


def _with_configs(value: Any, depth: int = 0) -> Any:
    """Components replaced by their configs, so that nothing of their context is hashed."""
    if depth > MAX_DEPTH:
        return value
    if isinstance(value, dict):
        return {key: _with_configs(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_configs(item, depth + 1) for item in value]
    if hasattr(value, "get_config") and not isinstance(value, type):
        return value.get_config()
    return value
