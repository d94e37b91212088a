"""Prevents the start of a run while a module is imported for its definitions.

All code that starts a run calls ``refuse_start`` first. Code that a config names, and the script of a run that is
restored, are imported under ``running``. If they try to start a run, ``StartOfRun`` stops them before a folder is made.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from runlib.errors import ConfigError

__all__ = ["Import", "StartOfRun", "no_run_starts", "refuse_start", "running"]


class StartOfRun(BaseException):
    """A module that is imported for its definitions tried to start a run.

    It is not a subclass of ``Exception``, so a script that catches ``Exception`` does not continue after it.
    """


@dataclass(eq=False)
class Import:
    """Represents one import in progress.

    Attributes:
        bystanders: The identifiers of the threads that ran before the import and do not belong to it.
        is_stopped: Whether the import tried to start a run, even if the imported code went on after the error.
        run: The first run that it tried to start.
    """

    bystanders: frozenset[int | None]
    is_stopped: bool = False
    run: Any = None


_imports: list[Import] = []


@contextlib.contextmanager
def no_run_starts() -> Iterator[Import]:
    """Forbids this thread and the threads that it starts to start a run; threads that run already may still do so."""
    others = frozenset(thread.ident for thread in threading.enumerate()) - {threading.get_ident()}
    this = Import(others)
    _imports.append(this)
    try:
        yield this
    finally:
        _imports.remove(this)


def refuse_start(run: Any = None) -> None:
    """Raises an error if the calling code is being imported for its definitions.

    Args:
        run: The run that would start; None if it does not exist yet.

    Raises:
        StartOfRun: The calling code is being imported for its definitions.
    """
    stopped = [each for each in _imports if threading.get_ident() not in each.bystanders]
    for each in stopped:
        each.run = each.run if each.is_stopped else run
        each.is_stopped = True
    if stopped:
        raise StartOfRun("a module that is imported for its definitions would start a run here")


@contextlib.contextmanager
def running(what: str, name: str) -> Iterator[Import]:
    """Allows no run to start while a user's module is imported, and turns its errors into a ``ConfigError``."""
    try:
        with no_run_starts() as this:
            yield this
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{what} {name!r} cannot be imported: {type(error).__name__}: {error}") from error
