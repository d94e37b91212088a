"""Keeps standard output for the output of the command, and sends what trials print to standard error.

The file descriptor itself is redirected, so that worker processes, their child processes and C code follow.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator

from runlib.engine.descriptors import fill_standard

__all__ = ["have_streams", "stdout_to_stderr"]


def have_streams() -> None:
    """Opens the standard streams with which the command was not started; what is written to these is lost."""
    fill_standard()
    for name, number in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            raw = io.BufferedWriter(io.FileIO(number, "w", closefd=False))
            setattr(sys, name, io.TextIOWrapper(raw, "utf-8", "backslashreplace"))


@contextlib.contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Sends standard output to standard error in this context; changes nothing if one of them is closed."""
    # A descriptor that was closed from the start may by now belong to any file.
    if sys.__stdout__ is None or sys.__stderr__ is None:
        yield
        return
    with contextlib.redirect_stdout(sys.stderr), contextlib.ExitStack() as back:
        with contextlib.suppress(OSError):
            saved = os.dup(1)
            back.callback(_put_back, saved)
            os.dup2(2, 1)
        yield


def _put_back(saved: int) -> None:
    os.dup2(saved, 1)
    os.close(saved)
