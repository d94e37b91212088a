"""Delays a Ctrl-C while modules are imported, and then ends a program without a traceback.

In the middle of an import, a Ctrl-C would show a traceback of a third-party module or leave a module half imported. A
second Ctrl-C is not delayed. Nothing changes if the program handles SIGINT itself, or outside the main thread.

Importing this module calls ``begin`` for the first time, since code before imports is easily overlooked. The module
imports only what the interpreter has already loaded. Other imports would take time, and a Ctrl-C in that time would
show a traceback.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # ``signal`` wraps this module.
import os
import sys

__all__ = ["begin", "end"]

EXIT_CODE = 130  # Shells use 128 plus the number of the signal, here SIGINT.

_depth = 0
_interrupted = False


def begin() -> bool:
    """Delays a Ctrl-C from here on. Calls may be nested.

    Returns:
        Whether ``end`` must be called for this call: not if the program handles SIGINT, or outside the main thread.
    """
    global _depth
    handler = _signal.getsignal(_signal.SIGINT)
    if handler not in (_note, _signal.default_int_handler) or not _handle(_note):
        return False
    _depth += 1
    return True


def end() -> None:
    """Ends the delay of a Ctrl-C.

    Raises:
        SystemExit: A Ctrl-C arrived during the delay, and Python runs a program.
        KeyboardInterrupt: A Ctrl-C arrived during the delay, and Python runs interactively.
    """
    global _depth, _interrupted
    _depth = max(0, _depth - 1)
    if _depth:
        return
    if _signal.getsignal(_signal.SIGINT) is _note:  # Otherwise an imported module has installed a handler.
        _handle(_signal.default_int_handler)
    if _interrupted:
        _interrupted = False
        raise KeyboardInterrupt if _is_typed() else SystemExit(EXIT_CODE)


def _handle(handler: object) -> bool:
    """Sets the handler of SIGINT. Returns whether this is the main thread, the only one that can set it."""
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
