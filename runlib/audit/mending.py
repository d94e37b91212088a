"""A line with one wrong byte is put right: its hash says what the byte was.

Every line of a tape has a hash over the line before and its own bytes. Of all lines that differ from a damaged one in
one byte, the original is the one whose hash fits; that another fits by chance has a probability of about
255 x length / 2**64. So this is no guess, and it is tried only on a line that does not fit as it is.

Trying takes time, so that an audit has a limit (``EFFORT``) to it: a wrong bit is looked for in every line, a byte that
has nothing to do with the right one as long as there is effort left.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from runlib.tape.codec import chain, stored_hash

__all__ = ["EFFORT", "Mender", "with_hash"]

SUFFIX = 26
LONGEST = 4096  # bytes: the work grows with the square of the length
EFFORT = 700_000  # lines that are tried in one audit, which takes about a second
BITS = tuple(1 << bit for bit in range(8))
TEXT = tuple(range(0x20, 0x7F))  # what stands in JSON, unless it has letters beyond ASCII
BYTES = tuple(range(0x20, 0x100))


def with_hash(line: bytes, previous: bytes) -> bytes:
    """A line with the end that its body demands after the hash ``previous``."""
    body = line[:-SUFFIX]
    return body + b', "h": "' + chain(previous, body) + b'"}'


class Mender:
    """Puts lines right, as long as it has effort left.

    Attributes:
        gave_up: Whether there was a line on which no effort was left.

    Args:
        effort: How many lines it may try that differ in a bit, and half as many that differ in a byte; a long line
            counts for several. None: ``EFFORT``.
    """

    def __init__(self, effort: int | None = None) -> None:
        effort = EFFORT if effort is None else effort
        self._left = {"bits": float(effort), "bytes": effort / 2}  # one does not take from the other
        self.gave_up = False

    def mend(self, line: bytes, previous: Iterable[bytes]) -> tuple[bytes, bytes] | None:
        """The line as it was, if one byte of it was changed.

        Args:
            line: That does not fit, without its line feed.
            previous: The hashes, each of 16 letters, that may have stood before it.

        Returns:
            The line and the hash before it; None if more is damaged, the line is longer than 4096 bytes, or there is
            no effort left.
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
        """The body that has the hash ``target`` and differs in one byte; hashing starts anew behind each byte only."""
        digest, begun = bytes.fromhex(target.decode()), hashlib.blake2b(before, digest_size=8)
        letters = TEXT if sum(byte > 0x7E for byte in body) <= 1 else BYTES  # the wrong one may be the only one
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
