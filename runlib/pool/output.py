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

from runlib.engine.directory import Directory
from runlib.engine.extras import load

__all__ = ["captured"]


_APPENDING = os.O_WRONLY | os.O_CREAT | os.O_APPEND


@contextlib.contextmanager
def captured(folder: Path) -> Iterator[None]:
    """Stdout and stderr of what runs in here are appended to ``stdout.txt`` and ``stderr.txt`` in ``folder``.

    Raises:
        OSError: The files cannot be made.
    """
    with contextlib.ExitStack() as turned:
        # No link is followed from the folder of the run on; its descriptor is not left to what the evaluator does.
        with Directory(folder.parents[1]) as run, run.inside(*folder.parts[-2:], make=True) as trial:
            for name, number in (("stdout", 1), ("stderr", 2)):
                turned.enter_context(_turned(name, number, trial.open(f"{name}.txt", _APPENDING)))
        try:
            yield
        finally:
            _flush_c()


@contextlib.contextmanager
def _turned(name: str, number: int, target: int) -> Iterator[None]:
    stream = getattr(sys, name)
    _flush(stream)
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
