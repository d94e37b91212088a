"""The contract of an observer: it listens to the stream of events of a run.

What an observer writes is derived: it can be deleted and rebuilt from the tape. Observers hear of an event after it is
durable. One that raises is logged and left out from then on; it never ends a run. One that is costly throttles itself.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from runlib.engine.component import Component
from runlib.engine.directory import Directory
from runlib.state.state import State
from runlib.stop.base import Stop
from runlib.tape.events import Record

__all__ = ["Observer", "RunInfo"]


@dataclass
class RunInfo:
    """What an observer may know of the run beside its state.

    Attributes:
        folder: Of the run; where it is, for people. What is written there goes through ``opened``.
        name: Of the run.
        stop: Of the run, for its report.
        slots: How many evaluations run at once.
        running: Trials that are being evaluated now; kept up to date by the loop.
        began: When this session's loop began, on ``clock``.
        duration: Seconds that it may take; None for no limit.
        clock: A monotonic clock in seconds.
        directory: The folder as an open descriptor, while the run is held; it stays the same where the folder is moved.
    """

    folder: Path
    name: str
    stop: Stop
    slots: int
    running: frozenset[int] = frozenset()
    began: float = 0.0
    duration: float | None = None
    clock: Callable[[], float] = field(default=time.monotonic)
    directory: Directory | None = None

    @contextlib.contextmanager
    def opened(self) -> Iterator[Directory]:
        """The descriptor of the folder, or one for the moment."""
        if self.directory is not None:
            yield self.directory
        else:
            with Directory(self.folder) as directory:
                yield directory


class Observer(Component, abstract=True):
    """Base of all observers: override ``observe``, and the others as needed."""

    def open(self, info: RunInfo, state: State) -> None:
        """The loop begins."""

    def observe(self, event: Record, state: State) -> None:
        """An event became durable; ``state`` holds it already, and perhaps later ones."""
        raise NotImplementedError(f"{type(self).__qualname__} has no observe()")

    def tick(self, state: State) -> None:
        """A turn of the loop passed, with or without events: the time to show that time goes on."""

    def close(self, state: State) -> None:
        """The loop ended."""
