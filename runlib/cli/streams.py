"""Standard output is for what the command has to say; what trials print meanwhile goes to standard error.

The descriptor itself is turned, so that worker processes, what they start, and C code follow.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

__all__ = ["stdout_to_stderr"]


@contextlib.contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """In here, what is written to standard output goes to standard error; where one is closed, nothing is changed."""
    # A descriptor that was closed from the start may by now be that of any file.
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
