"""The right to write to a run: taken with its lock, given back, and taken again with what was added meanwhile.

Whoever holds the lock writes; while a loop turns, it alone does, and what people want goes through the inbox. Threads
share a run: who may write is decided and acted upon under one mutex, which a loop that turns does not hold.
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
    """Of one run in this process.

    Attributes:
        opened: The tape, while it is held; None otherwise.
        turning: Whether a loop turns.

    Args:
        folder: Of the run.
        state: Of the run; kept up to date.
        sync: When what is written is made durable.
    """

    def __init__(self, folder: RunFolder, state: State, sync: Sync) -> None:
        self._folder, self._state, self._sync = folder, state, sync
        self._mutex = threading.RLock()
        self._end: Position | None = None  # up to where the state knows the tape, when it is not held
        self.opened: Opened | None = None
        self.turning = False

    @property
    def held(self) -> Opened:
        """The tape.

        Raises:
            RunlibError: It is not held.
        """
        if self.opened is None:
            raise RunlibError(f"{self._folder.path} is not open for writing")
        return self.opened

    def _inbox(self, lock: FolderLock) -> InboxFolder:
        return InboxFolder(self._folder.path, lock.directory)

    def take(self, lock: FolderLock, end: tuple[Position, Tail | None], execution: dict[str, Any]) -> None:
        """Open the tape at its end, and note who writes from here on."""
        self._end = end[0]
        opened = opening.open_for_writing(self._folder, lock, end, self._sync)
        self._inbox(lock).refuse_stops()
        try:
            opening.note_session(opened, self._state, execution)
        except BaseException:
            self._end = opened.tape.position  # the session may be on the tape, and applied
            raise
        self.opened = opened  # only now: without its lock nothing may be written

    def take_new(self, lock: FolderLock, position: Position, clock: SessionClock) -> None:
        """Hold the tape of a new run, which says already who writes."""
        self._end = position
        opened = opening.open_for_writing(self._folder, lock, (position, None), self._sync, clock)
        opened.unseen += TapeReader(self._folder.tape)
        for record in opened.unseen:
            self._state.apply(record)
        self.opened = opened

    def begin(self, execution: dict[str, Any]) -> None:
        """A loop begins to turn.

        Raises:
            RunLocked: Another process has the lock.
            RunlibError: One turns already, in another thread.
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
        """Let another write, unless a loop turns; a second call does nothing.

        Raises:
            RunlibError: A loop turns.
        """
        with self._mutex:
            self._refuse_turning("close()")
            self.give_back()

    def take_again(self, execution: dict[str, Any]) -> None:
        """The same with the lock and with what was added meanwhile, unless it is held.

        Raises:
            RunLocked: Another process has it.
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
        """Put on the tape what a person wants, or see to it that it gets there.

        Args:
            event: What is wanted.
            manual: Who writes, if the run is driven by manual.

        Raises:
            RunlibError: It cannot have an effect.
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
        """Write to a run that nobody holds, or let who holds it do so."""
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
            write_command(self.opened, self._state, check(event, self._state))  # judged by all that is known now
        finally:
            self.give_back()
            lock.release()

    def leave(self) -> None:
        """The loop turned for the last time: take the commands that came since, and give the tape back."""
        with self._mutex:
            self.turning = False
            try:
                if self.opened is not None and self.opened.tape.is_well:
                    self._take_the_rest(self.opened)
            finally:
                self.give_back()

    def _take_the_rest(self, opened: Opened) -> None:
        opened.tape.full = None  # the loop, which could wait for room, is over
        try:
            empty(self._inbox(opened.lock), self._state, opened)
        except TapeError as error:  # not in the way of what ended the loop
            log.error("commands stay in the inbox until the run goes on: %s", error)

    def give_back(self) -> None:
        """Let another write; a second call does nothing."""
        with self._mutex:
            opened, self.opened = self.opened, None
            if opened is not None:
                self._end = opened.tape.position
                opened.close()


class HoldsFolder:
    """What a run does to hold its folder, and to give it free."""

    _access: WriteAccess | None = None
    _manual: ManualDriver | None = None

    def _require_access(self) -> WriteAccess:
        if self._access is None:
            raise RunlibError("this run has no folder yet; call prepare() first")
        return self._access

    def close(self) -> None:
        """Give the folder free for another writer; a second call does nothing.

        Raises:
            RunlibError: ``run()`` turns, in another thread.
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
        # The lock and the descriptor of a run that was prepared and dropped; nothing is lost by closing late.
        if self.__dict__.get("_access") is not None:
            self.close()
