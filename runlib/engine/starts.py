"""While a module is imported for what it defines, no run starts.

Whatever begins a run asks ``refuse_start`` first. Code that a config names, or a script behind a tape, is imported
under ``running``: where it would begin a run it is stopped by ``StartOfRun``, before there is a folder.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from runlib.errors import ConfigError

__all__ = ["StartOfRun", "no_run_starts", "refuse_start", "running"]

_bystanders: list[frozenset[int | None]] = []  # for each import that goes on, the threads that are not part of it


class StartOfRun(BaseException):
    """A module that is imported for its definitions would start a run here.

    It is no ``Exception``, so that a script which catches those does not go on behind it.

    Attributes:
        run: What would start; None where that is not known.
    """

    def __init__(self, run: Any = None) -> None:
        self.run = run
        super().__init__("a module that is imported for its definitions would start a run here")


@contextlib.contextmanager
def no_run_starts() -> Iterator[None]:
    """In here, this thread and those that it starts begin no run; the threads that are there already may."""
    others = frozenset(thread.ident for thread in threading.enumerate()) - {threading.get_ident()}
    _bystanders.append(others)
    try:
        yield
    finally:
        _bystanders.remove(others)


def refuse_start(run: Any = None) -> None:
    """Stop here if this is code that is imported for its definitions.

    Raises:
        StartOfRun: It is.
    """
    if any(threading.get_ident() not in others for others in _bystanders):
        raise StartOfRun(run)


@contextlib.contextmanager
def running(what: str, name: str) -> Iterator[None]:
    """Somebody's module is imported in here: it starts no run, and what it raises becomes one sentence."""
    try:
        with no_run_starts():
            yield
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{what} {name!r} cannot be imported: {type(error).__name__}: {error}") from error
