"""Writes plain data as JSON: as one line of the tape, and as the canonical text that is hashed.

``dump`` and ``load`` use the strict JSON of the tape. Values that JSON cannot hold (NaN, infinity, integers beyond 64
bits) are tagged, and a user's key that starts with ``$`` is escaped, so no value changes silently. ``canonical_json``
returns the text that is hashed. This text depends on the data alone, not on the version of a library.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import re
from collections.abc import Callable
from typing import Any

import orjson

from runlib.engine.arguments import known_arguments
from runlib.engine.data.native import is_column
from runlib.engine.data.plain import MAX_DEPTH, MAX_INT_BITS, NotPlain, is_deeper, plain
from runlib.engine.data.shape import flat, key_text
from runlib.engine.extras import load as load_module

__all__ = [
    "NotPlain",
    "canonical_json",
    "canonical_suggestion",
    "compute_hash",
    "dump",
    "hash_suggestion",
    "load",
    "plain",
]

_INT64, _UINT64 = -(2**63), 2**64 - 1
_DEEPEST = MAX_DEPTH + 3  # A suggestion may have one level more, and it stands in an event, which stands in a record.
_STRICT = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS

# orjson is not used: its text of a float (1e16 or 1e+16) differs between versions, and hashes must not differ.
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def _tag(value: Any) -> Any:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$float": str(value)}
    if kind is int:
        return value if _INT64 <= value <= _UINT64 else {"$int": str(value)}
    if kind is dict:
        texts = ((key if type(key) is str else key_text(key), item) for key, item in value.items())
        return {(f"${key}" if key[:1] == "$" else key): _tag(item) for key, item in texts}
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
    if key[:2] != "$$":  # This is a tag of a newer version, which must not be read as data.
        raise ValueError(f"unknown tag {key!r}")
    return key[1:]


def _float(text: str) -> float:
    if text not in ("nan", "inf", "-inf"):
        raise ValueError(f"{text[:40]!r} is no number that JSON cannot hold")
    return float(text)


def _int(text: str) -> int:
    if not _DIGITS.fullmatch(text) or (number := int(text)).bit_length() > MAX_INT_BITS:
        raise ValueError(f"{text[:40]!r} is no integer of at most {MAX_INT_BITS} bits")
    return number


_DIGITS = re.compile(r"-?[1-9][0-9]{0,639}")  # Python converts up to 640 digits at any setting of its limit.
_TAGS: dict[str, Callable[[str], Any]] = {"$float": _float, "$int": _int}


def _untagged(value: Any) -> bytes | None:
    """Returns the JSON of plain data that needs no tags, as most data does; None if a tag may be needed."""
    try:
        text = orjson.dumps(value, option=_STRICT)
    except TypeError:  # The value is an integer beyond 64 bits, or it is not plain data.
        return None
    # orjson writes NaN and infinities as null. A dollar may begin a key.
    return None if b"null" in text or b'"$' in text else text


def dump(value: Any) -> bytes:
    """Returns plain data as strict JSON on one line, with tags for values that JSON cannot hold. The shape is lost."""
    text = _untagged(value)
    return orjson.dumps(_tag(value)) if text is None else text


def load(line: bytes) -> Any:
    """Returns the data that ``dump`` wrote.

    Raises:
        ValueError: The line is not JSON, holds a tag that ``dump`` does not write, or is nested deeper than plain
            data in a record can be.
    """
    value = orjson.loads(line)
    if len(line) > 2 * MAX_DEPTH and line.count(b"[") + line.count(b"{") > MAX_DEPTH and is_deeper(value, _DEEPEST):
        raise ValueError(f"nested deeper than the {MAX_DEPTH} levels of plain data")
    return _untag(value) if b'"$' in line else value


def canonical_json(value: Any) -> bytes:
    """Returns the canonical JSON text of plain data, with sorted keys and no spaces. Equal data has equal bytes.

    An int and a float of the same value are different data, and so are 0.0 and -0.0.
    """
    text = _untagged(value)
    if text is not None and text.count(b"[") + text.count(b"{") <= MAX_DEPTH:
        with contextlib.suppress(TypeError):  # orjson accepts some objects that the json module refuses.
            return _canonical(value).encode()
    return _canonical(_tag(plain(value))).encode()


def hash_suggestion(suggestion: Any) -> str:
    """Returns the ``eid`` of a suggestion: 32 hexadecimal digits, the blake2b of its canonical JSON without shape."""
    return hashlib.blake2b(canonical_suggestion(suggestion), digest_size=16).hexdigest()


def canonical_suggestion(suggestion: Any) -> bytes:
    """Returns the canonical JSON of a suggestion as plain data, with tuples as lists and keys as text."""
    try:
        return canonical_json(suggestion)
    except NotPlain:  # Some keys are not text.
        return canonical_json(flat(suggestion))


@known_arguments
def compute_hash(*values: Any) -> str:
    """Returns a hash of data that is equal in every process and on every platform: 32 hexadecimal digits.

    Plain data is hashed by its canonical JSON, so that the order of keys, tuples and numpy scalars make no
    difference. A component is hashed by its config. Arrays and other objects are passed to ``joblib.hash`` unchanged.
    Several values are hashed as one list.
    """
    joblib_hash = load_module("joblib").hash
    value = _with_configs(values[0] if len(values) == 1 else values)
    try:
        return str(joblib_hash(value if _has_column(value) else canonical_json(value)))
    except NotPlain:
        return str(joblib_hash(value))


def _has_column(value: Any, depth: int = 0) -> bool:
    """Returns whether ``value`` holds an array or column. Its type counts in a hash, unlike in a config."""
    if isinstance(value, dict | list | tuple) and depth <= MAX_DEPTH:
        return any(_has_column(item, depth + 1) for item in (value.values() if isinstance(value, dict) else value))
    return is_column(value)


def _with_configs(value: Any, depth: int = 0) -> Any:
    """Replaces components by their configs, so that their context is not hashed."""
    if depth > MAX_DEPTH:
        return value
    if isinstance(value, dict):
        return {key: _with_configs(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_configs(item, depth + 1) for item in value]
    if hasattr(value, "get_config") and not isinstance(value, type):
        return value.get_config()
    return value
