"""A Ctrl-C while modules are imported is dealt with when they are there, and ends a program without a traceback.

In the middle of an import it would show a traceback of somebody else's module, or leave one half made. The second one
does not wait. Nothing is changed where the program handles SIGINT itself, or outside the main thread.

Importing this is the first ``begin``, since code before imports is hard to see. It imports nothing that the interpreter
has not loaded by itself: that would take time in which a Ctrl-C shows a traceback.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # what ``signal`` wraps
import os
import sys

__all__ = ["begin", "end"]

EXIT_CODE = 130  # 128 and the number of SIGINT, as a shell has it

_depth = 0
_interrupted = False


def begin() -> None:
    """From here on a Ctrl-C waits; calls may be nested."""
    global _depth
    if _depth:
        _depth += 1
    elif _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler and _handle(_note):
        _depth = 1


def end() -> None:
    """It waits no more.

    Raises:
        SystemExit: There was one, and this is a program.
        KeyboardInterrupt: There was one, where somebody types.
    """
    global _depth, _interrupted
    _depth = max(0, _depth - 1)
    if _depth:
        return
    if _signal.getsignal(_signal.SIGINT) is _note:  # else what was imported handles it
        _handle(_signal.default_int_handler)
    if _interrupted:
        _interrupted = False
        raise KeyboardInterrupt if _is_typed() else SystemExit(EXIT_CODE)


def _handle(handler: object) -> bool:
    """Whether this is the main thread, in which alone that can be done."""
    try:
        _signal.signal(_signal.SIGINT, handler)
    except ValueError:
        return False
    return True


def _is_typed() -> bool:
    typed = hasattr(sys, "ps1") or sys.flags.interactive or os.environ.get("PYTHONINSPECT")
    return bool(typed) or "IPython" in sys.modules


def _note(number: int, frame: object) -> None:
    global _interrupted
    if _interrupted:
        raise KeyboardInterrupt
    _interrupted = True


begin()
