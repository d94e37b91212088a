"""The folder of a run: where everything is, and how the folder comes to be.

A run folder is made whole under another name, synced, and then renamed, so that a folder that bears the name of a run
always holds a tape that can be read. A name that is taken is never shared.
"""

from __future__ import annotations

import contextlib
import functools
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runlib.engine import disk
from runlib.engine.names import check_name, random_name
from runlib.errors import FolderError, FolderExists, NotARun
from runlib.tape.events import Event
from runlib.tape.lock import FolderLock
from runlib.tape.reader import Position
from runlib.tape.writer import Sync, create_tape

__all__ = ["Files", "RunFolder", "discard", "filled"]

PREFIX = "run_"
RESUME = ", or go on with that run: prepare(resume=True), or runlib run --resume"
Files = Iterable[tuple[str, bytes]]


@dataclass(frozen=True)
class RunFolder:
    """Every path of a run, in one place.

    Attributes:
        path: The folder itself, absolute.
    """

    path: Path

    @property
    def name(self) -> str:
        """The name of the run: that of the folder without ``run_``."""
        return self.path.name.removeprefix(PREFIX)

    @property
    def tape(self) -> Path:
        """The tape."""
        return self.path / "tape.son"

    def trial(self, tid: int) -> Path:
        """Where a trial keeps files; made when needed."""
        return self.path / "trials" / str(tid)

    def suggestion(self, rank: int, refined: bool = False) -> Path:
        """One of the best suggestions, written at the end of a run."""
        return self.path / (f"refined_suggestion-{rank}.yml" if refined else f"suggestion-{rank}.yml")

    @classmethod
    def find(cls, folder: str | Path) -> RunFolder:
        """The folder of a run that exists.

        Raises:
            NotARun: There is no such folder, or no tape in it.
        """
        path = Path(folder)
        if path.name == "tape.son" and path.is_file():
            path = path.parent
        if not path.is_dir():
            raise NotARun(f"{path} is no run: there is no such folder", path)
        found = cls(path.resolve())
        if not found.tape.is_file():
            raise NotARun(f"{path} is no run: there is no tape.son in it", path)
        return found

    @staticmethod
    def place(directory: str | Path, name: str) -> Path:
        """Where the folder of a run of that name is, or would be."""
        return Path(directory).resolve() / f"{PREFIX}{name}"

    @classmethod
    def create(
        cls,
        directory: str | Path,
        name: str | None,
        metadata: dict[str, Any],
        *first: Event,
        sync: Sync = "always",
        clock: Callable[[], float] = time.time,
    ) -> tuple[RunFolder, FolderLock, Position]:
        """Make the folder of a new run, with a tape that holds its metadata; it is locked from the start.

        Who writes, and how, has to be on the tape when the folder gets its name: whoever restores a run that was cut
        off then goes on with the same workers.

        Args:
            directory: Where; missing parents are made.
            name: Of the run; None for a random one.
            metadata: The first line of the tape.
            first: The events that the tape begins with.
            sync: As its writer will have it.
            clock: Of the session that begins.

        Raises:
            FolderExists: A run of that name is there.
            FolderError: The directory cannot be written.
        """
        parent = Path(directory).resolve()
        if name is not None:
            _refuse_taken(cls.place(parent, check_name(name)), RESUME)
        temporary = parent / f".{PREFIX}{uuid.uuid4().hex}.new"
        try:
            disk.make_folder(parent, durable=True)
            disk.current.mkdir(temporary)
            make = functools.partial(create_tape, temporary / "tape.son", metadata, *first, sync=sync, clock=clock)
            return cls._fill(temporary, parent, name, make)
        except FolderExists as error:  # made at the same moment by another process
            raise FolderExists(f"{error}{RESUME}", error.folder) from None
        except OSError as error:
            reason = error.strerror or str(error)
            raise FolderError(f"{parent} cannot hold a run: {reason}; give another directory", parent) from error

    @classmethod
    def _fill(
        cls, temporary: Path, parent: Path, name: str | None, make_tape: Callable[[], Position]
    ) -> tuple[RunFolder, FolderLock, Position]:
        lock: FolderLock | None = None
        try:
            lock = FolderLock(temporary)
            position = make_tape()
            return cls(_move_into_place(temporary, parent, name)), lock, position
        except BaseException:
            if lock is not None:
                lock.release()
            if temporary.is_dir():  # else it has its name already, and is whole
                disk.remove_folder(temporary)
            raise

    @classmethod
    def publish(cls, directory: str | Path, name: str | None, tape: bytes, files: Files) -> RunFolder:
        """Make the folder of a run that has a history; nobody holds it yet.

        Args:
            directory: Where; missing parents are made.
            name: Of the run; None for a random one.
            tape: Its bytes.
            files: The other files: place in the folder, and bytes.

        Raises:
            FolderExists: A run of that name is there.
            FolderError: The directory cannot be written.
        """
        parent = Path(directory).resolve()
        if name is not None:
            _refuse_taken(cls.place(parent, check_name(name)))
        try:
            with filled(parent, tape, files) as temporary:
                return cls(_move_into_place(temporary, parent, name))
        except OSError as error:
            reason = error.strerror or str(error)
            raise FolderError(f"{parent} cannot hold a run: {reason}; give another directory", parent) from error


@contextlib.contextmanager
def filled(parent: Path, tape: bytes, files: Files) -> Iterator[Path]:
    """A folder with another name, whole and durable; whoever does not give it its name leaves nothing behind."""
    temporary = parent / f".{PREFIX}{uuid.uuid4().hex}.new"
    disk.make_folder(parent, durable=True)
    disk.current.mkdir(temporary)
    try:
        for name, data in files:
            disk.make_folder((temporary / name).parent, durable=True)
            disk.create_file(temporary / name, data)
        disk.create_file(temporary / "tape.son", tape)
        yield temporary
    except BaseException:
        if temporary.is_dir():
            discard(temporary)
        raise


def discard(temporary: Path) -> None:
    """Take away the folder of a run that was not to be."""
    trials = temporary / "trials"
    for folder in trials.iterdir() if trials.is_dir() else ():
        disk.remove_folder(folder)
    if trials.is_dir():
        disk.current.rmdir(trials)
    disk.remove_folder(temporary)


def _refuse_taken(target: Path, other_way: str = "") -> None:
    if os.path.lexists(target):
        raise FolderExists(f"{target} exists; choose another name{other_way}", target)


def _move_into_place(temporary: Path, parent: Path, name: str | None) -> Path:
    while True:
        target = parent / (PREFIX + (name or random_name()))
        try:
            disk.move_folder(temporary, target)
        except FileExistsError:
            if name is not None:
                _refuse_taken(target)
        else:
            return target
