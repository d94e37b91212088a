"""The observers of a run: one that raises is logged and left out from then on; it never ends the run."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence

from runlib.observe.base import Observer

__all__ = ["Audience"]

log = logging.getLogger("runlib")


class Audience:
    """Those who listen.

    Args:
        observers: In the order in which they hear.
    """

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = list(observers)

    def tell(self, action: Callable[[Observer], None]) -> None:
        """Do something with each of them."""
        for observer in list(self._observers):
            self._guarded(observer, action)

    def dismiss(self, action: Callable[[Observer], None]) -> None:
        """Do something with each of them for the last time, even if it is interrupted at one."""
        with contextlib.ExitStack() as each:
            for observer in self._observers:
                each.callback(self._guarded, observer, action)

    def _guarded(self, observer: Observer, action: Callable[[Observer], None]) -> None:
        try:
            action(observer)
        except Exception:
            log.exception("the observer %s failed and is left out from now on", observer.kind)
            self._observers = [other for other in self._observers if other is not observer]
