"""How a script ends that a person interrupted while it ran a run: one line, exit code 130, no traceback.

``run()`` raises a ``KeyboardInterrupt``, which the caller may catch. What nobody catches comes to ``sys.excepthook``,
where it is told. The hook is set when the first such interrupt is raised, and only in a program that ends by it: not
in an interpreter or a notebook that somebody types into.
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

EXIT_CODE = 130  # 128 and the number of SIGINT, as a shell has it


class Interrupted(KeyboardInterrupt):
    """A run ended in order because a person interrupted it; its text says how to go on."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows of it, in a notebook as well: the one line."""
        return [str(self)]


@contextlib.contextmanager
def told_in_one_line(say: Callable[[], str]) -> Iterator[None]:
    """In here a ``KeyboardInterrupt`` becomes one that ends a script with one line.

    Args:
        say: Gives the line, once it is known how the run ended.

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
    """Tells of an interrupted run in one line; what else nobody caught is told as before."""

    def __init__(self, before: Callable[..., object]) -> None:
        self._before = before

    def __call__(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not isinstance(error, Interrupted):
            self._before(kind, error, trace)
            return
        tell(str(error), sys.stderr)
        raise SystemExit(EXIT_CODE)
