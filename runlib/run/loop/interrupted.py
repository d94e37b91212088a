"""Ends a script that the user interrupted during a run with one line and exit code 130, without a traceback.

``run()`` raises a ``KeyboardInterrupt``, which the caller may catch. An uncaught one reaches ``sys.excepthook``, which
prints the line. The hook is set when the first such interrupt is raised, and only in a program that ends by it; it is
not set in an interactive interpreter or a notebook.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from types import TracebackType

from runlib.engine.legible import legible_line
from runlib.engine.printing import tell

__all__ = ["Interrupted", "told_in_one_line"]

EXIT_CODE = 130  # 128 plus the number of SIGINT, as in a shell


class Interrupted(KeyboardInterrupt):
    """Reports that a run ended in order because the user interrupted it; its text says how to continue the run."""

    def _render_traceback_(self) -> list[str]:
        """Returns the one line that IPython shows for it, also in a notebook."""
        return [str(self)]


@contextlib.contextmanager
def told_in_one_line(say: Callable[[], str]) -> Iterator[None]:
    """Turns a ``KeyboardInterrupt`` in the context into one that ends a script with one line.

    Args:
        say: A function that returns the line; it is called once it is known how the run ended.

    Raises:
        Interrupted: A ``KeyboardInterrupt`` came.
    """
    try:
        yield
    except KeyboardInterrupt:
        _set_hook()
        raise Interrupted(legible_line(say())) from None


def _set_hook() -> None:
    typed = hasattr(sys, "ps1") or sys.flags.interactive or os.environ.get("PYTHONINSPECT")
    if not typed and not isinstance(sys.excepthook, _Hook):
        sys.excepthook = _Hook(sys.excepthook)


class _Hook:
    """Prints one line for an interrupted run, and handles any other uncaught exception as before."""

    def __init__(self, before: Callable[..., object]) -> None:
        self._before = before

    def __call__(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not isinstance(error, Interrupted):
            self._before(kind, error, trace)
            return
        tell(str(error), sys.stderr)
        raise SystemExit(EXIT_CODE)
