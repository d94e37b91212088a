"""Defines the paths in the folder of a run, and makes such folders.

A run folder is made completely under a temporary name, synced, and then renamed. So a folder with the name of a run
always contains a readable tape. A name that is taken is never shared. The temporary name identifies the process that
makes the folder, so that the folder of a dead process can be recognised and removed (``leftovers.py``).

While a run is held for writing, runlib writes to its folder through one open descriptor, even if the folder is moved.
Trials write by path and cannot follow, so a run whose folder was moved ends in order (``refuse_moved``).
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shlex
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runlib.engine import disk
from runlib.engine.directory import Directory
from runlib.engine.legible import shell_word
from runlib.engine.names import check_name, random_name
from runlib.errors import FolderError, FolderExists, FolderMoved, NotARun
from runlib.run.folder.leftovers import PREFIX, remove_leftovers, temporary_name
from runlib.tape.events import Event
from runlib.tape.lock import FolderLock
from runlib.tape.reader import Position
from runlib.tape.writer import Sync, create_tape

__all__ = ["RETURNED", "Files", "RunFolder", "absolute", "discard", "file_parts", "filled", "publish"]

RESUME = ", or go on with that run: prepare(resume=True), or runlib run --resume"
RETURNED = "returned-"  # the prefix of files that hold bytes of a result
_FILE = re.compile(rf"trials/(0|[1-9][0-9]{{0,18}})/(result\.json|{RETURNED}[A-Za-z0-9_.-]{{1,80}})")
Files = Iterable[tuple[str, bytes]]


@dataclass(frozen=True)
class RunFolder:
    """Provides every path of a run.

    Attributes:
        path: The absolute path of the folder.
        directory: An open descriptor of the folder while the run is held for writing; None otherwise.
    """

    path: Path
    directory: Directory | None = field(default=None, compare=False, repr=False)

    @contextlib.contextmanager
    def opened(self) -> Iterator[Directory]:
        """Yields the descriptor that is held, or opens one for the duration of the context."""
        if self.directory is not None:
            yield self.directory
        else:
            with Directory(self.path) as directory:
                yield directory

    def refuse_moved(self) -> None:
        """Checks that the path still leads to the folder that is held.

        Raises:
            FolderMoved: The path leads elsewhere.
        """
        if self.directory is None or self.directory.is_at_path():
            return
        place = self.directory.find()
        where = "moved to a place that is not known" if place is None else f"moved to {place}"
        raise FolderMoved(
            f"{self.path} was {where} while it was written, and trials write there by path: the run ended in order, "
            "and what still ran stays live; restore it in its new place",
            self.path,
            place,
        )

    @property
    def name(self) -> str:
        """Returns the name of the run, which is the name of the folder without ``run_``."""
        return self.path.name.removeprefix(PREFIX)

    @property
    def tape(self) -> Path:
        """Returns the path of the tape."""
        return self.path / "tape.son"

    def trial(self, tid: int) -> Path:
        """Returns the path of the folder for the files of a trial, which is made when needed."""
        return self.path / "trials" / str(tid)

    def suggestion(self, rank: int, refined: bool = False) -> Path:
        """Returns the path of one of the best suggestions, which are written at the end of a run."""
        return self.path / (f"refined_suggestion-{rank}.yml" if refined else f"suggestion-{rank}.yml")

    @classmethod
    def find(cls, folder: str | Path) -> RunFolder:
        """Returns the folder of an existing run.

        Raises:
            NotARun: The folder does not exist, or contains no tape.
        """
        path = Path(folder)
        if path.name == "tape.son" and path.is_file():
            path = path.parent
        if not path.is_dir():
            raise NotARun(f"{path} is no run: {_why_no_folder(path)}", path)
        found = cls(absolute(path))
        if not found.tape.is_file():
            raise NotARun(f"{path} is no run: there is no tape.son in it", path)
        return found

    @staticmethod
    def place(directory: str | Path, name: str) -> Path:
        """Returns the path that the folder of a run of that name has, or would have."""
        return absolute(directory) / f"{PREFIX}{name}"

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
        """Makes the folder of a new run, with a tape that holds its metadata; the folder is locked from the start.

        The session of the writer has to be on the tape before the folder gets its name. Then a restore of a run that
        was cut off continues with the same workers.

        Args:
            directory: The parent folder; missing parents are made.
            name: The name of the run; None for a random one.
            metadata: The first line of the tape.
            first: The events that the tape begins with.
            sync: The rule for durability that the writer of the tape will have.
            clock: The clock of the session that begins.

        Raises:
            FolderExists: A run of that name exists.
            FolderError: The directory cannot be written.
        """
        parent = absolute(directory)
        if name is not None:
            _refuse_taken(cls.place(parent, check_name(name)), RESUME)
        temporary = parent / temporary_name()
        with _explained(parent, RESUME):
            disk.make_folder(parent, durable=True)
            remove_leftovers(parent)
            disk.current.mkdir(temporary)
            make = functools.partial(create_tape, temporary / "tape.son", metadata, *first, sync=sync, clock=clock)
            return cls._fill(temporary, parent, name, make)

    @classmethod
    def _fill(
        cls, temporary: Path, parent: Path, name: str | None, make_tape: Callable[[], Position]
    ) -> tuple[RunFolder, FolderLock, Position]:
        lock: FolderLock | None = None
        try:
            lock = FolderLock(temporary)
            position = make_tape()
            lock.directory.path = _move_into_place(temporary, parent, name)
            return cls(lock.directory.path), lock, position
        except BaseException:
            if lock is not None:
                lock.release()
            discard(temporary)  # does nothing if the complete folder has its final name already
            raise

    @classmethod
    def publish(cls, directory: str | Path, name: str | None, tape: bytes, files: Files) -> RunFolder:
        """Makes the folder of a run that already has a history, without a lock.

        Args:
            directory: The parent folder; missing parents are made.
            name: The name of the run; None for a random one.
            tape: The bytes of the tape.
            files: The other files, each as its place in the folder and its bytes.

        Raises:
            FolderExists: A run of that name exists.
            FolderError: The directory cannot be written.
        """
        parent = absolute(directory)
        if name is not None:
            _refuse_taken(cls.place(parent, check_name(name)))
        with _explained(parent), filled(parent, tape, files) as temporary:
            return cls(_move_into_place(temporary, parent, name))


def absolute(path: str | Path) -> Path:
    """Returns the absolute path, with links resolved.

    Raises:
        FolderError: The path begins in the working folder, which was deleted.
    """
    try:
        return Path(path).resolve()
    except FileNotFoundError as error:
        raise FolderError(
            f"{path} is a path in the working folder, which was deleted: change into another folder", path
        ) from error


@contextlib.contextmanager
def _explained(parent: Path, other_way: str = "") -> Iterator[None]:
    try:
        yield
    except FolderExists as error:  # another process made the folder at the same moment
        raise FolderExists(f"{error}{other_way}", error.folder) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise FolderError(f"{parent} cannot hold a run: {reason}; give another directory", parent) from error


@contextlib.contextmanager
def filled(parent: Path, tape: bytes, files: Files) -> Iterator[Path]:
    """Makes a complete and durable folder under a temporary name, and yields its path; an error removes the folder."""
    temporary = parent / temporary_name()
    disk.make_folder(parent, durable=True)
    remove_leftovers(parent)
    disk.current.mkdir(temporary)
    try:
        with Directory(temporary) as directory:
            for name, data in files:
                _write(directory, *file_parts(name), data=data)
            directory.create("tape.son", tape)
        yield temporary
    except BaseException:
        discard(temporary)
        raise


def _write(directory: Directory, *parts: str, data: bytes) -> None:
    """Makes a file in a new folder, durable together with the folders that lead to it."""
    *folders, name = parts
    if not folders:
        directory.create(name, data)
        return
    with directory.inside(folders[0], make=True) as below:
        _write(below, *folders[1:], name, data=data)
    directory.sync()


def file_parts(name: Any) -> tuple[str, ...]:
    """Returns the parts of the path of a file that a tape names; only names of the form that runlib gives are accepted.

    Raises:
        ValueError: The name does not have this form.
    """
    if not isinstance(name, str) or not _FILE.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a file of a trial")
    return tuple(name.split("/"))


def _why_no_folder(path: Path) -> str:
    if not path.is_file():
        return "there is no such folder"
    if path.suffix == ".py":
        return f"it is a script: python {shell_word(path)} starts it; a run is the folder run_NAME that it makes"
    if path.suffix in (".yaml", ".yml", ".json"):
        return f"it is a file, with which a run is begun: runlib run {shell_word(path)}"
    return "it is a file, and a run is a folder, run_NAME"


def discard(folder: Path) -> None:
    """Removes the folder of a run that could not be completed, if it exists."""
    with contextlib.suppress(FileNotFoundError), Directory(folder.parent) as parent:
        parent.remove(folder.name)


def _refuse_taken(target: Path, other_way: str = "") -> None:
    if os.path.lexists(target):
        raise FolderExists(f"{target} exists; choose another name{other_way}", target)


def _move_into_place(temporary: Path, parent: Path, name: str | None) -> Path:
    while True:
        target = parent / (PREFIX + (name or random_name()))
        try:
            publish(temporary, target)
        except FileExistsError:
            if name is not None:
                _refuse_taken(target)
        else:
            return target


def publish(temporary: Path, target: Path) -> None:
    """Gives a completed folder its final name.

    Raises:
        FileExistsError: A file or folder of that name exists.
        FolderError: The folder has its name, but the disk did not confirm that the name is durable.
    """
    try:
        disk.move_folder(temporary, target)
    except disk.SyncFailed as error:
        raise FolderError(
            f"{target} is there and whole, but the disk failed when its name was made durable ({error.strerror}): a "
            f"power loss may take it away; check the disk, then go on with runlib restore {shlex.quote(str(target))}",
            target,
        ) from error
