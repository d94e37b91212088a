"""The right to write to a run: taken with its lock, given back, and taken again with what was added meanwhile.

Whoever holds the lock writes; while a loop turns, it alone does, and what people want goes through the inbox.
"""

from __future__ import annotations

from typing import Any, Self

from runlib.errors import RunlibError
from runlib.run import opening
from runlib.run.edit import check, edit_closed, empty, write_commands
from runlib.run.folder import RunFolder
from runlib.run.hand import Hand
from runlib.run.inbox import Edit, InboxFolder
from runlib.run.opening import Opened
from runlib.state.state import State
from runlib.tape.lock import FolderLock
from runlib.tape.reader import Position, Tail
from runlib.tape.writer import Sync

__all__ = ["Holding", "Pen"]


class Pen:
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
        self._end: Position | None = None
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

    def take(self, lock: FolderLock, end: tuple[Position, Tail | None], scene: dict[str, Any]) -> None:
        """Open the tape at its end, and note who writes from here on."""
        opened = opening.take_pen(self._folder, lock, end, self._sync)
        opening.note_session(opened, self._state, scene)
        self.opened = opened  # only now: without its lock nothing may be written

    def take_again(self, scene: dict[str, Any]) -> None:
        """The same with the lock and with what was added meanwhile, unless it is held.

        Raises:
            RunLocked: Another process has it.
        """
        if self.opened is not None:
            return
        lock = FolderLock(self._folder.path)
        try:
            self.take(lock, opening.catch_up(self._folder, self._state, self._end, False), scene)
        except BaseException:
            lock.release()
            raise

    def edit(self, event: Edit) -> None:
        """Put on the tape what a person wants, or see to it that it gets there.

        Raises:
            RunlibError: It cannot have an effect.
        """
        event = check(event, self._state)
        if self.turning:
            InboxFolder(self._folder.path).put(event)
        elif self.opened is not None:
            write_commands(self.opened, self._state, [event])
        else:
            self._end = edit_closed(event, self._folder, self._state, self._end)

    def leave(self) -> None:
        """The loop turned for the last time: take the commands that came since, and give the tape back."""
        self.turning = False
        try:
            if self.opened is not None and self.opened.tape.is_well:
                empty(InboxFolder(self._folder.path), self._state, self.opened)
        finally:
            self.give_back()

    def give_back(self) -> None:
        """Let another write; a second call does nothing."""
        opened, self.opened = self.opened, None
        if opened is not None:
            self._end = opened.tape.position
            opened.close()


class Holding:
    """What a run does to hold its folder, and to give it free."""

    _pen: Pen | None = None
    _hand: Hand | None = None

    def _require_pen(self) -> Pen:
        if self._pen is None:
            raise RunlibError("this run has no folder yet; call prepare() first")
        return self._pen

    def close(self) -> None:
        """Give the folder free for another writer; a second call does nothing."""
        hand, self._hand = self._hand, None
        try:
            if hand is not None:
                hand.close()
        finally:
            if self._pen is not None:
                self._pen.give_back()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        # The lock and the descriptor of a run that was prepared and dropped; nothing is lost by closing late.
        if self.__dict__.get("_pen") is not None:
            self.close()
