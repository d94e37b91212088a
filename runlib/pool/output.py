"""The output of a trial, kept in its folder.

File descriptors 1 and 2 themselves are turned to the files, so that what C code and subprocesses print is
caught as well; a ``sys.stdout`` that somebody replaced (a notebook) is turned too. They are those of the process: one
thread at a time turns them, and worker processes that another thread starts meanwhile get them as they were.
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
    """Who turns the descriptors of this process, and what they were."""

    def __init__(self) -> None:
        self.turn = threading.RLock()  # held while they are turned
        self.change = threading.Lock()  # held for the moment in which one is
        self.owner: int | None = None
        self.before: dict[int, int] = {}


_turning = _Turning()


def _begin_anew() -> None:
    """A fork has one thread, and locks of others would be held for ever."""
    global _turning
    _turning = _Turning()


os.register_at_fork(after_in_child=_begin_anew)


@contextlib.contextmanager
def reserved(timeout: float) -> Iterator[bool]:
    """In here no other thread captures output; False if one does so for longer than ``timeout`` seconds."""
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
    """Copies of descriptors 1 and 2 for a program to be started: those of a trial only if this thread evaluates it."""
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
    """Stdout and stderr of what runs in here are appended to ``stdout.txt`` and ``stderr.txt`` in ``folder``.

    Raises:
        OSError: The files cannot be made.
    """
    with _turning.turn, contextlib.ExitStack() as turned:
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
    stand_in = None if _writes_to(stream, number) else _text(number)
    with _descriptor_turned(number, target, saved):
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
def _descriptor_turned(number: int, target: int, saved: int) -> Iterator[None]:
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
            _turn_back(saved, number)
            if first:
                turning.before.pop(number, None)


def _turn_back(saved: int, number: int) -> None:
    try:
        os.dup2(saved, number)
        os.close(saved)
    except OSError:  # what ran in here closed it; what is printed from now on is no output of that
        null = move_up(os.open(os.devnull, os.O_WRONLY))
        os.dup2(null, number)
        os.close(null)


def _duplicate(number: int) -> int:
    """Another number for the same open file, which what runs in here does not close by mistake."""
    try:
        return move_up(os.dup(number))
    except OSError:  # closed from the start, as for a daemon
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
    # A full disk or a stream that the evaluator closed takes the output away, not the result.
    with contextlib.suppress(AttributeError, OSError, ValueError):
        stream.flush()


def _flush_c() -> None:
    """What C code printed lies in a buffer of the C library until it is flushed."""
    load("ctypes").CDLL(None).fflush(None)
