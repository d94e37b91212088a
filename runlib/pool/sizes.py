"""Reads amounts of memory from text, and formats them as text. In a config an amount is always a number of bytes."""

from __future__ import annotations

import math
import re
from typing import Any

from runlib.errors import ConfigError

__all__ = ["describe_bytes", "read_bytes"]

DECIMAL = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
BINARY = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
UNITS = {name.lower(): size for name, size in {**DECIMAL, **BINARY}.items()}
TEXT = re.compile(r"\s*(\d{1,15}(?:\.\d{1,15})?)\s*([a-zA-Z]+)\s*", re.ASCII)


def read_bytes(value: Any, path: str) -> int:
    """Returns a number of bytes from a number, or from text such as ``"2 GiB"`` or ``"500 MB"``.

    Args:
        value: The value in the config.
        path: The path of the value in the config.

    Raises:
        ConfigError: The value is neither, or is less than one byte.
    """
    size = _from_text(value) if isinstance(value, str) else value
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise ConfigError(f"takes bytes from 1 on, or text such as '2 GiB' or '500 MB', got {value!r}", path)
    return size


def _from_text(text: str) -> int | None:
    match = TEXT.fullmatch(text)
    unit = UNITS.get(match[2].lower()) if match else None
    return None if match is None or unit is None else math.floor(float(match[1]) * unit)


def describe_bytes(size: int) -> str:
    """Returns a number of bytes as text for the user, such as ``1.5 GiB``."""
    for name, unit in reversed(BINARY.items()):
        if size >= unit:
            return f"{size / unit:.3g} {name}" if size < 1000 * unit else f"{size / unit:.0f} {name}"
    return f"{size} B"
