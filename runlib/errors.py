"""This module defines every error that runlib raises on purpose.

Each message is one sentence that names the place of the fault and says what to do. The attributes hold the parts.

::

    RunlibError
    +-- ConfigError (ValueError)        a config is wrong; ``path`` is the place in it
    |   +-- UnknownKind                 no component is registered for this kind
    |   +-- NotTrusted                  a tape names code, and the tape or the code belongs to another user
    |   +-- KindConflict                two classes claim one kind
    |   +-- UnknownArgument (TypeError) a call got a keyword that it does not take
    |   +-- SpaceError                  a search space is wrong
    +-- FolderError                     the folder on disk is not what was asked for
    |   +-- FolderExists                a file or folder of that name already exists
    |   +-- NotARun                     the folder holds no tape
    |   +-- RunLocked                   another process writes to the run
    |   +-- FolderMoved                 the folder was renamed while the run wrote to it; ``place``
    +-- TapeError                       the tape cannot be used; ``path``, ``n``, ``offset``
    |   +-- TapeCorrupt                 a record is damaged, missing, doubled or swapped
    |   +-- TapeFormat                  the file has another format, or a newer one
    |   +-- ReplayMismatch              on replay, the search suggests something other than the tape says
    |   +-- LockStolen                  another process took the run over; ``tids``
    |   +-- TapeReplaced                the tape was replaced or deleted during writing; ``saved``
    +-- ReadOnlyRun                     a checked-out run was asked to change
    +-- StopReached                     the stop of a run that is driven by hand leaves no room for another trial
    +-- SearchError                     a search cannot do what was asked
    |   +-- SearchExhausted             nothing is left to suggest
    |   +-- SearchWaiting               there is nothing to suggest until a result arrives
    +-- EvaluationError                 an evaluation failed with an error that the run does not catch
    |   +-- InvalidResult               the evaluator returned no usable result
    |   +-- Failed                      the evaluator says that this suggestion failed
    |   +-- WorkerLost                  the worker process of a trial died
    +-- NoSuccess                       no trial of a run succeeded; ``counts``
    +-- PoolError                       the pool of workers cannot go on
    +-- MissingExtra (ImportError)      an optional dependency is not installed

The module also defines one warning, ``SpaceWarning``: something in a search space looks as if it varied but does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

__all__ = [
    "ConfigError",
    "EvaluationError",
    "Failed",
    "FolderError",
    "FolderExists",
    "FolderMoved",
    "InvalidResult",
    "KindConflict",
    "LockStolen",
    "MissingExtra",
    "NoSuccess",
    "NotARun",
    "NotTrusted",
    "PoolError",
    "ReadOnlyRun",
    "ReplayMismatch",
    "RunLocked",
    "RunlibError",
    "SearchError",
    "SearchExhausted",
    "SearchWaiting",
    "SpaceError",
    "SpaceWarning",
    "StopReached",
    "TapeCorrupt",
    "TapeError",
    "TapeFormat",
    "TapeReplaced",
    "UnknownArgument",
    "UnknownKind",
    "WorkerLost",
]


class RunlibError(Exception):
    """Is the base class of every error that runlib raises on purpose."""


class ConfigError(RunlibError, ValueError):
    """A config is wrong.

    Attributes:
        reason: The description of the fault, without its place.
        path: The dotted place in the config, outermost key first; empty at the root.
    """

    def __init__(self, reason: str, path: str = "") -> None:
        self.reason = reason
        self.path = path
        super().__init__(f"{path}: {reason}" if path else reason)

    def under(self, parent: str) -> Self:
        """Returns the same error with ``parent`` put before its path."""
        path = f"{parent}.{self.path}" if self.path and parent else (parent or self.path)
        return type(self)(self.reason, path)


class UnknownKind(ConfigError):
    """No component is registered for this kind."""


class NotTrusted(ConfigError):
    """A tape names code to execute, and the tape or the code belongs to another user."""


class KindConflict(ConfigError):
    """Two different classes claim one kind."""


class UnknownArgument(ConfigError, TypeError):
    """A call got a keyword that it does not take. The message suggests the keyword that was probably meant."""


class SpaceError(ConfigError):
    """A search space is wrong."""


class SpaceWarning(RuntimeWarning, UserWarning):
    """Something in a search space looks as if it varied but is the same in every suggestion."""


class FolderError(RunlibError):
    """The folder on disk is not what was asked for. ``folder`` is its path."""

    def __init__(self, message: str, folder: str | Path = "") -> None:
        self.folder = Path(folder)
        super().__init__(message)


class FolderExists(FolderError):
    """A file or folder of that name already exists."""


class NotARun(FolderError):
    """The folder holds no tape."""


class RunLocked(FolderError):
    """Another process writes to the run."""


class FolderMoved(FolderError):
    """The folder of a run was renamed or moved while the run wrote to it, so the run ended in an orderly way.

    Attributes:
        place: The present path of the folder; None if the system does not tell.
    """

    def __init__(self, message: str, folder: str | Path = "", place: Path | None = None) -> None:
        self.place = place
        super().__init__(message, folder)


class TapeError(RunlibError):
    """A tape cannot be used as it is.

    Attributes:
        path: The path of the tape.
        n: The number of the faulty record; 0 for the metadata, None if no single record is at fault.
        offset: The byte offset of that record in the file.
    """

    def __init__(self, message: str, *, path: str | Path = "", n: int | None = None, offset: int | None = None) -> None:
        self.path = Path(path)
        self.n = n
        self.offset = offset
        super().__init__(message)


class TapeCorrupt(TapeError):
    """A record is damaged, missing, doubled or swapped."""


class TapeFormat(TapeError):
    """The file is not a tape, or it is a tape in a format that this version does not read."""


class ReplayMismatch(TapeError):
    """On replay, the search suggests something other than what the tape records."""


class LockStolen(TapeError):
    """Another process took the run over, so this process stops.

    Attributes:
        tids: The trials whose results are not on the tape and will not be written.
    """

    tids: tuple[int, ...] = ()

    def losing(self, tids: Iterable[int]) -> LockStolen:
        """Returns the same error with the trials whose results will not be written."""
        lost = tuple(sorted(tids))
        names = ", ".join(map(str, lost))
        what = f"results of trial{'s' if len(lost) > 1 else ''} {names} not yet on the tape are not written"
        error = LockStolen(f"{self}; {what}" if lost else str(self), path=self.path, n=self.n, offset=self.offset)
        error.tids = lost
        return error


class TapeReplaced(TapeError):
    """The tape was replaced or deleted while this process was writing to it.

    Attributes:
        saved: The path of the copy of what this process wrote; None if no disk took it.
    """

    saved: Path | None = None


class ReadOnlyRun(RunlibError):
    """A checked-out run, which is read-only, was asked to change."""


class StopReached(RunlibError):
    """The stop of a run leaves no room for another trial, or a user asked the run to stop."""


class SearchError(RunlibError):
    """A search cannot do what was asked."""


class SearchExhausted(SearchError):
    """Nothing is left to suggest, whatever results arrive."""


class SearchWaiting(SearchError):
    """There is nothing to suggest until a result arrives."""


class EvaluationError(RunlibError):
    """An evaluation failed with an error that the run does not catch.

    Attributes:
        tid: The number of the trial. The trial stays live.
        suggestion: The suggestion that was evaluated.
        folder: The folder of the run; None outside of a run.
    """

    def __init__(
        self, message: str, *, tid: int | None = None, suggestion: object = None, folder: Path | None = None
    ) -> None:
        self.tid = tid
        self.suggestion = suggestion
        self.folder = folder
        super().__init__(message)


class InvalidResult(EvaluationError):
    """The evaluator returned no usable result."""


class Failed(EvaluationError):
    """The evaluator says that a suggestion failed: it raised this error or returned ``{"status": "fail"}``.

    The failure always becomes the result of its trial, whatever ``caught_exceptions`` names.
    """


class WorkerLost(EvaluationError):
    """The worker process of a trial died."""


class NoSuccess(RunlibError):
    """Trials of a run have ended, and none of them succeeded.

    Attributes:
        counts: The number of failures by the name of the error, the most common error first.
    """

    def __init__(self, message: str, counts: Mapping[str, int] | None = None) -> None:
        self.counts = dict(counts or {})
        super().__init__(message)


class PoolError(RunlibError):
    """The pool of workers cannot go on."""


class MissingExtra(RunlibError, ImportError):
    """An optional dependency is not installed."""
