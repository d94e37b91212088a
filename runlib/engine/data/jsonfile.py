"""Reads JSON files that users write, and reads them strictly. JSON serves for long files, as YAML is slow to read.

The values equal those that a YAML reader would return. The reader refuses values that JSON does not have (NaN,
infinity), duplicate keys, and numbers beyond the range of a float or beyond 2048 bits.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from runlib.engine.data.plain import MAX_DEPTH, MAX_INT_BITS, NotPlain, plain
from runlib.errors import ConfigError

__all__ = ["MAX_BYTES", "parse_json"]

MAX_BYTES = 64 * 1024 * 1024


def parse_json(text: str, name: str = "JSON") -> Any:
    """Returns the plain data in a JSON text. Error messages call the text ``name``.

    Raises:
        ConfigError: The text is not strict JSON.
    """
    try:
        return plain(json.loads(text, **_STRICT))
    except json.JSONDecodeError as error:
        raise ConfigError(f"{name}, line {error.lineno}, column {error.colno}: {error.msg}") from error
    except NotPlain as error:
        raise ConfigError(f"{name}: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{name}: nested deeper than {MAX_DEPTH} levels") from error
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from error


def _dict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = next(key for key, count in counts.items() if count > 1)
        raise ValueError(f"the key {twice!r} stands twice")
    return found


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _int(text: str) -> int:
    if len(text) > MAX_INT_BITS // 3:
        raise ValueError("an integer with too many digits")
    return int(text)


def _float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{text[:40]} is beyond the range of a float")
    return number


_STRICT: dict[str, Any] = {
    "object_pairs_hook": _dict,
    "parse_constant": _constant,
    "parse_int": _int,
    "parse_float": _float,
}
