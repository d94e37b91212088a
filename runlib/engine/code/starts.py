"""While a module is imported for what it defines, no run starts.

Whatever begins a run asks ``refuse_start`` first. Code that a config names, or a script behind a tape, is imported
under ``running``: where it would begin a run it is stopped by ``StartOfRun``, before there is a folder.
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
    """A module that is imported for its definitions would start a run here.

    It is no ``Exception``, so that a script which catches those does not go on behind it.
    """


@dataclass(eq=False)
class Import:
    """One import that goes on.

    Attributes:
        bystanders: The threads that were there before, and are no part of it.
        is_stopped: Whether a run would have started, even if what it imports went on behind that.
        run: The first one that would have.
    """

    bystanders: frozenset[int | None]
    is_stopped: bool = False
    run: Any = None


_imports: list[Import] = []


@contextlib.contextmanager
def no_run_starts() -> Iterator[Import]:
    """In here, this thread and those that it starts begin no run; the threads that are there already may."""
    others = frozenset(thread.ident for thread in threading.enumerate()) - {threading.get_ident()}
    this = Import(others)
    _imports.append(this)
    try:
        yield this
    finally:
        _imports.remove(this)


def refuse_start(run: Any = None) -> None:
    """Stop here if this is code that is imported for its definitions.

    Args:
        run: What would start; None where there is none yet.

    Raises:
        StartOfRun: It is.
    """
    stopped = [each for each in _imports if threading.get_ident() not in each.bystanders]
    for each in stopped:
        each.run = each.run if each.is_stopped else run
        each.is_stopped = True
    if stopped:
        raise StartOfRun("a module that is imported for its definitions would start a run here")


@contextlib.contextmanager
def running(what: str, name: str) -> Iterator[Import]:
    """Somebody's module is imported in here: it starts no run, and what it raises becomes one sentence."""
    try:
        with no_run_starts() as this:
            yield this
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{what} {name!r} cannot be imported: {type(error).__name__}: {error}") from error
