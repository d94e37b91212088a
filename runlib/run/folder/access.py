"""Manages the right to write to a run, which comes with the lock of its folder.

The process that holds the lock writes. While a loop runs, only the loop writes, and edits of the user reach it through
the inbox. Threads may share a run: one mutex guards both the decision who may write and the write itself. A running
loop does not hold this mutex.
"""

from __future__ import annotations

import threading
from typing import Any, Self

from runlib.engine.legible import logger
from runlib.errors import RunlibError, RunLocked, TapeError
from runlib.run.edits.edit import check, deliver_elsewhere, empty, write_command
from runlib.run.edits.inbox import NOT_RUNNING, Edit, InboxFolder
from runlib.run.folder import opening
from runlib.run.folder.folder import RunFolder
from runlib.run.folder.opening import Opened
from runlib.run.manual import ManualDriver
from runlib.state.state import State
from runlib.tape.clock import SessionClock
from runlib.tape.events import Stopping
from runlib.tape.lock import FolderLock
from runlib.tape.reader import Position, Tail, TapeReader
from runlib.tape.writer import Sync

__all__ = ["HoldsFolder", "WriteAccess"]

log = logger()


class WriteAccess:
    """Holds the right to write to one run in this process.

    Attributes:
        opened: The open tape while the lock is held; None otherwise.
        turning: Whether a loop is running.

    Args:
        folder: The folder of the run.
        state: The state of the run, which is kept up to date.
        sync: The rule for when written records are made durable.
    """

    def __init__(self, folder: RunFolder, state: State, sync: Sync) -> None:
        self._folder, self._state, self._sync = folder, state, sync
        self._mutex = threading.RLock()
        self._end: Position | None = None  # the end of the tape as far as the state knows it, while it is not held
        self.opened: Opened | None = None
        self.turning = False

    @property
    def held(self) -> Opened:
        """Returns the open tape.

        Raises:
            RunlibError: The tape is not open for writing.
        """
        if self.opened is None:
            raise RunlibError(f"{self._folder.path} is not open for writing")
        return self.opened

    def _inbox(self, lock: FolderLock) -> InboxFolder:
        return InboxFolder(self._folder.path, lock.directory)

    def take(self, lock: FolderLock, end: tuple[Position, Tail | None], execution: dict[str, Any]) -> None:
        """Opens the tape at its end and records this process as the writer from here on."""
        self._end = end[0]
        opened = opening.open_for_writing(self._folder, lock, end, self._sync)
        self._inbox(lock).refuse_stops()
        try:
            opening.note_session(opened, self._state, execution)
        except BaseException:
            self._end = opened.tape.position  # the session may be on the tape and applied already
            raise
        self.opened = opened  # set last, because nothing may be written without the lock

    def take_new(self, lock: FolderLock, position: Position, clock: SessionClock) -> None:
        """Opens the tape of a new run, which already records this process as its writer."""
        self._end = position
        opened = opening.open_for_writing(self._folder, lock, (position, None), self._sync, clock)
        opened.unseen += TapeReader(self._folder.tape)
        for record in opened.unseen:
            self._state.apply(record)
        self.opened = opened

    def begin(self, execution: dict[str, Any]) -> None:
        """Takes the lock for a loop and records that the loop is running.

        Raises:
            RunLocked: Another process has the lock.
            RunlibError: A loop is running already, in another thread.
        """
        with self._mutex:
            self._refuse_turning("run()")
            self.take_again(execution)
            self.turning = True

    def _refuse_turning(self, what: str) -> None:
        if self.turning:
            raise RunlibError(
                f"{self._folder.path} runs already, by another call of run() in this process, which goes on: {what} "
                "has to wait for its end; run.stop(reason) ends it in order"
            )

    def close(self) -> None:
        """Gives the lock back unless a loop is running; a second call does nothing.

        Raises:
            RunlibError: A loop is running.
        """
        with self._mutex:
            self._refuse_turning("close()")
            self.give_back()

    def take_again(self, execution: dict[str, Any]) -> None:
        """Takes the lock, reads the records that were added meanwhile, and does what ``take`` does.

        Does nothing if the lock is held.

        Raises:
            RunLocked: Another process has the lock.
        """
        with self._mutex:
            if self.opened is not None:
                return
            lock = FolderLock(self._folder.path)
            try:
                self.take(lock, opening.catch_up(self._folder, self._state, self._end, False), execution)
            except BaseException:
                lock.release()
                raise

    def edit(self, event: Edit, manual: ManualDriver | None = None) -> None:
        """Puts an edit of the user on the tape, or hands it to the process that writes.

        Args:
            event: The edit.
            manual: The driver that writes, if the run is driven by hand.

        Raises:
            RunlibError: The edit cannot have an effect.
        """
        with self._mutex:
            if self.turning:
                self._inbox(self.held.lock).put(check(event, self._state))
            elif manual is not None:
                manual.edit(check(event, self._state))
            elif self.opened is None:
                self._edit_closed(event)
            elif isinstance(event, Stopping):
                raise self._nothing_to_stop()
            else:
                write_command(self.opened, self._state, check(event, self._state))

    def _nothing_to_stop(self) -> RunlibError:
        return RunlibError(f"{self._folder.path}: {NOT_RUNNING}")

    def _edit_closed(self, event: Edit) -> None:
        """Writes an edit to a run whose lock is free, or hands it to the process that holds the lock."""
        try:
            lock = FolderLock(self._folder.path)
        except RunLocked:
            deliver_elsewhere(event, self._folder)
            return
        try:
            if isinstance(event, Stopping):
                raise self._nothing_to_stop()
            end = opening.catch_up(self._folder, self._state, self._end, False)
            self._end = end[0]
            self.opened = opening.open_for_writing(self._folder, lock, end, "always")
            write_command(self.opened, self._state, check(event, self._state))  # checked against the records just read
        finally:
            self.give_back()
            lock.release()

    def leave(self) -> None:
        """Ends the loop: takes the commands that arrived since its last look into the inbox, and frees the lock."""
        with self._mutex:
            self.turning = False
            try:
                if self.opened is not None and self.opened.tape.is_well:
                    self._take_the_rest(self.opened)
            finally:
                self.give_back()

    def _take_the_rest(self, opened: Opened) -> None:
        opened.tape.full = None  # the loop is over, and only the loop can wait for free space
        try:
            empty(self._inbox(opened.lock), self._state, opened)
        except TapeError as error:  # this error must not hide the one that ended the loop
            log.error("commands stay in the inbox until the run goes on: %s", error)

    def give_back(self) -> None:
        """Closes the tape and gives the lock back; a second call does nothing."""
        with self._mutex:
            opened, self.opened = self.opened, None
            if opened is not None:
                self._end = opened.tape.position
                opened.close()


class HoldsFolder:
    """Lets a run hold its folder and give it back."""

    _access: WriteAccess | None = None
    _manual: ManualDriver | None = None

    def _require_access(self) -> WriteAccess:
        if self._access is None:
            raise RunlibError("this run has no folder yet; call prepare() first")
        return self._access

    def close(self) -> None:
        """Gives the folder back for another writer; a second call does nothing.

        Raises:
            RunlibError: ``run()`` is running in another thread.
        """
        manual, self._manual = self._manual, None
        try:
            if manual is not None:
                manual.close()
        finally:
            if self._access is not None:
                self._access.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        # Frees the lock and the descriptor of a run that was prepared and then dropped; closing late loses nothing.
        if self.__dict__.get("_access") is not None:
            self.close()
