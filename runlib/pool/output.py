"""The output of a trial, kept in its folder.

File descriptors 1 and 2 themselves are turned to the files, so that what C code and subprocesses print is
caught as well; a ``sys.stdout`` that somebody replaced (a notebook) is turned too.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from runlib.engine.disk import make_folder, open_output
from runlib.engine.extras import load

__all__ = ["captured"]


@contextlib.contextmanager
def captured(folder: Path) -> Iterator[None]:
    """Stdout and stderr of what runs in here are appended to ``stdout.txt`` and ``stderr.txt`` in ``folder``.

    Raises:
        OSError: The files cannot be made.
    """
    make_folder(folder)
    with _turned("stdout", 1, folder / "stdout.txt"), _turned("stderr", 2, folder / "stderr.txt"):
        try:
            yield
        finally:
            _flush_c()


@contextlib.contextmanager
def _turned(name: str, number: int, path: Path) -> Iterator[None]:
    stream = getattr(sys, name)
    _flush(stream)
    target = open_output(path)
    saved = _duplicate(number)
    os.dup2(target, number)
    os.close(target)
    stand_in = None if _writes_to(stream, number) else _text(number)
    if stand_in is not None:
        setattr(sys, name, stand_in)
    try:
        yield
    finally:
        for written in {id(s): s for s in (stream, getattr(sys, name))}.values():
            _flush(written)
        if stand_in is not None:
            setattr(sys, name, stream)
        os.dup2(saved, number)
        os.close(saved)


def _duplicate(number: int) -> int:
    try:
        return os.dup(number)
    except OSError:  # closed from the start, as for a daemon
        return os.open(os.devnull, os.O_WRONLY)


def _writes_to(stream: Any, number: int) -> bool:
    try:
        return bool(stream.fileno() == number)
    except (AttributeError, OSError, ValueError):
        return False


def _text(number: int) -> TextIO:
    raw = io.FileIO(number, "w", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(raw), "utf-8", "backslashreplace", line_buffering=True)


def _flush(stream: Any) -> None:
    # A full disk or a stream that the evaluator closed takes the output away, not the result.
    with contextlib.suppress(AttributeError, OSError, ValueError):
        stream.flush()


def _flush_c() -> None:
    """What C code printed lies in a buffer of the C library until it is flushed."""
    load("ctypes").CDLL(None).fflush(None)
