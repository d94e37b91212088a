"""Prints lines for the user on standard output and error, which may be closed, full, or use another encoding.

Characters that a stream cannot encode are written as escape sequences. A message that nobody reads must not end a run,
so ``tell`` ignores errors of the stream. ``put`` writes output that the user asked for, so it raises these errors.
"""

from __future__ import annotations

import contextlib
from typing import TextIO

__all__ = ["put", "tell"]


def put(text: str, stream: TextIO | None) -> None:
    """Writes a line and flushes it at once.

    Raises:
        OSError: The stream does not take the line.
    """
    if stream is None:  # The stream was closed when the program began.
        return
    try:
        print(text, file=stream, flush=True)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)


def tell(text: str, stream: TextIO | None) -> None:
    """Writes a line if possible, and ignores it otherwise."""
    # ValueError: the stream was closed meanwhile. AttributeError: the user replaced it by another object.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        put(text, stream)
