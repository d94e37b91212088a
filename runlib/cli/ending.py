"""Ends a command: chooses its exit code, and prints one sentence for an error and one line for a warning.

    0    the run reached its stop, exhausted its search, or used up its duration; or there was something to show
    1    the run ended with an error, or without any success, or its tape or the disk cannot be used: look, repair, then
         restore
    2    nothing was begun: wrong usage or config, no such folder, a name that is taken, a run that another process
         writes
    129  SIGHUP, 130 Ctrl-C (SIGINT), 138 SIGUSR1, 140 SIGUSR2, 143 SIGTERM: the run ended in order and can be restored

An error that runlib raises on purpose is never shown with a traceback. An unforeseen error is shown with one, because
it is a bug.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
import signal
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import typer

from runlib.engine.data.canonical import dump
from runlib.engine.legible import ascii_json, legible, legible_json, legible_line
from runlib.engine.printing import put, tell
from runlib.errors import (
    ConfigError,
    EvaluationError,
    FolderMoved,
    NoSuccess,
    PoolError,
    RunlibError,
    SearchError,
    TapeError,
)
from runlib.observe.terminal import is_terminal

__all__ = [
    "DONE",
    "FAILED",
    "INTERRUPTED",
    "WRONG",
    "exit_code",
    "interruptible",
    "report",
    "reporting",
    "say",
    "sentence",
    "show",
    "show_json",
    "show_path",
]

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130
_DURING_THE_RUN = (EvaluationError, FolderMoved, NoSuccess, PoolError, SearchError, TapeError)
_WRONG_PATH = (FileNotFoundError, FileExistsError, PermissionError, NotADirectoryError, IsADirectoryError)
_IN_WORKER = "\n\nIn the worker:\n"
_FRAME = re.compile(r'^ *File ".*$', re.MULTILINE)


def say(text: str) -> None:
    """Prints a line on standard error."""
    tell(legible(text), sys.stderr)


def show(text: str) -> None:
    """Prints the output of a command on standard output."""
    put(legible(text), sys.stdout)


def show_json(data: Any) -> None:
    """Prints data as one line of JSON on standard output."""
    text = legible_json(dump(data).decode())
    try:
        print(text, flush=True)
    except UnicodeEncodeError:
        print(ascii_json(text), flush=True)


def show_path(path: Path) -> None:
    """Prints the path of a folder: the bytes of its name for a program, a readable text on a terminal."""
    if is_terminal(sys.stdout) or not hasattr(sys.stdout, "buffer"):
        show(str(path))
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(os.fsencode(path) + b"\n")
    sys.stdout.buffer.flush()


def exit_code(error: RunlibError | OSError) -> int:
    """Returns 1 if the run or its disk failed, 2 if the requested action cannot be begun."""
    if isinstance(error, OSError):
        wrong = isinstance(error, _WRONG_PATH) or error.errno in (errno.ELOOP, errno.ENAMETOOLONG, errno.EROFS)
        return WRONG if wrong else FAILED
    # The pool may find an error in a config, but the error is still one of the config.
    return FAILED if isinstance(error, _DURING_THE_RUN) and not isinstance(error, ConfigError) else WRONG


def sentence(error: BaseException) -> str:
    """Returns the message of an error in one line."""
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename is not None else ""
        return legible_line(f"{place}{error.strerror}")
    return _one_line(str(error).partition(_IN_WORKER)[0]) or type(error).__name__


def _one_line(text: str) -> str:
    return " ".join(part.strip() for part in legible(text).splitlines() if part.strip())


def worker_traceback(error: BaseException) -> str:
    """Returns the traceback of the worker that an error carries; empty if there is none."""
    inside = str(error).partition(_IN_WORKER)[2]
    return inside or "\n".join(note.partition("\n")[2] for note in getattr(error, "__notes__", []))


def report(error: RunlibError | OSError, traceback: bool = False) -> int:
    """Prints the error and returns the exit code.

    Args:
        error: The error that was raised.
        traceback: Whether to show the whole traceback of the worker, not only the place of the error.
    """
    say(f"error: {sentence(error)}")
    inside = worker_traceback(error).strip("\n")
    if inside and traceback:
        say(f"in the worker:\n{inside}")
    elif frames := _FRAME.findall(inside):
        also = ", or log.log" if isinstance(error, EvaluationError) else ""
        say(f"in the worker: {frames[-1].strip()} (for the rest: --traceback{also})")
    return exit_code(error)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Ends the command without a message if a signal comes before it has begun anything, or after it has ended all.

    Raises:
        SystemExit: A signal came; what was half made is removed by then.
    """
    defaults = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    before = {number: signal.getsignal(number) for number in defaults}
    for number, default in defaults.items():
        if before[number] is default:
            signal.signal(number, _leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


@contextlib.contextmanager
def reporting(traceback: bool = False) -> Iterator[None]:
    """Wraps the body of a command: turns errors into a sentence and an exit code, and warnings into a line each."""
    with warnings.catch_warnings(), _log_as_warnings():
        warnings.showwarning = _show_warning
        try:
            yield
        except KeyboardInterrupt:
            say("interrupted")
            raise typer.Exit(INTERRUPTED) from None
        except RunlibError as error:
            raise typer.Exit(report(error, traceback)) from None
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader has closed the pipe: typer ends quietly
                raise
            raise typer.Exit(report(error, traceback)) from None


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    say(f"warning: {_one_line(str(message))}")


class _Warner(logging.Handler):
    """Prints the warnings of the logger ``runlib``.

    Errors that end a run are raised as well, and reported when they are caught.
    """

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno == logging.WARNING or record.exc_info:
            say(f"warning: {_one_line(record.getMessage())}")


@contextlib.contextmanager
def _log_as_warnings() -> Iterator[None]:
    logger, handler = logging.getLogger("runlib"), _Warner(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
