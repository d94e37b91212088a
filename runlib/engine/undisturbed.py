"""A Ctrl-C while modules are imported is dealt with when they are there, and ends a program without a traceback.

In the middle of an import it would show a traceback of somebody else's module, or leave one half made. The second one
does not wait. Nothing is changed where the program handles SIGINT itself, or outside the main thread. Importing this
is the first ``begin``, since code before imports is hard to see.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType

__all__ = ["begin", "end"]

EXIT_CODE = 130  # 128 and the number of SIGINT, as a shell has it

_depth = 0
_interrupted = False


def begin() -> None:
    """From here on a Ctrl-C waits; calls may be nested."""
    global _depth
    if not _is_main_thread():
        return
    if _depth or signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        _depth += 1
        signal.signal(signal.SIGINT, _note)


def end() -> None:
    """It waits no more.

    Raises:
        SystemExit: There was one, and this is a program.
        KeyboardInterrupt: There was one, where somebody types.
    """
    global _depth, _interrupted
    if not _depth or not _is_main_thread():
        return
    _depth -= 1
    if not _depth and signal.getsignal(signal.SIGINT) is _note:  # else what was imported handles it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not _depth and _interrupted:
        _interrupted = False
        raise KeyboardInterrupt if _is_typed() else SystemExit(EXIT_CODE)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _is_typed() -> bool:
    return (
        hasattr(sys, "ps1") or bool(sys.flags.interactive) or "PYTHONINSPECT" in os.environ or "IPython" in sys.modules
    )


def _note(number: int, frame: FrameType | None) -> None:
    global _interrupted
    if _interrupted:
        raise KeyboardInterrupt
    _interrupted = True


begin()
