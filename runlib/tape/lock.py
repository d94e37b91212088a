"""One writer: the lock of a run folder, how it passes to another, and how a writer that lost it stops.

*Who has it.* The lock is that of an open file (``flock``), so that it ends with its holder, however that dies; it
counts for the file that bears the name ``run.lock``, which runlib never deletes. Whoever takes it looks afterwards
whether its file still bears the name, and else begins anew. If somebody deletes it (a cleaner of old files), the
holder makes it again at its next look, unless another process took the lock in between: then that one has it. While it
is held the file names the holder, and it is emptied when it is given back: what stands in a free lock was left by a
holder that died, or came with a copy of the folder. A fork of the holder lets go of it at once: else it would keep the
lock when the holder is dead.

*Stealing* is for a holder that is known to be dead, while a network disk may not know it. It puts a new file, locked
and signed, in the place of the old one by one rename. Thieves come one at a time, by a file that only one of them can
make, and each takes the lock that it saw and no other.

*Fencing.* A writer asks before each append and each sync whether the lock is still its own (``check``), and stops if
it is not. What remains: a writer that is suspended exactly between the question and the write still appends that one
record when it wakes up; and where a network disk remembers names, a writer that nobody suspended may hear of its loss
as late as it allows (NFS: up to a minute). Such a record continues a place that the chain has passed: the writer that
goes on stops at it, a restore puts it aside if nothing durable follows, and else ``runlib verify`` says that two
processes wrote at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
import uuid
import weakref
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from runlib.engine import disk
from runlib.engine.descriptors import fill_standard
from runlib.engine.directory import Directory
from runlib.engine.legible import logger
from runlib.errors import FolderError, LockStolen, RunLocked
from runlib.tape.holder import Holder, read_holder, refusal
from runlib.tape.mounts import on_network

__all__ = ["FolderLock", "Holder"]

NAME = "run.lock"
CLAIM = "run.lock.new"  # the lock of a thief, until it bears the name
STALE = 60.0  # seconds after which that is of a thief that died

log = logger()

Looks = tuple[int, int, int, int]


class FolderLock:
    """The right to write to a run, from its making until ``release``.

    Args:
        folder: Of the run.
        steal: Take it also from a holder that seems to have it. It must be dead, or what both write is a mess.

    Raises:
        RunLocked: Another process has it, or may have it; the message names it.
        FolderError: The folder cannot be written.
    """

    def __init__(self, folder: Path, *, steal: bool = False) -> None:
        self._fd: int | None = None
        self._directory: Directory | None = None
        self._pid = os.getpid()
        self._signed: tuple[Holder, Looks] | None = None
        _known.add(self)
        fill_standard()  # whoever writes has these, or a stray print could go into what is opened
        try:
            self._take(folder, steal)
        except OSError as error:
            self._close()
            reason = error.strerror or str(error)
            raise FolderError(f"{folder} cannot be written: {reason}; check it out to read it", folder) from error
        except BaseException:
            self._close()
            raise

    @property
    def directory(self) -> Directory:
        """The folder: everything of the run is written relative to this one descriptor, as long as the lock is held.

        Raises:
            ValueError: The lock was released.
        """
        if self._directory is None:
            raise ValueError("the lock was released")
        return self._directory

    def _take(self, folder: Path, steal: bool) -> None:
        self._directory = Directory(folder)
        self._fd, free = _open_named(self._directory)
        left, network = read_holder(self._fd), on_network(folder)
        if free and not (network and left is not None and not left.is_here):
            _warn_of_copy(folder, self._fd, left)
            if os.fstat(self._fd).st_nlink > 1:  # what else bears a name of this file is not to be written to
                self._supersede(left, network)
            else:
                self._sign(self._fd, network)
        elif steal:
            self._supersede(left, network)
            log.warning("the lock of %s was taken from %s", folder, left or "a process that did not say its name")
        else:
            raise RunLocked(refusal(folder, left, free), folder)

    def _sign(self, fd: int, network: bool) -> None:
        inode = os.fstat(fd).st_ino
        holder = Holder(socket.gethostname(), self._pid, time.strftime("%Y-%m-%d %H:%M:%S"), uuid.uuid4().hex, inode)
        disk.current.truncate(fd, 0)
        disk.write_all(fd, json.dumps(asdict(holder)).encode() + b"\n")
        if network:  # or the other machines would not see it before long
            disk.current.sync(fd)
        self._signed = holder, _looks(os.fstat(fd))

    def _supersede(self, left: Holder | None, network: bool) -> None:
        """Put a new file, locked and signed, in the place of the one that is open."""
        directory, seen = self.directory, self._fd
        fd = _open_claim(directory)
        try:
            if seen is None or not disk.current.lock(fd):
                raise RunLocked(_changing(directory.path), directory.path)
            self._sign(fd, network)
            if not _bears(seen, directory, NAME) or read_holder(seen) != left or not _bears(fd, directory, CLAIM):
                raise _locked_by_another(directory)
            directory.move(CLAIM, NAME)
        except BaseException:
            self._signed = None
            _withdraw(fd, directory)
            raise
        self._fd = fd
        disk.current.close(seen)
        if not _bears(fd, directory, NAME):
            raise _locked_by_another(directory)

    def check(self, tape: Path) -> None:
        """Make sure that the lock is still this one's; it costs one look at the folder.

        Args:
            tape: Of the run, for the error.

        Raises:
            LockStolen: Another process took it over; the message names it.
            ValueError: It was released.
        """
        if self._signed is None or self._directory is None:
            raise ValueError(f"the lock of {tape.parent} was released")
        holder, looks = self._signed
        try:
            found = self._directory.stat(NAME)
        except FileNotFoundError:
            self._make_again(tape, holder)
            return
        if _looks(found) != looks:
            self._look_closer(tape, holder, found)

    def _make_again(self, tape: Path, holder: Holder) -> None:
        """Somebody took the file away: make it again, unless another process did so and has its lock."""
        try:
            fd = self.directory.open(NAME, os.O_RDWR | os.O_CREAT | os.O_EXCL)
            with _closed_on_error(fd):
                self._take_made(tape, fd, holder)
        except FileExistsError:
            self._look_closer(tape, holder, self.directory.stat(NAME))
        except FileNotFoundError:
            return  # the folder is gone with all that is in it, so that nobody can take the lock: the tape is missed
        except OSError as error:
            if not disk.is_full(error):
                raise _lost(tape) from error
            # Without room nobody else can sign it either; this is tried again at the next look.

    def _take_made(self, tape: Path, fd: int, holder: Holder) -> None:
        if not disk.current.lock(fd) or not _bears(fd, self.directory, NAME):
            self._look_closer(tape, holder, self.directory.stat(NAME))
            raise _lost(tape)
        try:
            self._sign(fd, on_network(tape.parent))
        except OSError:
            self.directory.take_away(NAME)
            raise
        if self._fd is not None:
            disk.current.close(self._fd)
        self._fd = fd
        log.warning("%s had lost its file %s, which is made again", tape.parent, NAME)

    def _look_closer(self, tape: Path, holder: Holder, found: os.stat_result) -> None:
        """The file was changed or is another; who signed it counts, as not every disk keeps the numbers of files."""
        now = self._read_named()
        if now == holder:
            self._signed = holder, _looks(found)
        elif now is not None or found.st_ino != holder.file:
            who = now or "another process (which has not yet said its name, or is done)"
            raise LockStolen(
                f"{tape.parent} was taken over by {who}: this process stops and writes nothing more to it", path=tape
            )

    def _read_named(self) -> Holder | None:
        return _read_file(self.directory)

    def release(self) -> None:
        """Let another write; a second call does nothing."""
        if self._fd is not None and self._signed is not None and os.getpid() == self._pid:
            with contextlib.suppress(OSError):  # the text is for later; the lock ends anyway
                disk.current.truncate(self._fd, 0)
        self._close()

    def _close(self) -> None:
        fd, self._fd = self._fd, None
        directory, self._directory = self._directory, None
        self._signed = None
        if directory is not None:
            directory.close()
        if fd is not None:
            disk.current.close(fd)


_known: weakref.WeakSet[FolderLock] = weakref.WeakSet()


def _leave_to_parent() -> None:
    """In a forked child: closing there ends nothing, as the lock is that of the file which the parent has open."""
    for lock in list(_known):
        lock._close()


os.register_at_fork(after_in_child=_leave_to_parent)


# -- files ----------------------------------------------------------------------------------------


def _open_named(directory: Directory) -> tuple[int, bool]:
    """The file that bears the name, and whether its lock was free, and is ours now."""
    for _ in range(100):
        fd = directory.open(NAME, os.O_RDWR | os.O_CREAT)
        with _closed_on_error(fd):
            free = disk.current.lock(fd)
            if _bears(fd, directory, NAME):
                return fd, free
        disk.current.close(fd)
    raise RunLocked(_changing(directory.path), directory.path)


def _open_claim(directory: Directory) -> int:
    """The file that only one thief can make."""
    for _ in range(2):
        try:
            return directory.open(CLAIM, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        except FileExistsError:
            _clear_stale(directory)
    raise RunLocked(_changing(directory.path), directory.path)


def _clear_stale(directory: Directory) -> None:
    """Take away what a thief left that died in the middle of it."""
    with contextlib.suppress(FileNotFoundError):
        fd = directory.open(CLAIM, os.O_RDWR)
        try:
            is_old = time.time() - os.fstat(fd).st_mtime > STALE
            if is_old and disk.current.lock(fd) and _bears(fd, directory, CLAIM):
                directory.take_away(CLAIM)
        finally:
            disk.current.close(fd)


def _withdraw(fd: int, directory: Directory) -> None:
    try:
        if _bears(fd, directory, CLAIM):
            directory.take_away(CLAIM)
    finally:
        disk.current.close(fd)


@contextlib.contextmanager
def _closed_on_error(fd: int) -> Iterator[None]:
    try:
        yield
    except BaseException:
        disk.current.close(fd)
        raise


def _bears(fd: int, directory: Directory, name: str) -> bool:
    """Whether an open file is the one that bears a name."""
    try:
        return os.path.samestat(os.fstat(fd), directory.stat(name))
    except FileNotFoundError:
        return False


def _looks(found: os.stat_result) -> Looks:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _read_file(directory: Directory) -> Holder | None:
    with contextlib.suppress(OSError), directory.open_to_read(NAME) as file:
        return read_holder(file.fileno())
    return None


# -- sentences ------------------------------------------------------------------------------------


def _locked_by_another(directory: Directory) -> RunLocked:
    return RunLocked(refusal(directory.path, _read_file(directory), free=False), directory.path)


def _lost(tape: Path) -> LockStolen:
    return LockStolen(
        f"{tape.parent} has lost its file {NAME}, so that anybody may write to it: this process stops and writes "
        "nothing more to it",
        path=tape,
    )


def _changing(folder: Path) -> str:
    return f"{folder} is being written by another process, which is just taking the lock; try again in a minute"


def _warn_of_copy(folder: Path, fd: int, left: Holder | None) -> None:
    """A lock that is free here and was left signed: by a process that died, or it is a copy of a lock that is held."""
    if left is not None and not (left.is_here and left.file == os.fstat(fd).st_ino):
        log.warning(
            "%s was copied or moved while %s was writing it, or after that died: if it still runs, the two runs go "
            "separate ways from here",
            folder,
            left,
        )
