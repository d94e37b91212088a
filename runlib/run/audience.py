"""The observers of a run: one that raises is logged and left out from then on; it never ends the run.

They hear of each record once, after it is durable: a record is noted as it is written, and shown later.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence

from runlib.observe.base import Observer
from runlib.state.state import State
from runlib.tape.events import Record

__all__ = ["Audience"]

log = logging.getLogger("runlib")


class Audience:
    """Those who listen.

    Args:
        observers: In the order in which they hear.
        unseen: Records of which they have not heard.
    """

    def __init__(self, observers: Sequence[Observer], unseen: Sequence[Record] = ()) -> None:
        self._observers = list(observers)
        self._unseen = list(unseen)

    def note(self, record: Record) -> None:
        """Keep a record until it is shown."""
        self._unseen.append(record)

    def show(self, state: State) -> None:
        """Let them hear of what was noted; what it stands for is durable by now."""
        records, self._unseen = self._unseen, []
        self.tell(lambda observer: _let_hear(observer, records, state))

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
        except Exception as error:
            # What the disk refuses needs no traceback.
            where = None if isinstance(error, OSError) else error
            log.error("the observer %s failed and is left out from now on: %s", observer.kind, error, exc_info=where)
            self._observers = [other for other in self._observers if other is not observer]


def _let_hear(observer: Observer, records: Sequence[Record], state: State) -> None:
    for record in records:
        observer.observe(record, state)
    observer.tick(state)
