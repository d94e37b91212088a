"""Edits a run by appending records: voids a trial, enqueues a suggestion, adds a remark, asks the run to stop.

The process that holds the lock writes. ``Inbox`` sends commands to a run from outside: it leaves a command and waits
until the writer has taken it. If no process holds the lock, it takes the lock and writes the command itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runlib.engine.arguments import KnownArguments, known_arguments
from runlib.engine.legible import logger
from runlib.errors import RunlibError, RunLocked
from runlib.run.edits.inbox import NOT_RUNNING, Edit, InboxFolder, fault, made_plain, spelled, take_all
from runlib.run.folder import opening
from runlib.run.folder.folder import RunFolder
from runlib.run.folder.opening import Opened
from runlib.run.loop.ending import write_best
from runlib.state.state import State
from runlib.tape.events import Enqueue, Note, Stopping, Void
from runlib.tape.lock import FolderLock
from runlib.tape.reader import TapeReader

__all__ = ["Editing", "Inbox", "check", "deliver_elsewhere", "empty", "write_command"]

log = logger()

PATIENCE = 5.0  # seconds, much longer than a running loop takes to accept a command
PAUSE = 0.05


@known_arguments
class Inbox(KnownArguments):
    """Sends commands to a run, whether another process writes to it or not.

    ::

        inbox = Inbox("run_brave_otter")
        inbox.enqueue({"x": 0.5})
        inbox.void(17, "the disk was full")
        inbox.stop("enough")

    Each method returns True once the command is on the tape. It returns False if the writer did not take the command
    within five seconds, because the run was prepared but does not run, or hangs. The command then stays, and is taken
    when the run continues; only a ``stop`` is withdrawn. A command that raises an error has no effect later either.

    Args:
        folder: The folder of the run.

    Raises:
        NotARun: The folder contains no tape.
        TapeFormat: The tape is one of cmlkit.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = RunFolder.find(folder)
        opening.refuse_foreign(self._folder)
        self._clock: Callable[[], float] = time.monotonic
        self._sleep: Callable[[float], None] = time.sleep

    def void(self, tid: int, reason: str = "") -> bool:
        """Voids the result of a trial and the results taken from the same evaluation; a live trial is cancelled.

        Raises:
            RunlibError: The trial does not exist, or is void already.
        """
        return self.deliver(Void(tid, reason))

    def enqueue(self, suggestion: Any) -> bool:
        """Makes the run try a suggestion before those of the search.

        Raises:
            NotPlain: The suggestion is not plain data.
        """
        return self.deliver(Enqueue(suggestion))

    def annotate(self, tid: int | None, text: str) -> bool:
        """Puts a remark on the tape, about a trial or (None) about the run.

        Raises:
            RunlibError: The trial does not exist.
        """
        return self.deliver(Note(text, tid))

    def stop(self, reason: str = "") -> bool:
        """Ends the run in order, as a signal would; a restore continues it.

        Raises:
            RunlibError: No process runs it.
        """
        return self.deliver(Stopping(reason))

    def deliver(self, event: Edit) -> bool:
        """Delivers any event as the other methods do."""
        event = check(event, opening.read(self._folder)[0])
        with self._folder.opened() as directory:  # the same folder until the end, even if it is moved
            return self._deliver(event, InboxFolder(self._folder.path, directory))

    def _deliver(self, event: Edit, inbox: InboxFolder) -> bool:
        key = inbox.put(event)
        try:
            taken = self._wait(event, key, inbox)
        except BaseException:  # also a KeyboardInterrupt of a user who does not want to wait
            inbox.remove(key)
            raise
        why = inbox.answer(key) if taken else None
        if why is not None:
            raise RunlibError(f"{self._folder.path}: {why}")
        return taken

    def _wait(self, event: Edit, key: str, inbox: InboxFolder) -> bool:
        """Waits until a process has removed the command; returns False if none did in time."""
        end = self._clock() + PATIENCE
        while inbox.has(key):
            if self._clock() > end:
                if isinstance(event, Stopping):
                    inbox.remove(key)
                return False
            try:
                lock = FolderLock(self._folder.path)
            except RunLocked:
                self._sleep(PAUSE)
            else:
                self._write(lock, event, inbox if inbox.has(key) else None)
        return True

    def _write(self, lock: FolderLock, event: Edit, inbox: InboxFolder | None) -> None:
        """Writes the waiting commands, as no other process writes; ``inbox`` is None if the command is gone."""
        try:
            if inbox is None:  # the writer took the command just before it freed the lock
                return
            if isinstance(event, Stopping):
                raise RunlibError(f"{self._folder.path}: {NOT_RUNNING}")
            state = opening.make_state(TapeReader(self._folder.tape).metadata, self._folder.tape)
            end = opening.catch_up(self._folder, state, None, False)
            opened = opening.open_for_writing(self._folder, lock, end, "always")
            try:
                empty(inbox, state, opened)
            finally:
                opened.close()
        finally:
            lock.release()


class Editing:
    """Provides the edits of an open run: each method appends one record, which is applied at once.

    While ``run()`` runs, its loop writes the record within a second. If another process writes to the run, that process
    writes the record.
    """

    def void(self, tid: int, reason: str = "") -> None:
        """Makes the result of a trial count no more: for the best, stops, reuse and the search, which forgets it.

        The results that were taken from the same evaluation are voided too. A live trial is cancelled.

        Raises:
            RunlibError: The trial does not exist, or is void already.
            ReadOnlyRun: This is a checked-out run.
        """
        self._edit(Void(tid, reason))

    def annotate(self, tid: int | None, text: str) -> None:
        """Puts a remark on the tape, about a trial or (None) about the run; ``state.notes`` holds all remarks.

        Raises:
            RunlibError: The trial does not exist.
            ReadOnlyRun: This is a checked-out run.
        """
        self._edit(Note(text, tid))

    def enqueue(self, suggestion: Any) -> None:
        """Makes the run try a suggestion before those of the search, which adopts it.

        Raises:
            NotPlain: The suggestion is not plain data.
            ReadOnlyRun: This is a checked-out run.
        """
        self._edit(Enqueue(suggestion))

    def _ask_to_stop(self, reason: str) -> None:
        self._edit(Stopping(reason))

    def _edit(self, event: Edit) -> None:
        raise NotImplementedError


def deliver_elsewhere(event: Edit, folder: RunFolder) -> None:
    """Sends an event to the process that writes to a run.

    Raises:
        RunlibError: The event cannot have an effect, or it is a stop and the process does not respond.
    """
    if Inbox(folder.path).deliver(event):
        return
    if isinstance(event, Stopping):
        raise RunlibError(f"{folder.path}: the process that holds it did not listen; it was not stopped")
    log.warning("the process that holds %s did not take it yet; it does so when the run goes on", folder.path)


def check(event: Edit, state: State) -> Edit:
    """Returns the event with its suggestion as plain data, in the spelling of the run's search.

    Raises:
        NotPlain: The suggestion is not plain data.
        RunlibError: The event cannot have an effect on the run in its present state.
    """
    event = spelled(made_plain(event), state)
    why = fault(event, state)
    if why is not None:
        raise RunlibError(why)
    return event


def empty(inbox: InboxFolder, state: State, opened: Opened) -> None:
    """Puts the waiting commands on the tape; for use while no loop runs."""
    taken, refused = take_all(inbox, state, lambda event: write_command(opened, state, event))
    inbox.clear(taken, refused)


def write_command(opened: Opened, state: State, event: Edit) -> None:
    """Appends an event, applies it, and makes it durable.

    After a void, it also rewrites the files of the best suggestions that an earlier session left.
    """
    record = opened.tape.append(event)
    state.apply(record)
    opened.unseen.append(record)
    opened.tape.commit()
    folder = RunFolder(opened.tape.path.parent, opened.lock.directory)
    if isinstance(event, Void) and folder.suggestion(0).exists():
        try:
            write_best(state, folder)
        except OSError as error:
            log.error("the best suggestions could not be written: %s", error)
