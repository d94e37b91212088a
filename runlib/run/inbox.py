"""The inbox of a run: how people and other processes speak to whoever writes its tape.

A command is one file that appears whole, named by the time and by who wrote it; its name is its key. The writer takes
commands in the order of their names, puts each on the tape with its key, and takes the file away once that is durable.
A command that is found again after a crash is known by its key, and has no second effect.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from runlib.engine import disk
from runlib.engine.canonical import NotPlain, dump, load, plain
from runlib.engine.shape import shaped
from runlib.errors import ConfigError, FolderError, RunlibError, TapeFormat
from runlib.state.state import State
from runlib.tape.events import EDITS, Enqueue, Note, Stopping, Void, event_from_data, event_to_data

__all__ = ["NOT_RUNNING", "Edit", "InboxFolder", "fault", "made_plain", "spelled", "take_all"]

log = logging.getLogger("runlib")

Edit = Void | Enqueue | Note | Stopping
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
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "inbox"
        self._left: set[str] = set()  # dealt with, but the disk does not let go of them

    def put(self, event: Edit) -> str:
        """Leave a command, durably; returns its key.

        Raises:
            FolderError: The disk refused it.
        """
        key = f"{time.time_ns():020d}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        try:
            disk.make_folder(self.path, durable=True)
            disk.replace_file(self._file(key), dump(event_to_data(event)), durable=True)
        except OSError as error:
            reason = error.strerror or str(error)
            raise FolderError(f"{self.path} cannot be written: {reason}", self.path) from error
        return key

    def waiting(self) -> list[str]:
        """The keys of all commands, in the order in which they were left."""
        try:
            names = os.listdir(self.path)
        except OSError:
            return []
        keys = sorted(name[:-5] for name in names if name.endswith(".json") and not name.startswith("."))
        return [key for key in keys if key not in self._left]

    def has(self, key: str) -> bool:
        """Whether a command still waits."""
        return self._file(key).exists()

    def read(self, key: str) -> Edit:
        """A command.

        Raises:
            RunlibError: It is none.
        """
        try:
            key.encode()  # a name that is no text can stand nowhere
            data: Any = load(self._file(key).read_bytes())
            kind, body = next(iter(data.items()))
            event = event_from_data(kind, {**body, "key": key}, data.get("shape"))
        except (OSError, ValueError, TypeError, AttributeError, StopIteration, TapeFormat) as error:
            raise RunlibError(f"{self._shown(key)} is no command: {error}") from error
        if not isinstance(event, EDITS):
            raise RunlibError(f"{self._shown(key)} is no command: {kind!r} is nothing that people may write")
        return event

    def remove(self, key: str) -> None:
        """Take a command away that had its effect, or is not to have one."""
        try:
            disk.current.unlink(self._file(key))
        except FileNotFoundError:
            return
        except OSError as error:
            self._leave(key, error)

    def refuse(self, key: str, why: str) -> None:
        """Take a command away that cannot have an effect, leaving word for who waits for it."""
        try:
            disk.replace_file(self._answer(key), why.encode("utf-8", "backslashreplace"))
        except OSError as error:  # also a disk without room: that is no reason for a run to end
            self._leave(key, error)
        else:
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
        for key, why in refused.items():
            log.warning("a command in the inbox is refused: %s", why)
            self.refuse(key, why)

    def answer(self, key: str) -> str | None:
        """Why a command was refused, said once; None if it was not."""
        try:
            why = self._answer(key).read_text()
            disk.current.unlink(self._answer(key))
        except FileNotFoundError:
            return None
        return why

    def _file(self, key: str) -> Path:
        return self.path / f"{key}.json"

    def _shown(self, key: str) -> str:
        return str(self._file(key)).encode("utf-8", "backslashreplace").decode()

    def _answer(self, key: str) -> Path:
        return self.path / f"{key}.refused"


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
