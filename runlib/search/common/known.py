"""Remembers the suggestions made so far, each as 8 bytes, so that a search never repeats itself.

Two suggestions are the same if they are the same data. Then they are one evaluation, and the second one brings nothing
new.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from runlib.engine.data.canonical import canonical_suggestion

__all__ = ["Known"]


class Known:
    """Holds a set of suggestions."""

    def __init__(self) -> None:
        self._marks: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._marks)

    def add(self, suggestion: Any) -> bool:
        """Adds plain data, and returns whether it is new."""
        before = len(self._marks)
        self._marks.add(_mark(suggestion))
        return len(self._marks) > before


def _mark(suggestion: Any) -> bytes:
    return hashlib.blake2b(_text(suggestion), digest_size=8).digest()


def _text(suggestion: Any) -> bytes:
    """Returns equal bytes for equal data, quickly; they are compared only within this process."""
    try:
        text = orjson.dumps(suggestion, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # an integer beyond 64 bits, or a key that is no text
        return canonical_suggestion(suggestion)
    # orjson also writes NaN and infinities as null.
    return canonical_suggestion(suggestion) if b"null" in text else text
