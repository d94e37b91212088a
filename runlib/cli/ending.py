"""How a command ends: its exit code, one sentence for an error, one line for a warning.

    0    the run reached its stop, exhausted its search, or used up its duration; or there was something to show
    1    the run ended with an error, or without any success, or its tape or the disk cannot be used: look, repair, then
         restore
    2    nothing was begun: wrong usage or config, no such folder, a name that is taken, a run that another process
         writes
    129  SIGHUP, 130 Ctrl-C (SIGINT), 138 SIGUSR1, 140 SIGUSR2, 143 SIGTERM: the run ended in order and can be restored

What runlib raises on purpose is never shown with a traceback. What it did not foresee is, being a mistake of a program.
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
    """A line on standard error."""
    tell(legible(text), sys.stderr)


def show(text: str) -> None:
    """What a command has to say, on standard output."""
    put(legible(text), sys.stdout)


def show_json(data: Any) -> None:
    """The same as one line of JSON."""
    text = legible_json(dump(data).decode())
    try:
        print(text, flush=True)
    except UnicodeEncodeError:
        print(ascii_json(text), flush=True)


def show_path(path: Path) -> None:
    """The path of a folder: for a program the bytes of its name, whatever they are; on a terminal as it can be read."""
    if is_terminal(sys.stdout) or not hasattr(sys.stdout, "buffer"):
        show(str(path))
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(os.fsencode(path) + b"\n")
    sys.stdout.buffer.flush()


def exit_code(error: RunlibError | OSError) -> int:
    """1 if the run or its disk failed, 2 if what was asked for cannot be begun."""
    if isinstance(error, OSError):
        wrong = isinstance(error, _WRONG_PATH) or error.errno in (errno.ELOOP, errno.ENAMETOOLONG, errno.EROFS)
        return WRONG if wrong else FAILED
    # A config can be found wrong by the pool, but it is a config nevertheless.
    return FAILED if isinstance(error, _DURING_THE_RUN) and not isinstance(error, ConfigError) else WRONG


def sentence(error: BaseException) -> str:
    """What an error says, in one line."""
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename is not None else ""
        return legible_line(f"{place}{error.strerror}")
    return _one_line(str(error).partition(_IN_WORKER)[0]) or type(error).__name__


def _one_line(text: str) -> str:
    return " ".join(part.strip() for part in legible(text).splitlines() if part.strip())


def worker_traceback(error: BaseException) -> str:
    """The traceback of the worker that an error brings along; empty if there is none."""
    inside = str(error).partition(_IN_WORKER)[2]
    return inside or "\n".join(note.partition("\n")[2] for note in getattr(error, "__notes__", []))


def report(error: RunlibError | OSError, traceback: bool = False) -> int:
    """Say what went wrong, and return the exit code.

    Args:
        error: What was raised.
        traceback: Show the worker's traceback too, not only where in it the error is.
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
    """The whole command: before it has begun anything, and after all of it, a signal ends it without a word.

    Raises:
        SystemExit: A signal came; what is half made is taken away by then.
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
    """The body of a command: errors become a sentence and an exit code, warnings a line each."""
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
            if error.errno == errno.EPIPE:  # nobody reads any more: typer ends quietly
                raise
            raise typer.Exit(report(error, traceback)) from None


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    say(f"warning: {_one_line(str(message))}")


class _Warner(logging.Handler):
    """Shows what the logger ``runlib`` warns of. Errors that end a run are raised as well, and said there."""

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
