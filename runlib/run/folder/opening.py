"""Opens a tape: for reading, or for writing under the lock of its folder.

Reading opens no file for writing and makes no component. Opening for writing first mends a torn end of the tape, if
there is one, and then writes a ``session`` event, which names the process that writes from here on.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runlib.engine import registry
from runlib.engine.code.trust import current
from runlib.engine.component import is_config
from runlib.engine.data.native import native
from runlib.engine.directory import NotPlainFile
from runlib.engine.legible import logger
from runlib.errors import ConfigError, FolderError, NotTrusted, TapeError, TapeFormat
from runlib.evaluator.base import Evaluator
from runlib.run.continuation.bounds import bounded
from runlib.run.folder.folder import RunFolder
from runlib.run.folder.length_hints import losses, read_length_hints
from runlib.run.metadata import session_info, versions
from runlib.run.settings import check_direction, check_number, check_order
from runlib.search.base import Search
from runlib.search.spelling import Spelling
from runlib.state.replay import replay
from runlib.state.state import State
from runlib.state.tally import OnError
from runlib.tape.clock import SessionClock
from runlib.tape.codec import FORMAT
from runlib.tape.events import NEWEST, Record, Session
from runlib.tape.foreign import is_foreign, open_tape
from runlib.tape.lock import FolderLock
from runlib.tape.reader import Position, Tail, TapeReader
from runlib.tape.writer import Sync, TapeWriter

__all__ = [
    "Opened",
    "catch_up",
    "execution_of_old",
    "first_session",
    "live_state",
    "load_plugins",
    "make_state",
    "note_session",
    "open_for_writing",
    "read",
    "read_up_to",
    "refuse_foreign",
    "warn_of_changes",
]

log = logger()


@dataclass
class Opened:
    """Holds a tape that is open for writing.

    Attributes:
        lock: The lock of the folder.
        tape: The writer of the tape.
        clock: The clock of the session.
        unseen: The records that were written before there was an observer.
        recovered: The faults of the tape that were found at its opening, a sentence each.
    """

    lock: FolderLock
    tape: TapeWriter
    clock: SessionClock
    unseen: list[Record] = field(default_factory=list)
    recovered: list[str] = field(default_factory=list)

    def close(self) -> None:
        """Makes the tape durable and gives the lock back."""
        try:
            self.tape.close()
        finally:
            self.lock.release()


def read(folder: RunFolder, at: int | None = None) -> tuple[State, dict[str, Any]]:
    """Returns the state of a run and its settings, with the changes that sessions made; for reading only.

    Args:
        folder: The folder of the run.
        at: The number of the last record to read, 0 for none; later records are not read. None for all records.

    Raises:
        ConfigError: ``at`` is not a whole number of at least 0.
        TapeError: The tape has fewer records, or is damaged before that record.
    """
    reader, state = read_up_to(folder, at)
    if reader.tail is not None and is_foreign(folder.tape):
        log.warning("%s ends in the middle of record %d, which is left out", folder.tape, state.n + 1)
    return state, {**reader.metadata["run"], **state.changes}


def read_up_to(folder: RunFolder, at: int | None) -> tuple[TapeReader, State]:
    """Returns the tape reader, and the state after record ``at``; raises the errors of ``read``."""
    at = native(at)
    if at is not None and (isinstance(at, bool) or not isinstance(at, int) or at < 0):
        raise ConfigError(f"takes the number of a record, or 0 for the beginning, got {at!r}", "at")
    reader = open_tape(folder.tape)
    state = make_state(reader.metadata, folder.tape)
    replay(itertools.islice(reader, at), state)
    if at is not None and state.n < at:
        raise TapeError(f"{folder.tape} ends with record {state.n}: there is no record {at}", path=folder.tape, n=at)
    return reader, state


def make_state(
    metadata: dict[str, Any], tape: Path, search: Search | None = None, clock: Callable[[], float] | None = None
) -> State:
    """Returns the state of a run before its first record.

    Args:
        metadata: The metadata of its tape.
        tape: The path of the tape.
        search: The search that is told the results; None for reading only.
        clock: The wall clock of a live run; None for reading.
    """
    config = metadata["run"]
    order, direction = check_order(config.get("order", "completed")), check_direction(config.get("direction", "min"))
    on_error = OnError(*(check_number(config.get(name), name) for name in ("loss_on_error", "cost_on_error")))
    return State(
        search,
        path=tape,
        clock=clock,
        order=order,
        direction=direction,
        on_error=on_error,
        origin=metadata.get("origin"),
        spelled=Spelling(config.get("search")),
    )


def live_state(metadata: dict[str, Any], tape: Path, search: Search, clock: Callable[[], float] | None = None) -> State:
    """Returns the state of a live run before its first record; its time advances by the clock of the session."""
    return make_state(metadata, tape, search, clock or SessionClock())


def refuse_foreign(folder: RunFolder) -> None:
    """Refuses to write to a tape that another program made.

    Raises:
        TapeFormat: The tape was made by another program.
    """
    if is_foreign(folder.tape):
        raise TapeFormat(
            f"{folder.tape} is a tape of cmlkit, which is read but not gone on with: check it out to read it, or make "
            "a new Run of the components that the checkout has",
            path=folder.tape,
        )


def catch_up(folder: RunFolder, state: State, start: Position | None, verify: bool) -> tuple[Position, Tail | None]:
    """Applies the records of the tape from ``start`` on to the state, and returns where the tape ends."""
    reader = TapeReader(folder.tape, start)
    replay(reader, state, verify=verify)
    return reader.position, reader.tail


def open_for_writing(
    folder: RunFolder,
    lock: FolderLock,
    end: tuple[Position, Tail | None],
    sync: Sync,
    clock: SessionClock | None = None,
) -> Opened:
    """Opens the tape for writing at its end, and mends a torn end if there is one.

    Args:
        folder: The folder of the run.
        lock: The lock of the folder.
        end: The end of the tape.
        sync: The rule for when written records are made durable.
        clock: The clock of the session, if that has begun; None for a session that begins now.
    """
    position, tail = end
    guard, clock, place = functools.partial(lock.check, folder.tape), clock or SessionClock(), lock.directory
    try:
        tape = TapeWriter(folder.tape, position, sync=sync, clock=clock, guard=guard, directory=place)
    except NotPlainFile as error:
        raise FolderError(
            f"{folder.path} cannot be written: {error.strerror}; check it out to read it", folder.path
        ) from error
    opened = Opened(lock, tape, clock)
    with _given_back_on_error(opened):
        opened.recovered += losses(read_length_hints(folder.path), position.n)
        if tail is not None:
            opened.recovered.append(_said_of(tail, position.n, opened.tape.mend(tail)))
        for said in opened.recovered:
            log.warning("%s: %s", folder.path, said)
    return opened


def _said_of(tail: Tail, n: int, aside: Path | None) -> str:
    if aside is None:
        return f"the end of the line of record {n} was missing, and is there now"
    place = f"behind record {n}" if tail.missing else f"in the middle of record {n + 1}"
    return f"the tape ended {place}; {len(tail.torn)} bytes that were being written are kept in {aside.name}"


def note_session(opened: Opened, state: State, extra: dict[str, Any]) -> None:
    """Records the new session on the tape, with the faults that were found; an error closes tape and lock."""
    with _given_back_on_error(opened):
        if opened.recovered:
            extra = {**extra, "recovered": opened.recovered}
        if TapeReader(opened.tape.path).metadata["format"] != FORMAT:  # an older version began the tape
            extra = {**extra, "format": NEWEST}
        state.clock = opened.clock
        extra = {**extra, "clocks": opened.clock.noted()}
        record = opened.tape.append(Session(session_info(extra)))
        state.apply(record)
        opened.tape.commit()
        opened.unseen.append(record)


@contextlib.contextmanager
def _given_back_on_error(opened: Opened) -> Iterator[None]:
    with contextlib.ExitStack() as on_error:
        on_error.callback(opened.close)
        yield
        on_error.pop_all()


def first_session(folder: RunFolder) -> dict[str, Any]:
    """Returns the data of the first session; an empty dict if the first writer wrote nothing."""
    for record in TapeReader(folder.tape):
        return record.event.info if isinstance(record.event, Session) else {}
    return {}


def load_plugins(noted: dict[str, Any]) -> None:
    """Loads the plugins that a session recorded; logs a warning for each one that cannot be loaded.

    A component of a missing plugin raises an error that names its kind.

    Raises:
        NotTrusted: A plugin is code that the tape is not trusted to name.
    """
    trust = current()
    if trust is not None and not trust.plugins:
        return
    for path in noted.get("paths", []) if trust is None or trust.is_met else []:
        registry.add_path(path)
    for name in noted.get("plugins", []):
        try:
            registry.load_plugin(name)
        except NotTrusted:
            raise
        except ConfigError as error:
            log.warning("%s; name it by --plugin if it is somewhere else now", error)


def execution_of_old(noted: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Returns pool, observers and context for a continued run: the given ones, else those of the last session."""
    pool = noted.get("pool") if given["pool"] is None else given["pool"]
    own = given["context"] or {}
    context = {**bounded({k: v for k, v in noted.get("context", {}).items() if k not in own}, pool), **own}
    execution = {**given, "context": context}
    if given["pool"] is None and _known([noted.get("pool")]):
        execution["pool"] = noted["pool"]
    if given["observers"] is None and _known(noted.get("observers", [])):
        execution["observers"] = noted.get("observers")
    return execution


def _known(configs: list[Any]) -> bool:
    """Returns whether all these components can be made here; logs a warning if the default has to replace one."""
    for config in configs:
        if not is_config(config):
            return False
        kind = next(iter(config))
        try:
            registry.lookup(kind)
        except ConfigError:
            log.warning("this run was last written with %r, which is not known here; the default is used", kind)
            return False
    return True


def warn_of_changes(evaluator: Evaluator | None, noted: dict[str, Any], changed_globals: str = "") -> None:
    """Warns about changes that may make the continuation differ from an uninterrupted run.

    Args:
        evaluator: The evaluator of the run.
        noted: The data that the last session recorded.
        changed_globals: The names of the globals that the evaluator reads and that have other values; empty for none.
    """
    if changed_globals:
        _warn(
            f"the evaluator reads {changed_globals}, which it had with another value when this run was last written; "
            "its results so far are kept"
        )
    then, now = noted.get("fingerprint"), None if evaluator is None else evaluator.fingerprint()
    is_same = evaluator is not None and noted.get("code") is not None and noted["code"] == evaluator.fingerprint_code()
    if evaluator is not None and then is not None and now is not None and then != now and not is_same:
        _warn(
            f"the code or data of the evaluator ({evaluator.kind}) is not what it was when this run was last written; "
            "its results so far are kept"
        )
    before = noted.get("versions", {})
    changed = [f"{k} {before[k]} -> {v}" for k, v in versions().items() if k in before and before[k] != v]
    if changed:
        log.warning("other versions than when this run was last written: %s", ", ".join(changed))


def _warn(text: str) -> None:
    """Warns at the line of the caller of ``Run.restore``, past the check of its keywords."""
    with contextlib.suppress(OSError, ValueError):  # standard error may be closed
        warnings.warn(text, RuntimeWarning, stacklevel=7)
