"""The suggestions that were made so far, each as a number of 8 bytes: what makes a search never repeat itself.

Two suggestions are the same if they are the same data: then they are one evaluation, and trying the second is no work.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from runlib.engine.data.canonical import canonical_suggestion

__all__ = ["Known"]


class Known:
    """A set of suggestions."""

    def __init__(self) -> None:
        self._marks: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._marks)

    def add(self, suggestion: Any) -> bool:
        """Put plain data in; whether it is new."""
        before = len(self._marks)
        self._marks.add(_mark(suggestion))
        return len(self._marks) > before


def _mark(suggestion: Any) -> bytes:
    return hashlib.blake2b(_text(suggestion), digest_size=8).digest()


def _text(suggestion: Any) -> bytes:
    """Equal data gives equal bytes: in this process, which is all that is asked for, and soon."""
    try:
        text = orjson.dumps(suggestion, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # an integer beyond 64 bits, or a key that is no text
        return canonical_suggestion(suggestion)
    return canonical_suggestion(suggestion) if b"null" in text else text  # which stands for NaN and infinities as well
