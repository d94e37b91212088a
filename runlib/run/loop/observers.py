"""The observers of a run: one that raises is logged and left out from then on; it never ends the run.

They hear of each record once, after it is durable: a record is noted as it is written, and shown later. One that finds
the disk full is kept, for room may come back: that is said when it begins, and then only after it was well for a while.
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

QUIET = 30.0  # seconds without a refusal of the disk after which the next one is news

log = logger()


class ObserverList:
    """Those who listen.

    Args:
        observers: In the order in which they hear.
        unseen: Records of which they have not heard.
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
        self._full: dict[int, float] = {}  # observer -> when the disk was last too full for it

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
            if is_full(error):
                self._keep(observer, error)
                return
            # What the disk refuses needs no traceback.
            where = None if isinstance(error, OSError) else error
            log.error("the observer %s failed and is left out from now on: %s", observer.kind, error, exc_info=where)
            self._observers = [other for other in self._observers if other is not observer]

    def _keep(self, observer: Observer, error: OSError) -> None:
        """Say that it could not write, once for as long as that goes on."""
        # A success tells nothing: most of what an observer is asked to do writes nothing.
        before, now = self._full.get(id(observer), float("-inf")), self._clock()
        self._full[id(observer)] = now
        if now - before >= QUIET:
            warn("the observer %s could not write, and will try again: %s", observer.kind, error.strerror)


def shown_to(observers: Sequence[Observer], progress: bool | None, context: Mapping[str, Any] | None) -> list[Observer]:
    """The observers of one call of ``run``: those of the run, and one that shows progress if that is wanted.

    It is not noted on the tape: another session may have no terminal.

    Args:
        observers: Of the run.
        progress: Whether to show it; None: where a person looks, and as the observers have it.
        context: For the observer that is added.
    """
    if progress is False:
        return [observer for observer in observers if not isinstance(observer, ProgressObserver)]
    shown = any(isinstance(observer, ProgressObserver) for observer in observers)
    wanted = progress or (progress is None and is_watched())
    return [*observers, ProgressObserver(context)] if wanted and not shown else list(observers)


def _let_hear(observer: Observer, records: Sequence[Record], state: State) -> None:
    """All of the records, also behind one at which the disk was full."""
    full: OSError | None = None
    is_ours = type(observer).__module__.startswith("runlib.")  # ours change nothing of what they hear
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
