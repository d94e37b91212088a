"""Defines the contract of an observer, which listens to the stream of events of a run.

An observer writes only derived data, which can be deleted and rebuilt from the tape. It receives an event after the
event is durable. If an observer raises an error, the error is logged and the observer is left out from then on; the run
goes on. An observer that is costly limits its own rate.
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
    """Holds what an observer may know about the run besides its state.

    Attributes:
        folder: The folder of the run, as a path that is shown to users. Files in it are written through ``opened``.
        name: The name of the run.
        stop: The stop of the run, for its report.
        slots: The number of evaluations that run at once.
        running: The trials that are being evaluated now. The loop keeps this set up to date.
        began: The time at which the loop of this session began, on ``clock``.
        duration: The time limit of this session in seconds, or None for no limit.
        clock: A monotonic clock in seconds.
        directory: The open descriptor of the folder while the run is held. It stays valid if the folder is moved.
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
        """Yields the descriptor of the folder, or opens one for the time of the context."""
        if self.directory is not None:
            yield self.directory
        else:
            with Directory(self.folder) as directory:
                yield directory


class Observer(Component, abstract=True):
    """Defines the methods of all observers. A subclass overrides ``observe``, and the other methods as needed."""

    def open(self, info: RunInfo, state: State) -> None:
        """Is called when the loop begins."""

    def observe(self, event: Record, state: State) -> None:
        """Is called after an event became durable. ``state`` contains this event already, and perhaps later ones."""
        raise NotImplementedError(f"{type(self).__qualname__} has no observe()")

    def tick(self, state: State) -> None:
        """Is called after each turn of the loop, with or without events, so that the display can show elapsed time."""

    def close(self, state: State) -> None:
        """Is called when the loop ended."""
