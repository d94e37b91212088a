"""What a trial prints is written where the worker's output goes, as long as somebody takes it there.

A reader that went away (``| head``), or a terminal that hung up, makes every further print an error. That is no fault
of the trial that prints.
"""

from __future__ import annotations

import errno
import io
import sys
from typing import Any

__all__ = ["print_to_nobody"]

GONE = frozenset({errno.EPIPE, errno.EIO})


class _Output(io.FileIO):
    """A descriptor that forgets what nobody takes."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if error.errno in GONE:
                return len(data)
            raise


def print_to_nobody() -> None:
    """Let standard output and error of this process take prints also where their reader is gone.

    Lines are written whole and at once: a killed trial leaves what it printed, and lines of several workers do not mix,
    also with PYTHONUNBUFFERED, by which a line is as many writes as it was printed in.
    """
    for name, number in (("stdout", 1), ("stderr", 2)):
        before = getattr(sys, name)
        if isinstance(before, io.TextIOWrapper):
            output = io.BufferedWriter(_Output(number, "w", closefd=False))
            stream = io.TextIOWrapper(output, before.encoding, before.errors, line_buffering=True)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
