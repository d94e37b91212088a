"""Writes what a trial prints to the worker's output, as long as the output has a reader.

If the reader is gone (``| head``) or the terminal hung up, every further print would be an error. The trial that prints
is not to blame for that.
"""

from __future__ import annotations

import errno
import io
import sys
from typing import Any

__all__ = ["print_to_nobody"]

GONE = frozenset({errno.EPIPE, errno.EIO})


class _Output(io.FileIO):
    """Writes to a descriptor, and discards output that nobody reads."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if error.errno in GONE:
                return len(data)
            raise


def print_to_nobody() -> None:
    """Makes standard output and error of this process accept prints even after their reader is gone.

    Lines are written whole and at once, so that a killed trial leaves what it printed, and lines of several workers do
    not mix. This also holds with PYTHONUNBUFFERED, which would otherwise split a line into several writes.
    """
    for name, number in (("stdout", 1), ("stderr", 2)):
        before = getattr(sys, name)
        if isinstance(before, io.TextIOWrapper):
            output = io.BufferedWriter(_Output(number, "w", closefd=False))
            stream = io.TextIOWrapper(output, before.encoding, before.errors, line_buffering=True)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
