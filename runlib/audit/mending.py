"""A line with one wrong byte is put right: its hash says what the byte was.

Every line of a tape has a hash over the line before and its own bytes. Of all lines that differ from a damaged one in
one byte, the original is the one whose hash fits; that another fits by chance has a probability of about
255 x length / 2**64. So this is no guess, and it is tried only on a line that does not fit as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from runlib.tape.codec import chain, stored_hash

__all__ = ["mend", "with_hash"]

SUFFIX = 26
LONGEST = 4096  # bytes: the work grows with the square of the length, here to a few seconds


def with_hash(line: bytes, previous: bytes) -> bytes:
    """A line with the end that its body demands after the hash ``previous``."""
    body = line[:-SUFFIX]
    return body + b', "h": "' + chain(previous, body) + b'"}'


def mend(line: bytes, previous: Iterable[bytes]) -> tuple[bytes, bytes] | None:
    """The line as it was, if one byte of it was changed.

    Args:
        line: That does not fit, without its line feed.
        previous: The hashes, each of 16 letters, that may have stood before it.

    Returns:
        The line and the hash before it; None if more is damaged, or the line is longer than 4096 bytes.
    """
    for before in previous:
        right = with_hash(line, before)
        if sum(a != b for a, b in zip(right, line, strict=False)) == 1 and len(right) == len(line):
            return right, before
        target = stored_hash(line)
        body = _body(line[:-SUFFIX], before, target) if target and len(line) <= LONGEST else None
        if body is not None:
            return body + line[-SUFFIX:], before
    return None


def _body(body: bytes, before: bytes, target: bytes) -> bytes | None:
    """The body that has the hash ``target`` and differs in one byte; hashing starts anew behind each byte only."""
    digest = bytes.fromhex(target.decode())
    begun = hashlib.blake2b(before, digest_size=8)
    for place in range(len(body)):
        rest = body[place + 1 :]
        for value in range(256):
            attempt = begun.copy()
            attempt.update(bytes((value,)) + rest)
            if attempt.digest() == digest:
                return body[:place] + bytes((value,)) + rest
        begun.update(body[place : place + 1])
    return None
