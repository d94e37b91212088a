"""Defines the inbox of a run, in which other processes leave commands for the process that writes the tape.

A command is one file that appears as a whole. Its name is made of the time and the process that wrote it, and is the
key of the command. The writer takes commands in the order of their names, puts each on the tape with its key, and
removes the file once that is durable. A command that is found again after a crash is recognised by its key, and has no
second effect.

Anyone who may write to the folder may leave any file in it. So only plain files of at most 1 MiB are read, without
blocking and without following links, and their content is checked like the arguments of a call in this process. A
refused command is removed. An answer with the reason is removed after a minute, or sooner if there are too many.
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
LONGEST = 2**20  # bytes of a command, at most
WORDS = 4000  # characters of an answer, at most
EXPIRED = 60.0  # seconds after which an answer that nobody fetched is removed
KEPT = 100  # answers that are kept, at most
SAID = 20  # refused commands of one look that get a log line each
NOT_RUNNING = "it is not running: there is nothing to stop"


def made_plain(event: Edit) -> Edit:
    """Returns the event as it comes back from the tape, which is the only form that may be written to it.

    Raises:
        NotPlain: The suggestion is not plain data.
        ConfigError: Another argument has the wrong type.
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
    """Returns the event with its suggestion in the search's spelling, so that one point is one suggestion."""
    return replace(event, suggestion=state.spelled(event.suggestion)) if isinstance(event, Enqueue) else event


def fault(event: Edit, state: State) -> str | None:
    """Returns why a command cannot have an effect on a run in its present state; None if it can."""
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
    """Stores the commands that wait for a run.

    Args:
        folder: The folder of the run; its folder ``inbox`` is made when a command is put into it.
        directory: An open descriptor of the folder of the run, if it is held.
    """

    def __init__(self, folder: Path, directory: Directory | None = None) -> None:
        self.path = folder / "inbox"
        self._run = RunFolder(folder, directory)
        self._left: set[str] = set()  # commands that are done, but whose files cannot be removed
        self._forgot = float("-inf")  # when old answers were last removed

    @contextlib.contextmanager
    def _opened(self, make: bool = False) -> Iterator[Directory]:
        with self._run.opened() as run, run.inside(NAME, make=make) as inbox:
            if make:
                run.sync()
            yield inbox

    def put(self, event: Edit) -> str:
        """Leaves a command, durably, and returns its key.

        Raises:
            FolderError: The disk refused the command.
            ConfigError: The command is longer than the limit for reading it.
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
        """Returns the keys of all waiting commands, in the order in which they were left."""
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
        """Returns whether a command still waits."""
        try:
            with self._opened() as inbox:
                return inbox.has(f"{key}.json")
        except OSError:
            return False

    def read(self, key: str) -> Edit:
        """Returns a command, checked as if the user had called its method.

        Raises:
            RunlibError: The file is not a command.
        """
        try:
            key.encode()  # a name that is not valid text cannot be stored anywhere
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
        """Removes a command that had its effect, or that is not to have one."""
        try:
            with self._opened() as inbox:
                inbox.remove(f"{key}.json")
        except FileNotFoundError:
            return
        except OSError as error:
            self._leave(key, error)

    def refuse(self, key: str, why: str) -> None:
        """Removes a command that cannot have an effect, and leaves the reason for the process that waits for it."""
        try:
            with self._opened() as inbox:
                inbox.replace(f"{key}{ANSWER}", why[:WORDS].encode("utf-8", "backslashreplace"))
        # Neither a full disk nor a name that is too long is a reason to end the run.
        except OSError as error:
            if disk.is_full(error):
                self._leave(key, error)
                return
            log.warning("%s: nobody hears that it is refused: %s", self._shown(key), error.strerror or error)
        self.remove(key)

    def _leave(self, key: str, error: OSError) -> None:
        self._left.add(key)
        log.warning("%s cannot be taken away: %s", self._shown(key), error.strerror or error)

    def refuse_stops(self) -> None:
        """Refuses stop commands for a session that is over, so that they do not end the next one."""
        for key in self.waiting():
            with contextlib.suppress(RunlibError):  # a file that is not a command is reported when the others are taken
                if isinstance(self.read(key), Stopping):
                    self.refuse(key, NOT_RUNNING)

    def clear(self, taken: Iterable[str], refused: Mapping[str, str]) -> None:
        """Removes the commands in ``taken``, which are durable on the tape; logs and refuses those in ``refused``."""
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
        """Removes answers that nobody fetched: the old ones, and the oldest if there are very many."""
        self._forgot = time.monotonic()
        answers = sorted(name for name in self._names() if name.endswith(ANSWER))
        with contextlib.suppress(OSError), self._opened() as inbox:
            for place, name in enumerate(answers):
                if place < len(answers) - KEPT or time.time() - inbox.stat(name).st_mtime > EXPIRED:
                    inbox.remove(name)

    def answer(self, key: str) -> str | None:
        """Returns the reason why a command was refused, and removes it; None if the command was not refused."""
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
    """Puts all waiting commands on the tape.

    Args:
        inbox: The inbox in which the commands wait.
        state: The state of the run, which ``append`` changes.
        append: A function that puts one command on the tape and applies it.

    Returns:
        The keys that may be removed once the tape is durable, and the refused keys with the reasons.
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
