"""Checks what may be on a tape by ``schema.json``, a JSON Schema from which the checks are made.

The schema has the type and range of every field that is used, and each field is checked before its use. Unknown keys
are left for newer versions. The schema is compiled into functions once, at import, so that a record is checked in a few
microseconds. A keyword that is not in ``_KEYWORDS`` is refused, so none is ignored silently.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["SCHEMA", "Fault", "check"]

SCHEMA: dict[str, Any] = json.loads(Path(__file__).with_name("schema.json").read_bytes())

_LARGEST = 2**1023  # integers below it are in the range of a float
_SHOWN = 60  # characters of a wrong value in a message
_TYPES: dict[str, type] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "integer": int,
}
_WORDS = {
    "object": "a dict",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
    "null": "null",
    "integer": "a whole number",
    "number": "a number",
}
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum")
_KEYWORDS = {
    *_BOUNDS,
    *("$ref", "description", "type", "enum", "properties", "required", "additionalProperties", "maxProperties"),
    *("items", "maxItems", "pattern"),
}


class Fault(NamedTuple):
    """Describes what is wrong with a value, and where.

    Attributes:
        path: The dotted path of the value; empty at the root.
        reason: The text of the fault, which begins with a verb.
    """

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason

    def under(self, key: str) -> Fault:
        """Returns the same fault with ``key`` in front of its path; a very long key is cut."""
        name = key if len(key) <= _SHOWN else f"{key[:_SHOWN]}..."
        return Fault(f"{name}.{self.path}" if self.path else name, self.reason)


Check = Callable[[Any], Fault | None]


@functools.cache
def check(name: str) -> Check:
    """Returns the check with this name under ``$defs``, such as ``metadata`` or ``submit``.

    The check returns the fault of a value, or None.
    """
    return _compiled(SCHEMA["$defs"][name])


def _compiled(schema: dict[str, Any]) -> Check:
    unknown = schema.keys() - _KEYWORDS
    if unknown:
        raise ValueError(f"the schema of the tape uses {sorted(unknown)}, which nothing checks")
    checks = [_referred(schema["$ref"].rpartition("/")[2])] if "$ref" in schema else []
    if schema.get("type") == "object" and "properties" in schema:
        checks += [_of_object(schema)]
    elif "type" in schema or "enum" in schema:
        checks += [_of_type(schema)]
    checks += [make(schema) for keyword, make in _PARTS.items() if keyword in schema]
    return _all(checks)


def _referred(name: str) -> Check:
    """Returns the check of another definition; a definition that contains itself is looked up at its first use."""
    if name not in _BEING_COMPILED:
        _BEING_COMPILED.add(name)
        try:
            return check(name)
        finally:
            _BEING_COMPILED.discard(name)
    return lambda value: check(name)(value)


_BEING_COMPILED: set[str] = set()


def _all(checks: list[Check]) -> Check:
    checks = [one for one in checks if one is not _anything]
    if not checks:
        return _anything
    if len(checks) == 1:
        return checks[0]

    def every(value: Any) -> Fault | None:
        for one in checks:
            fault = one(value)
            if fault is not None:
                return fault
        return None

    return every


def _of_type(schema: dict[str, Any]) -> Check:
    if "enum" in schema:
        allowed = schema["enum"]
        return lambda value: None if value in allowed and type(value) is str else _wrong(schema, value)
    given = schema["type"]
    names = [given] if isinstance(given, str) else given
    exact = frozenset(_TYPES[name] for name in names if name != "number" and (name != "integer" or not _bounds(schema)))
    if "number" in names or ("integer" in names and _bounds(schema)):
        return _of_number(schema, exact, "number" in names)
    if len(exact) == 1:
        [only] = exact
        return lambda value: None if type(value) is only else _wrong(schema, value)
    return lambda value: None if type(value) in exact else _wrong(schema, value)


def _bounds(schema: dict[str, Any]) -> bool:
    return any(keyword in schema for keyword in _BOUNDS)


def _of_number(schema: dict[str, Any], exact: frozenset[type], floats: bool) -> Check:
    """Returns a check for a number within bounds, or for one of the other types.

    Without bounds, NaN and infinities count as numbers too.
    """
    low = schema.get("minimum", schema.get("exclusiveMinimum", -_LARGEST))
    high = schema.get("maximum", _LARGEST)
    above, free, kinds = schema.get("exclusiveMinimum"), not _bounds(schema), (int, float) if floats else (int,)

    def number(value: Any) -> Fault | None:
        kind = type(value)
        if kind in kinds:
            if (low <= value <= high and value != above) or (free and kind is float):
                return None
        elif kind in exact:
            return None
        return _wrong(schema, value)

    return number


def _of_object(schema: dict[str, Any]) -> Check:
    """Returns a check for a dict: it has the required keys, and the values of known keys are correct.

    All this is one function, because most of a record is checked by it.
    """
    checks = {key: _compiled(part) for key, part in schema["properties"].items()}
    parts = tuple((key, part) for key, part in checks.items() if part is not _anything)
    required = tuple(schema.get("required", ()))

    def of_object(value: Any) -> Fault | None:
        if type(value) is not dict:
            return _wrong(schema, value)
        for key in required:
            if key not in value:
                return Fault(key, "is missing")
        for key, part in parts:
            if key in value and (fault := part(value[key])) is not None:
                return fault.under(key)
        return None

    return of_object


def _additional(schema: dict[str, Any]) -> Check:
    one, known = _compiled(schema["additionalProperties"]), schema.get("properties", {})

    def additional(value: Any) -> Fault | None:
        if type(value) is not dict:
            return None
        for key, item in value.items():
            if key not in known and (fault := one(item)) is not None:
                return fault.under(key)
        return None

    return additional


def _items(schema: dict[str, Any]) -> Check:
    one = _compiled(schema["items"])

    def items(value: Any) -> Fault | None:
        if type(value) is not list:
            return None
        for index, item in enumerate(value):
            if (fault := one(item)) is not None:
                return fault.under(str(index))
        return None

    return items


def _longest(schema: dict[str, Any], keyword: str, kind: type[dict[str, Any]] | type[list[Any]], what: str) -> Check:
    limit = schema[keyword]

    def longest(value: Any) -> Fault | None:
        if not isinstance(value, kind) or len(value) <= limit:
            return None
        return Fault("", f"holds {len(value)} {what}, which is more than {limit}")

    return longest


def _pattern(schema: dict[str, Any]) -> Check:
    # JSON Schema searches, and its $ matches only the very end. Python's also matches before a last line feed.
    found = re.compile(schema["pattern"].removesuffix("$") + (r"\Z" if schema["pattern"].endswith("$") else "")).search

    def pattern(value: Any) -> Fault | None:
        if type(value) is not str or found(value):
            return None
        return Fault("", f"has not the form of its kind, got {_short(value)}")

    return pattern


def _anything(value: Any) -> Fault | None:
    return None


_PARTS: dict[str, Callable[[dict[str, Any]], Check]] = {
    "maxProperties": lambda schema: _longest(schema, "maxProperties", dict, "keys"),
    "maxItems": lambda schema: _longest(schema, "maxItems", list, "items"),
    "pattern": _pattern,
    "additionalProperties": _additional,
    "items": _items,
}


def _wrong(schema: dict[str, Any], value: Any) -> Fault:
    if "enum" in schema:
        return Fault("", f"must be {' or '.join(map(repr, schema['enum']))}, got {_short(value)}")
    names = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    words = " or ".join(_WORDS[name] for name in names)
    return Fault("", f"must be {words}{_range(schema)}, got {_short(value)}")


def _range(schema: dict[str, Any]) -> str:
    low, high, above = (schema.get(keyword) for keyword in _BOUNDS)
    if above is not None:
        return f" above {above}"
    return "" if low is None else f" from {low} to {high}"


def _short(value: Any) -> str:
    """Returns a short text for any value."""
    if isinstance(value, int) and not -_LARGEST < value < _LARGEST:
        return f"an integer of {value.bit_length()} bits"
    if isinstance(value, dict | list):
        return f"{_WORDS['object' if isinstance(value, dict) else 'array']} of {len(value)}"
    text = repr(value if not isinstance(value, str) else value[: _SHOWN + 1])
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
