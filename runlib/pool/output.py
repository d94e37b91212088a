"""Captures the output of a trial in files in its folder.

File descriptors 1 and 2 themselves are redirected to the files, so that the output of C code and of subprocesses is
captured as well. If other code replaced ``sys.stdout`` (as a notebook does), that is redirected too. The descriptors
belong to the whole process. So only one thread at a time redirects them, and worker processes that another thread
starts meanwhile get the original ones.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from runlib.engine.descriptors import move_up
from runlib.engine.directory import Directory
from runlib.engine.extras import load

__all__ = ["captured", "reserved", "standard_output"]


class _Turning:
    """Holds the thread that redirects the descriptors of this process, and copies of the original ones."""

    def __init__(self) -> None:
        self.turn = threading.RLock()  # held while the descriptors are redirected
        self.change = threading.Lock()  # held while one descriptor is changed
        self.owner: int | None = None
        self.before: dict[int, int] = {}


_turning = _Turning()


def _reset_after_fork() -> None:
    """Resets the state in a forked process, which has one thread: locks of other threads would stay locked."""
    global _turning
    _turning = _Turning()


os.register_at_fork(after_in_child=_reset_after_fork)


@contextlib.contextmanager
def reserved(timeout: float) -> Iterator[bool]:
    """Keeps other threads from capturing output in this context.

    Yields False if another thread captures output for longer than ``timeout`` seconds.
    """
    turn = _turning.turn
    if not turn.acquire(timeout=max(0.0, timeout)):
        yield False
        return
    try:
        yield True
    finally:
        turn.release()


@contextlib.contextmanager
def standard_output() -> Iterator[tuple[int, int]]:
    """Yields copies of descriptors 1 and 2 for a new program.

    They lead to the files of a trial only if this thread evaluates the trial.
    """
    with contextlib.ExitStack() as copies:
        with _turning.change:
            before = {} if _turning.owner == threading.get_ident() else _turning.before
            found = [os.dup(before.get(number, number)) for number in (1, 2)]
        for number in found:
            copies.callback(os.close, number)
        yield found[0], found[1]


_APPENDING = os.O_WRONLY | os.O_CREAT | os.O_APPEND


@contextlib.contextmanager
def captured(folder: Path) -> Iterator[None]:
    """Appends what this context prints to ``stdout.txt`` and ``stderr.txt`` in ``folder``.

    Raises:
        OSError: The files cannot be made.
    """
    with _turning.turn, contextlib.ExitStack() as turned:
        # No link is followed below the folder of the run. Its descriptor is closed before the evaluator runs.
        with Directory(folder.parents[1]) as run, run.inside(*folder.parts[-2:], make=True) as trial:
            for name, number in (("stdout", 1), ("stderr", 2)):
                turned.enter_context(_redirected(name, number, trial.open(f"{name}.txt", _APPENDING)))
        try:
            yield
        finally:
            _flush_c()


@contextlib.contextmanager
def _redirected(name: str, number: int, target: int) -> Iterator[None]:
    stream = getattr(sys, name)
    _flush(stream)
    saved = _duplicate(number)
    stand_in = None if _writes_to(stream, number) else _text(number)
    with _descriptor_redirected(number, target, saved):
        try:
            if stand_in is not None:
                setattr(sys, name, stand_in)
            yield
        finally:
            for written in {id(s): s for s in (stream, getattr(sys, name))}.values():
                _flush(written)
            if stand_in is not None:
                setattr(sys, name, stream)


@contextlib.contextmanager
def _descriptor_redirected(number: int, target: int, saved: int) -> Iterator[None]:
    turning = _turning
    first = number not in turning.before
    try:
        with turning.change:
            turning.owner = threading.get_ident()
            turning.before.setdefault(number, saved)
            os.dup2(target, number)
            os.close(target)
        yield
    finally:
        with turning.change:
            _restore(saved, number)
            if first:
                turning.before.pop(number, None)


def _restore(saved: int, number: int) -> None:
    try:
        os.dup2(saved, number)
        os.close(saved)
    except OSError:  # the evaluator closed it; later prints must not reach the files of the trial
        null = move_up(os.open(os.devnull, os.O_WRONLY))
        os.dup2(null, number)
        os.close(null)


def _duplicate(number: int) -> int:
    """Returns a copy of a descriptor with a high number, which the evaluator does not close by mistake."""
    try:
        return move_up(os.dup(number))
    except OSError:  # the descriptor was closed from the start, as in a daemon
        return move_up(os.open(os.devnull, os.O_WRONLY))


def _writes_to(stream: Any, number: int) -> bool:
    try:
        return bool(stream.fileno() == number)
    except (AttributeError, OSError, ValueError):
        return False


def _text(number: int) -> TextIO:
    raw = io.FileIO(number, "w", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(raw), "utf-8", "backslashreplace", line_buffering=True)


def _flush(stream: Any) -> None:
    # If the disk is full or the evaluator closed the stream, only the output is lost, not the result.
    with contextlib.suppress(AttributeError, OSError, ValueError):
        stream.flush()


def _flush_c() -> None:
    """Flushes the buffers of the C library, which hold the output of C code."""
    load("ctypes").CDLL(None).fflush(None)
