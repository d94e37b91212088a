"""Lines for people on standard output and error, which may be gone, full, or write another encoding.

What a stream cannot encode is spelled out. Whether anybody reads a message never decides over a run: ``tell`` ends in
any case. ``put`` is for what was asked for, and raises where it cannot be had.
"""

from __future__ import annotations

import contextlib
from typing import TextIO

__all__ = ["put", "tell"]


def put(text: str, stream: TextIO | None) -> None:
    """Write a line, at once.

    Raises:
        OSError: The stream does not take it.
    """
    if stream is None:  # it was closed when the program began
        return
    try:
        print(text, file=stream, flush=True)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)


def tell(text: str, stream: TextIO | None) -> None:
    """Write a line, if that can be done."""
    # ValueError: the stream was closed meanwhile. AttributeError: somebody put something else in its place.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        put(text, stream)
