"""Editing a run by appending: a trial is voided, a suggestion enqueued, a remark made, the run asked to stop.

Whoever holds the lock writes. ``Inbox`` speaks to a run from outside: it leaves a command and waits until the writer
has taken it; where nobody writes, it takes the lock and puts the command on the tape itself.
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

PATIENCE = 5.0  # seconds in which a writer that runs its loop has long taken a command
PAUSE = 0.05


@known_arguments
class Inbox(KnownArguments):
    """Speaks to a run, whoever writes to it, or nobody.

    ::

        inbox = Inbox("run_brave_otter")
        inbox.enqueue({"x": 0.5})
        inbox.void(17, "the disk was full")
        inbox.stop("enough")

    Each method returns True once the command is on the tape. It returns False if the writer did not take it within
    five seconds (it was prepared, but does not run, or hangs): then the command stays and is taken when the run goes
    on; only ``stop`` is taken back. What ends with an error has no effect later either.

    Args:
        folder: Of the run.

    Raises:
        NotARun: No tape lies in the folder.
        TapeFormat: It is a tape of cmlkit.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = RunFolder.find(folder)
        opening.refuse_foreign(self._folder)
        self._clock: Callable[[], float] = time.monotonic
        self._sleep: Callable[[float], None] = time.sleep

    def void(self, tid: int, reason: str = "") -> bool:
        """The result of a trial counts no more, nor those taken from the same evaluation; a live one is cancelled.

        Raises:
            RunlibError: There is no such trial, or it is void.
        """
        return self.deliver(Void(tid, reason))

    def enqueue(self, suggestion: Any) -> bool:
        """Let a suggestion be tried before the search's own.

        Raises:
            NotPlain: It is no plain data.
        """
        return self.deliver(Enqueue(suggestion))

    def annotate(self, tid: int | None, text: str) -> bool:
        """Put a remark on the tape, about a trial or (None) about the run.

        Raises:
            RunlibError: There is no such trial.
        """
        return self.deliver(Note(text, tid))

    def stop(self, reason: str = "") -> bool:
        """Let the run end in order, as a signal would; a restore goes on.

        Raises:
            RunlibError: Nobody runs it.
        """
        return self.deliver(Stopping(reason))

    def deliver(self, event: Edit) -> bool:
        """What the other methods do, with any of their events."""
        event = check(event, opening.read(self._folder)[0])
        with self._folder.opened() as directory:  # the same one until the end, wherever it is moved
            return self._deliver(event, InboxFolder(self._folder.path, directory))

    def _deliver(self, event: Edit, inbox: InboxFolder) -> bool:
        key = inbox.put(event)
        try:
            taken = self._wait(event, key, inbox)
        except BaseException:  # also of a person who does not want to wait
            inbox.remove(key)
            raise
        why = inbox.answer(key) if taken else None
        if why is not None:
            raise RunlibError(f"{self._folder.path}: {why}")
        return taken

    def _wait(self, event: Edit, key: str, inbox: InboxFolder) -> bool:
        """Until the command was taken away, whoever does it; False if nobody did."""
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
        """Nobody writes: put on the tape what waits; no inbox if the command is gone."""
        try:
            if inbox is None:  # the writer took it as the last thing that it did
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
    """What people may do to a run that is open, or was: each method is one record, and is applied at once.

    While ``run()`` turns, the loop writes it, within a second; and where another process writes to the run, that does.
    """

    def void(self, tid: int, reason: str = "") -> None:
        """The result of a trial counts no more: for tops, stops, reuse and the search, which forgets it.

        So do the results that were taken from the same evaluation. A live trial is cancelled.

        Raises:
            RunlibError: There is no such trial, or it is void.
            ReadOnlyRun: This is a checked-out run.
        """
        self._edit(Void(tid, reason))

    def annotate(self, tid: int | None, text: str) -> None:
        """Put a remark on the tape, about a trial or (None) about the run; ``state.notes`` has them all.

        Raises:
            RunlibError: There is no such trial.
            ReadOnlyRun: This is a checked-out run.
        """
        self._edit(Note(text, tid))

    def enqueue(self, suggestion: Any) -> None:
        """Let a suggestion be tried before the search's own; the search adopts it.

        Raises:
            NotPlain: It is no plain data.
            ReadOnlyRun: This is a checked-out run.
        """
        self._edit(Enqueue(suggestion))

    def _ask_to_stop(self, reason: str) -> None:
        self._edit(Stopping(reason))

    def _edit(self, event: Edit) -> None:
        raise NotImplementedError


def deliver_elsewhere(event: Edit, folder: RunFolder) -> None:
    """Let the process that writes to a run put an event on its tape.

    Raises:
        RunlibError: It cannot have an effect, or is to stop a process that does not listen.
    """
    if Inbox(folder.path).deliver(event):
        return
    if isinstance(event, Stopping):
        raise RunlibError(f"{folder.path}: the process that holds it did not listen; it was not stopped")
    log.warning("the process that holds %s did not take it yet; it does so when the run goes on", folder.path)


def check(event: Edit, state: State) -> Edit:
    """The event, its suggestion as plain data, spelled as the search of the run would.

    Raises:
        NotPlain: The suggestion is none.
        RunlibError: It cannot have an effect on a run as it is.
    """
    event = spelled(made_plain(event), state)
    why = fault(event, state)
    if why is not None:
        raise RunlibError(why)
    return event


def empty(inbox: InboxFolder, state: State, opened: Opened) -> None:
    """Put on the tape what waits, where no loop turns."""
    taken, refused = take_all(inbox, state, lambda event: write_command(opened, state, event))
    inbox.clear(taken, refused)


def write_command(opened: Opened, state: State, event: Edit) -> None:
    """Append, apply, make durable; and what an earlier session left as the best is made to agree."""
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
