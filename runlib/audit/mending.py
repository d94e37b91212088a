"""Repairs a line with one wrong byte, because the hash of the line shows what the byte was.

Every line of a tape has a hash over the hash of the line before and its own bytes. Of all lines that differ from a
damaged one in one byte, the original is the one whose hash fits. The probability that another one fits by chance is
about 255 x length / 2**64, so this is no guess. It is tried only on a line that is not intact as it is.

The search takes time, so an audit limits it to ``EFFORT`` tries. A wrong bit is looked for in every line first. A byte
that is wrong in several bits is looked for as long as there is effort left.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from runlib.tape.codec import chain, stored_hash

__all__ = ["EFFORT", "Mender", "with_hash"]

SUFFIX = 26
LONGEST = 4096  # bytes; the work grows with the square of the length
EFFORT = 700_000  # lines that are tried in one audit, which takes about a second
BITS = tuple(1 << bit for bit in range(8))
TEXT = tuple(range(0x20, 0x7F))  # the bytes of JSON without letters beyond ASCII
BYTES = tuple(range(0x20, 0x100))


def with_hash(line: bytes, previous: bytes) -> bytes:
    """Returns the line with the end that its body must have after the hash ``previous``."""
    body = line[:-SUFFIX]
    return body + b', "h": "' + chain(previous, body) + b'"}'


class Mender:
    """Repairs lines as long as it has effort left.

    Attributes:
        gave_up: Whether there was a line for which no effort was left.

    Args:
        effort: The number of lines with one changed bit that may be tried; half as many with one changed byte are
            tried. A long line counts as several. None means ``EFFORT``.
    """

    def __init__(self, effort: int | None = None) -> None:
        effort = EFFORT if effort is None else effort
        self._left = {"bits": float(effort), "bytes": effort / 2}  # the two budgets are separate
        self.gave_up = False

    def mend(self, line: bytes, previous: Iterable[bytes]) -> tuple[bytes, bytes] | None:
        """Returns the original line if one byte of it was changed.

        Args:
            line: The line that is not intact, without its line feed.
            previous: The hashes that may belong to the line before, each of 16 letters.

        Returns:
            The line and the hash before it, or None if more is damaged, the line is longer than 4096 bytes, or no
            effort is left.
        """
        known = list(previous)
        for before in known:
            right = with_hash(line, before)
            if sum(a != b for a, b in zip(right, line, strict=False)) == 1 and len(right) == len(line):
                return right, before
        target = stored_hash(line)
        if target is None or len(line) > LONGEST:
            return None
        for kind in self._left:
            for before in known:
                body = self._body(line[:-SUFFIX], before, target, kind)
                if body is not None:
                    return body + line[-SUFFIX:], before
        return None

    def _body(self, body: bytes, before: bytes, target: bytes, kind: str) -> bytes | None:
        """Returns the body that has the hash ``target`` and differs in one byte, or None.

        For each place, only the bytes from there on are hashed again.
        """
        digest, begun = bytes.fromhex(target.decode()), hashlib.blake2b(before, digest_size=8)
        letters = TEXT if sum(byte > 0x7E for byte in body) <= 1 else BYTES  # the only one beyond ASCII may be wrong
        for place, byte in enumerate(body):
            rest = body[place + 1 :]
            values = [byte ^ bit for bit in BITS] if kind == "bits" else letters
            self._left[kind] -= len(values) * (1 + len(rest) / 1000)
            if self._left[kind] < 0:
                self.gave_up = True
                return None
            for value in values:
                attempt = begun.copy()
                attempt.update(bytes((value,)) + rest)
                if attempt.digest() == digest:
                    return body[:place] + bytes((value,)) + rest
            begun.update(body[place : place + 1])
        return None
