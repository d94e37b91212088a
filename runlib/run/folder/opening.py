"""Opening a tape: for reading, and for writing under the lock of its folder.

Reading opens nothing for writing and makes no component. Writing begins by mending a torn tail, if there is one, and
with a ``session`` event that says who writes from here on.
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
    """A tape that is held for writing.

    Attributes:
        lock: Of its folder.
        tape: What is written.
        clock: Of the session.
        unseen: Written before there was an observer to hear of it.
        recovered: What was not as a writer leaves it, a sentence each.
    """

    lock: FolderLock
    tape: TapeWriter
    clock: SessionClock
    unseen: list[Record] = field(default_factory=list)
    recovered: list[str] = field(default_factory=list)

    def close(self) -> None:
        """Make the tape durable and let another write."""
        try:
            self.tape.close()
        finally:
            self.lock.release()


def read(folder: RunFolder, at: int | None = None) -> tuple[State, dict[str, Any]]:
    """The state of a run and its settings, with what sessions changed; for reading only.

    Args:
        folder: Of the run.
        at: The record after which to look, 0 for none; nothing behind it is read. None for the end.

    Raises:
        ConfigError: ``at`` is no whole number from 0.
        TapeError: The tape has fewer records, or is damaged before.
    """
    reader, state = read_up_to(folder, at)
    if reader.tail is not None and is_foreign(folder.tape):
        log.warning("%s ends in the middle of record %d, which is left out", folder.tape, state.n + 1)
    return state, {**reader.metadata["run"], **state.changes}


def read_up_to(folder: RunFolder, at: int | None) -> tuple[TapeReader, State]:
    """What was read, and the state after record ``at``; errors as in ``read``."""
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
    """The state of a run before its first record.

    Args:
        metadata: Of its tape.
        tape: Its path.
        search: What hears of the results; None for reading only.
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
    """The state of a run that is written, before its first record: its time goes on, by the clock of its session."""
    return make_state(metadata, tape, search, clock or SessionClock())


def refuse_foreign(folder: RunFolder) -> None:
    """Nothing is written to a tape that another program made.

    Raises:
        TapeFormat: This is such a tape.
    """
    if is_foreign(folder.tape):
        raise TapeFormat(
            f"{folder.tape} is a tape of cmlkit, which is read but not gone on with: check it out to read it, or make "
            "a new Run of the components that the checkout has",
            path=folder.tape,
        )


def catch_up(folder: RunFolder, state: State, start: Position | None, verify: bool) -> tuple[Position, Tail | None]:
    """Apply what the tape has from ``start`` on; returns where it ends."""
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
    """Open the tape for writing at its end, mending a torn tail if there is one.

    Args:
        folder: Of the run.
        lock: Of the folder.
        end: Where the tape ends.
        sync: When what is written is made durable.
        clock: Of the session, if that has begun; None for one that begins now.
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
    """Put on the tape who writes from here on, and what he found; if that fails, tape and lock are given back."""
    with _given_back_on_error(opened):
        if opened.recovered:
            extra = {**extra, "recovered": opened.recovered}
        if TapeReader(opened.tape.path).metadata["format"] != FORMAT:  # the tape was begun by an older version
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
    """What the first writer noted; empty if it came to write nothing."""
    for record in TapeReader(folder.tape):
        return record.event.info if isinstance(record.event, Session) else {}
    return {}


def load_plugins(noted: dict[str, Any]) -> None:
    """Load the plugins that a session noted; one that cannot be is said, and its kinds will be missed by name.

    Raises:
        NotTrusted: One is code that the tape is not trusted to name.
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
    """Pool, observers and context for going on: what was given, and for the rest what the last session had."""
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
    """Whether all these components can be made here; what cannot is said, and the default takes its place."""
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
    """Say what may keep the continuation from being the one that it would have been.

    Args:
        evaluator: Of the run.
        noted: By the last session.
        changed_globals: Which globals that the evaluator reads have other values; empty for none.
    """
    if changed_globals:
        warnings.warn(
            f"the evaluator reads {changed_globals}, which it had with another value when this run was last written; "
            "its results so far are kept",
            RuntimeWarning,
            stacklevel=6,
        )
    then, now = noted.get("fingerprint"), None if evaluator is None else evaluator.fingerprint()
    is_same = evaluator is not None and noted.get("code") is not None and noted["code"] == evaluator.fingerprint_code()
    if evaluator is not None and then is not None and now is not None and then != now and not is_same:
        with contextlib.suppress(OSError, ValueError):  # of a standard error that is gone
            warnings.warn(
                f"the code or data of the evaluator ({evaluator.kind}) is not what it was when this run was last "
                "written; its results so far are kept",
                RuntimeWarning,
                stacklevel=6,  # the caller of Run.restore, past the look at its keywords
            )
    before = noted.get("versions", {})
    changed = [f"{k} {before[k]} -> {v}" for k, v in versions().items() if k in before and before[k] != v]
    if changed:
        log.warning("other versions than when this run was last written: %s", ", ".join(changed))
