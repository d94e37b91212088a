"""Editing a run by appending: a trial is voided, a suggestion enqueued, a remark made, the run asked to stop.

Whoever holds the lock writes. ``Inbox`` speaks to a run from outside: it leaves a command and waits until the writer
has taken it; where nobody writes, it takes the lock and puts the command on the tape itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runlib.errors import RunlibError, RunLocked
from runlib.run import opening
from runlib.run.folder import RunFolder
from runlib.run.inbox import Edit, InboxFolder, fault, made_plain, take_all
from runlib.run.opening import Opened
from runlib.state.state import State
from runlib.tape.events import Enqueue, Note, Stopping, Void
from runlib.tape.lock import FolderLock
from runlib.tape.reader import Position

__all__ = ["Editing", "Inbox", "check", "edit_closed", "empty", "write_commands"]

PATIENCE = 5.0  # seconds in which a writer that runs its loop has long taken a command
PAUSE = 0.05


class Inbox:
    """Speaks to a run, whoever writes to it, or nobody.

    ::

        inbox = Inbox("run_brave_otter")
        inbox.enqueue({"x": 0.5})
        inbox.void(17, "the disk was full")
        inbox.stop("enough")

    Each method returns True once the command is on the tape. It returns False if the writer did not take it within
    five seconds (it was prepared, but does not run, or hangs): then the command stays and is taken when the run goes
    on; only ``stop`` is taken back.

    Args:
        folder: Of the run.

    Raises:
        NotARun: No tape lies in the folder.
        TapeFormat: It is a tape of cmlkit.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = RunFolder.find(folder)
        opening.refuse_foreign(self._folder)
        self._inbox = InboxFolder(self._folder.path)
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
            RunlibError: It is no plain data.
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
        key = self._inbox.put(event)
        end = self._clock() + PATIENCE
        while self._inbox.has(key):
            if self._clock() > end:
                return self._give_up(event, key)
            try:
                lock = FolderLock(self._folder.path)
            except RunLocked:
                self._sleep(PAUSE)
            else:
                self._write(lock, event, key)
        why = self._inbox.answer(key)
        if why is not None:
            raise RunlibError(f"{self._folder.path}: {why}")
        return True

    def _give_up(self, event: Edit, key: str) -> bool:
        if isinstance(event, Stopping):
            self._inbox.remove(key)
        return False

    def _write(self, lock: FolderLock, event: Edit, key: str) -> None:
        """Nobody writes: put on the tape what waits."""
        if isinstance(event, Stopping):
            lock.release()
            self._inbox.remove(key)
            raise RunlibError(f"{self._folder.path} is not running: there is nothing to stop")
        state = State(path=self._folder.tape)
        opened = _take(lock, self._folder, state, None)
        try:
            empty(self._inbox, state, opened)
        finally:
            opened.close()


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
            RunlibError: It is no plain data.
            ReadOnlyRun: This is a checked-out run.
        """
        self._edit(Enqueue(suggestion))

    def _ask_to_stop(self, reason: str) -> None:
        self._edit(Stopping(reason))

    def _edit(self, event: Edit) -> None:
        raise NotImplementedError


def edit_closed(event: Edit, folder: RunFolder, state: State, start: Position | None) -> Position | None:
    """Write to a run that is not open, or let who writes to it do so; returns up to where ``state`` knows it.

    Args:
        event: That was checked.
        folder: Of the run.
        state: Of the run; gets what was added meanwhile, and the event if it is written here.
        start: Up to where it knows the tape.
    """
    try:
        lock = FolderLock(folder.path)
    except RunLocked:
        Inbox(folder.path).deliver(event)
        return start
    if isinstance(event, Stopping):
        lock.release()
        raise RunlibError(f"{folder.path} is not running: there is nothing to stop")
    opened = _take(lock, folder, state, start)
    try:
        write_commands(opened, state, [event])
        return opened.tape.position
    finally:
        opened.close()


def _take(lock: FolderLock, folder: RunFolder, state: State, start: Position | None) -> Opened:
    """Bring the state up to date, and open the tape at its end; if that fails the lock is given back."""
    try:
        end = opening.catch_up(folder, state, start, False)
        return opening.take_pen(folder, lock, end, "always")
    except BaseException:
        lock.release()
        raise


def check(event: Edit, state: State) -> Edit:
    """The event, its suggestion as plain data.

    Raises:
        RunlibError: It cannot have an effect on a run as it is.
    """
    event = made_plain(event)
    why = fault(event, state)
    if why is not None:
        raise RunlibError(why)
    return event


def empty(inbox: InboxFolder, state: State, opened: Opened) -> None:
    """Put on the tape what waits, where no loop turns."""
    taken, refused = take_all(inbox, state, lambda event: write_commands(opened, state, [event]))
    inbox.clear(taken, refused)


def write_commands(opened: Opened, state: State, events: list[Edit]) -> None:
    """Append, apply and make durable."""
    for event in events:
        record = opened.tape.append(event)
        state.apply(record)
        opened.unseen.append(record)
    opened.tape.commit()
