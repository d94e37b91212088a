"""Informs the observers of a run; one that raises is logged and left out from then on, and never ends the run.

Each observer is told of each record once, after the record is durable: a record is stored as it is written, and shown
later. An observer that finds the disk full is kept, because space may become free. This is logged when it begins, and
again only after a while without such an error.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from runlib.engine.disk import is_full
from runlib.engine.legible import logger
from runlib.observe.base import Observer
from runlib.observe.progress import ProgressObserver, is_watched
from runlib.run.loop.pause import warn
from runlib.state.state import State
from runlib.tape.events import Record

__all__ = ["ObserverList", "shown_to"]

QUIET = 30.0  # seconds without a full disk after which the next such error is logged

log = logger()


class ObserverList:
    """Holds the observers of a run.

    Args:
        observers: The observers, in the order in which they are told.
        unseen: The records of which they have not been told.
        clock: A monotonic clock in seconds.
    """

    def __init__(
        self,
        observers: Sequence[Observer],
        unseen: Sequence[Record] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._observers = list(observers)
        self._unseen = list(unseen)
        self._clock = clock
        self._full: dict[int, float] = {}  # id of the observer -> when it last found the disk full

    def note(self, record: Record) -> None:
        """Stores a record until it is shown."""
        self._unseen.append(record)

    def show(self, state: State) -> None:
        """Tells the observers of the stored records, which are durable by now."""
        records, self._unseen = self._unseen, []
        self.tell(lambda observer: _let_hear(observer, records, state))

    def tell(self, action: Callable[[Observer], None]) -> None:
        """Calls ``action`` with each observer."""
        for observer in list(self._observers):
            self._guarded(observer, action)

    def dismiss(self, action: Callable[[Observer], None]) -> None:
        """Calls ``action`` with each observer for the last time, even if one of the calls is interrupted."""
        with contextlib.ExitStack() as each:
            for observer in self._observers:
                each.callback(self._guarded, observer, action)

    def _guarded(self, observer: Observer, action: Callable[[Observer], None]) -> None:
        try:
            action(observer)
        except Exception as error:
            if is_full(error):
                self._keep(observer, error)
                return
            # An error of the disk needs no traceback.
            where = None if isinstance(error, OSError) else error
            log.error("the observer %s failed and is left out from now on: %s", observer.kind, error, exc_info=where)
            self._observers = [other for other in self._observers if other is not observer]

    def _keep(self, observer: Observer, error: OSError) -> None:
        """Logs that an observer could not write, once for as long as that lasts."""
        # A success does not show that there is space, because most actions of an observer write nothing.
        before, now = self._full.get(id(observer), float("-inf")), self._clock()
        self._full[id(observer)] = now
        if now - before >= QUIET:
            warn("the observer %s could not write, and will try again: %s", observer.kind, error.strerror)


def shown_to(observers: Sequence[Observer], progress: bool | None, context: Mapping[str, Any] | None) -> list[Observer]:
    """Returns the observers of one call of ``run``: those of the run, and one that shows progress if that is wanted.

    The progress observer is not recorded on the tape, because another session may have no terminal.

    Args:
        observers: The observers of the run.
        progress: Whether to show progress; None to show it where a user watches, or where the observers of the run
            include one that shows it.
        context: The context for the observer that is added.
    """
    if progress is False:
        return [observer for observer in observers if not isinstance(observer, ProgressObserver)]
    shown = any(isinstance(observer, ProgressObserver) for observer in observers)
    wanted = progress or (progress is None and is_watched())
    return [*observers, ProgressObserver(context)] if wanted and not shown else list(observers)


def _let_hear(observer: Observer, records: Sequence[Record], state: State) -> None:
    """Tells an observer of all records, also of those after one at which the disk was full."""
    full: OSError | None = None
    is_ours = type(observer).__module__.startswith("runlib.")  # our observers do not change the records
    for record in records:
        try:
            observer.observe(record if is_ours else record.copy(), state)
        except OSError as error:
            if not is_full(error):
                raise
            full = error
    observer.tick(state)
    if full is not None:
        raise full
