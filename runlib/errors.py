"""Every error that runlib raises on purpose.

Each message is one sentence that names the place and says what to do; the attributes carry the parts.

::

    RunlibError
    +-- ConfigError (ValueError)        a wrong config; ``path`` says where in it
    |   +-- UnknownKind                 no component is registered for this kind
    |   +-- KindConflict                two classes claim one kind
    |   +-- UnknownArgument (TypeError) a call got a keyword that it does not take
    |   +-- SpaceError                  a wrong search space
    +-- FolderError                     the folder on disk is not what was asked for
    |   +-- FolderExists                a run of that name is there already
    |   +-- NotARun                     no tape lies in the folder
    |   +-- RunLocked                   another process writes to the run
    |   +-- FolderMoved                 the folder was renamed while the run was written; ``place``
    +-- TapeError                       the tape cannot be used; ``path``, ``n``, ``offset``
    |   +-- TapeCorrupt                 a record is damaged, missing, doubled or swapped
    |   +-- TapeFormat                  another format, or a newer one
    |   +-- ReplayMismatch              asked again, the search suggests something else
    |   +-- LockStolen                  another process took the run over; ``tids``
    |   +-- TapeReplaced                the tape was replaced or deleted while it was written; ``saved``
    +-- ReadOnlyRun                     a checked-out run was asked to change
    +-- StopReached                     the stop of a run that is driven by hand leaves no room for another trial
    +-- SearchError
    |   +-- SearchExhausted             nothing is left to suggest
    |   +-- SearchWaiting               nothing to suggest until a result arrives
    +-- EvaluationError                 an evaluation failed in a way that was not to be caught
    |   +-- InvalidResult               the evaluator returned no usable result
    |   +-- Failed                      the evaluator says that this suggestion failed
    |   +-- WorkerLost                  the worker process of a trial died
    +-- NoSuccess                       no trial of a run succeeded; ``counts``
    +-- PoolError                       the pool of workers cannot go on
    +-- MissingExtra (ImportError)      an optional dependency is not installed

and one warning, ``SpaceWarning``: something in a search space looks as if it varied, and does not.
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
    """Base of every error that runlib raises on purpose."""


class ConfigError(RunlibError, ValueError):
    """A config is wrong.

    Attributes:
        reason: What is wrong, without the place.
        path: The dotted place in the config, outermost first; empty at the root.
    """

    def __init__(self, reason: str, path: str = "") -> None:
        self.reason = reason
        self.path = path
        super().__init__(f"{path}: {reason}" if path else reason)

    def under(self, parent: str) -> Self:
        """The same error, seen from one level further out in the config."""
        path = f"{parent}.{self.path}" if self.path and parent else (parent or self.path)
        return type(self)(self.reason, path)


class UnknownKind(ConfigError):
    """No component is registered for this kind."""


class NotTrusted(ConfigError):
    """The tape of another user, or one that names a file of another user, would let code run here."""


class KindConflict(ConfigError):
    """Two different classes claim one kind."""


class UnknownArgument(ConfigError, TypeError):
    """A call got a keyword that it does not take; the message says which one is meant."""


class SpaceError(ConfigError):
    """A search space is wrong."""


class SpaceWarning(RuntimeWarning, UserWarning):
    """Something in a search space looks as if it varied, and is the same in every suggestion."""


class FolderError(RunlibError):
    """The folder on disk is not what was asked for; ``folder`` is its path."""

    def __init__(self, message: str, folder: str | Path = "") -> None:
        self.folder = Path(folder)
        super().__init__(message)


class FolderExists(FolderError):
    """A file or folder of that name is there already."""


class NotARun(FolderError):
    """No tape lies in the folder."""


class RunLocked(FolderError):
    """Another process writes to the run."""


class FolderMoved(FolderError):
    """The folder of a run was renamed or moved while the run was written, so that the run ended in order.

    Attributes:
        place: Where the folder is now; None if the system does not tell.
    """

    def __init__(self, message: str, folder: str | Path = "", place: Path | None = None) -> None:
        self.place = place
        super().__init__(message, folder)


class TapeError(RunlibError):
    """A tape cannot be used as it is.

    Attributes:
        path: The tape.
        n: The number of the record at fault, 0 for the metadata, None if it is not one record.
        offset: Its byte offset in the file.
    """

    def __init__(self, message: str, *, path: str | Path = "", n: int | None = None, offset: int | None = None) -> None:
        self.path = Path(path)
        self.n = n
        self.offset = offset
        super().__init__(message)


class TapeCorrupt(TapeError):
    """A record is damaged, missing, doubled or swapped."""


class TapeFormat(TapeError):
    """The file is no tape, or one of a format that this version does not read."""


class ReplayMismatch(TapeError):
    """Asked again, the search suggests something else than stands on the tape."""


class LockStolen(TapeError):
    """Another process took the run over, so that this one stops.

    Attributes:
        tids: Trials whose results are not on the tape, and are not written.
    """

    tids: tuple[int, ...] = ()

    def losing(self, tids: Iterable[int]) -> LockStolen:
        """The same error, with the trials whose results are not written."""
        lost = tuple(sorted(tids))
        names = ", ".join(map(str, lost))
        what = f"results of trial{'s' if len(lost) > 1 else ''} {names} not yet on the tape are not written"
        error = LockStolen(f"{self}; {what}" if lost else str(self), path=self.path, n=self.n, offset=self.offset)
        error.tids = lost
        return error


class TapeReplaced(TapeError):
    """Another file bears the name of the tape, or none does, while this process writes to the one that did.

    Attributes:
        saved: Where what it wrote is now; None if no disk took it.
    """

    saved: Path | None = None


class ReadOnlyRun(RunlibError):
    """A checked-out run was asked to change."""


class StopReached(RunlibError):
    """The stop of a run leaves no room for another trial, or somebody asked the run to stop."""


class SearchError(RunlibError):
    """A search cannot do what was asked."""


class SearchExhausted(SearchError):
    """Nothing is left to suggest, whatever results come."""


class SearchWaiting(SearchError):
    """Nothing to suggest until a result arrives."""


class EvaluationError(RunlibError):
    """An evaluation failed in a way that was not to be caught.

    Attributes:
        tid: The trial, which stays live.
        suggestion: What was evaluated.
        folder: Of the run; None outside of one.
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
    """The evaluator says that a suggestion failed: raised by it, or returned as ``{"status": "fail"}``.

    It is always a result of its trial, whatever ``caught_exceptions`` names.
    """


class WorkerLost(EvaluationError):
    """The worker process of a trial died."""


class NoSuccess(RunlibError):
    """Trials of a run have ended, and none succeeded.

    Attributes:
        counts: How many failed of each error, by its name, the commonest first.
    """

    def __init__(self, message: str, counts: Mapping[str, int] | None = None) -> None:
        self.counts = dict(counts or {})
        super().__init__(message)


class PoolError(RunlibError):
    """The pool of workers cannot go on."""


class MissingExtra(RunlibError, ImportError):
    """An optional dependency is not installed."""
