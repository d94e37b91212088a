"""The inbox of a run: how people and other processes speak to whoever writes its tape.

A command is one file that appears whole, named by the time and by who wrote it; its name is its key. The writer takes
commands in the order of their names, puts each on the tape with its key, and takes the file away once that is durable.
A command that is found again after a crash is known by its key, and has no second effect.

Whoever may write to the folder may leave anything in it. Only plain files of at most 1 MiB are read, without waiting
and through no link, and what they say is checked as if it came from this process. What is refused is taken away, and
the answers to it go after a minute, or as soon as there are too many.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from runlib.engine import disk
from runlib.engine.data.canonical import NotPlain, dump, load, plain
from runlib.engine.data.shape import shaped
from runlib.engine.directory import Directory
from runlib.engine.legible import logger
from runlib.errors import ConfigError, FolderError, RunlibError
from runlib.run.folder.folder import RunFolder
from runlib.state.state import State
from runlib.tape.events import EDITS, Enqueue, Note, Stopping, Void, event_from_data, event_to_data

__all__ = ["NOT_RUNNING", "Edit", "InboxFolder", "fault", "made_plain", "spelled", "take_all"]

log = logger()

Edit = Void | Enqueue | Note | Stopping
NAME = "inbox"
ANSWER = ".refused"
LONGEST = 2**20  # bytes of a command
WORDS = 4000  # letters of an answer
EXPIRED = 60.0  # seconds after which an answer is taken away that nobody fetched
KEPT = 100  # answers
SAID = 20  # refused commands of one look, of which the log has a line each
NOT_RUNNING = "it is not running: there is nothing to stop"


def made_plain(event: Edit) -> Edit:
    """The event as it comes back from the tape; nothing else may be written to it.

    Raises:
        NotPlain: A suggestion is no plain data.
        ConfigError: Another argument is not what it should be.
    """
    made = replace(event, **{field.name: _plain(event, field.name) for field in fields(event)})
    tid = getattr(made, "tid", None)
    if type(tid) is not int and (tid is not None or isinstance(made, Void)):
        raise ConfigError(f"takes the number of a trial, got {tid!r}", "tid")
    for name in ("reason", "text"):
        value = getattr(made, name, "")
        if not isinstance(value, str):
            raise ConfigError(f"takes text, got {value!r}", name)
    return made


def _plain(event: Edit, name: str) -> Any:
    try:
        return (shaped if name == "suggestion" else plain)(getattr(event, name))
    except NotPlain as error:
        raise error.under(name) from None


def spelled(event: Edit, state: State) -> Edit:
    """The event, its suggestion spelled as the search of the run would: so that one point is one suggestion."""
    return replace(event, suggestion=state.spelled(event.suggestion)) if isinstance(event, Enqueue) else event


def fault(event: Edit, state: State) -> str | None:
    """Why a command cannot have an effect on a run as it is; None if it can."""
    if isinstance(event, Void):
        if event.tid in state.voided:
            return f"trial {event.tid} is void already: {state.voided[event.tid] or 'no reason was given'}"
        return None if event.tid in state.trials or event.tid in state.live_trials else _unknown(event.tid, state)
    if isinstance(event, Note) and event.tid is not None:
        return None if 0 <= event.tid < state.next_tid else _unknown(event.tid, state)
    return None


def _unknown(tid: int, state: State) -> str:
    there = f"its trials are 0 to {state.next_tid - 1}" if state.next_tid else "it has none yet"
    return f"there is no trial {tid} in this run: {there}"


class InboxFolder:
    """The commands that wait for a run.

    Args:
        folder: Of the run; its folder ``inbox`` is made when something is put into it.
        directory: The same as an open descriptor, if it is held.
    """

    def __init__(self, folder: Path, directory: Directory | None = None) -> None:
        self.path = folder / "inbox"
        self._run = RunFolder(folder, directory)
        self._left: set[str] = set()  # dealt with, but the disk does not let go of them
        self._forgot = float("-inf")  # when old answers were taken away last

    @contextlib.contextmanager
    def _opened(self, make: bool = False) -> Iterator[Directory]:
        with self._run.opened() as run, run.inside(NAME, make=make) as inbox:
            if make:
                run.sync()
            yield inbox

    def put(self, event: Edit) -> str:
        """Leave a command, durably; returns its key.

        Raises:
            FolderError: The disk refused it.
            ConfigError: It is longer than what is read again.
        """
        key, data = f"{time.time_ns():020d}-{os.getpid()}-{uuid.uuid4().hex[:8]}", dump(event_to_data(event))
        if len(data) > LONGEST:
            raise ConfigError(f"is too long for an inbox: {len(data)} bytes, of at most {LONGEST}", event.kind)
        try:
            with self._opened(make=True) as inbox:
                inbox.replace(f"{key}.json", data, durable=True)
        except OSError as error:
            reason = error.strerror or str(error)
            raise FolderError(f"{self.path} cannot be written: {reason}", self.path) from error
        return key

    def waiting(self) -> list[str]:
        """The keys of all commands, in the order in which they were left."""
        names = self._names()
        if time.monotonic() - self._forgot > EXPIRED and any(name.endswith(ANSWER) for name in names):
            self.forget_answers()
        keys = sorted(name[:-5] for name in names if name.endswith(".json") and not name.startswith("."))
        return [key for key in keys if key not in self._left]

    def _names(self) -> list[str]:
        try:
            with self._opened() as inbox:
                return inbox.names()
        except OSError:
            return []

    def has(self, key: str) -> bool:
        """Whether a command still waits."""
        try:
            with self._opened() as inbox:
                return inbox.has(f"{key}.json")
        except OSError:
            return False

    def read(self, key: str) -> Edit:
        """A command, checked as if somebody had called the method of it.

        Raises:
            RunlibError: It is none.
        """
        try:
            key.encode()  # a name that is no text can stand nowhere
            with self._opened() as inbox:
                data: Any = load(inbox.read(f"{key}.json", LONGEST))
            kind, body = next(iter(data.items()))
            event = event_from_data(kind, {**body, "key": key}, data.get("shape"), strict=True)
            if not isinstance(event, EDITS):
                raise RunlibError(f"{kind!r:.80} is nothing that people may write")
            return made_plain(event)
        except (OSError, ValueError, TypeError, AttributeError, StopIteration, RunlibError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            raise RunlibError(f"{self._shown(key)} is no command: {reason}") from error

    def remove(self, key: str) -> None:
        """Take a command away that had its effect, or is not to have one."""
        try:
            with self._opened() as inbox:
                inbox.remove(f"{key}.json")
        except FileNotFoundError:
            return
        except OSError as error:
            self._leave(key, error)

    def refuse(self, key: str, why: str) -> None:
        """Take a command away that cannot have an effect, leaving word for who waits for it."""
        try:
            with self._opened() as inbox:
                inbox.replace(f"{key}{ANSWER}", why[:WORDS].encode("utf-8", "backslashreplace"))
        except OSError as error:  # a disk without room is no reason for a run to end; nor is a name that is too long
            if disk.is_full(error):
                self._leave(key, error)
                return
            log.warning("%s: nobody hears that it is refused: %s", self._shown(key), error.strerror or error)
        self.remove(key)

    def _leave(self, key: str, error: OSError) -> None:
        self._left.add(key)
        log.warning("%s cannot be taken away: %s", self._shown(key), error.strerror or error)

    def refuse_stops(self) -> None:
        """Refuse what was to stop a run that is over; the next one shall not end by it."""
        for key in self.waiting():
            with contextlib.suppress(RunlibError):  # what is no command is said when the others are taken
                if isinstance(self.read(key), Stopping):
                    self.refuse(key, NOT_RUNNING)

    def clear(self, taken: Iterable[str], refused: Mapping[str, str]) -> None:
        """What was taken is durable on the tape, and what is refused is to be said."""
        for key in taken:
            self.remove(key)
        for place, (key, why) in enumerate(refused.items()):
            if place < SAID:
                log.warning("a command in the inbox is refused: %s", why)
            self.refuse(key, why)
        if len(refused) > SAID:
            log.warning("%d more commands in the inbox are refused", len(refused) - SAID)
        if refused:
            self.forget_answers()

    def forget_answers(self) -> None:
        """Take away answers that nobody fetched: the old ones, and the older ones of very many."""
        self._forgot = time.monotonic()
        answers = sorted(name for name in self._names() if name.endswith(ANSWER))
        with contextlib.suppress(OSError), self._opened() as inbox:
            for place, name in enumerate(answers):
                if place < len(answers) - KEPT or time.time() - inbox.stat(name).st_mtime > EXPIRED:
                    inbox.remove(name)

    def answer(self, key: str) -> str | None:
        """Why a command was refused, said once; None if it was not."""
        try:
            with self._opened() as inbox:
                why = inbox.read(f"{key}{ANSWER}", LONGEST)
                inbox.take_away(f"{key}{ANSWER}")
        except OSError:
            return None
        return why.decode("utf-8", "replace")

    def _shown(self, key: str) -> str:
        return str(self.path / f"{key}.json").encode("utf-8", "backslashreplace").decode()


def take_all(inbox: InboxFolder, state: State, append: Callable[[Edit], None]) -> tuple[list[str], dict[str, str]]:
    """Put all waiting commands on the tape.

    Args:
        inbox: Where they wait.
        state: Of the run; ``append`` changes it.
        append: Puts one on the tape, and applies it.

    Returns:
        The keys that may be removed once the tape is durable, and those that are refused, with the reason.
    """
    taken, refused = [], {}
    for key in inbox.waiting():
        try:
            event = inbox.read(key)
        except RunlibError as error:
            refused[key] = str(error)
            continue
        why = None if key in state.commands else fault(event, state)
        if why is not None:
            refused[key] = why
            continue
        if key not in state.commands:
            append(spelled(event, state))
        taken.append(key)
    return taken, refused
