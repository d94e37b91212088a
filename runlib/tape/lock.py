"""Locks a run folder, so that only one process writes to it.

The lock is held on the open file ``run.lock`` (``flock``), so it ends when its holder dies, however that happens.
runlib never deletes this file. While the lock is held, the file names the holder, and the holder empties it when it
releases the lock. Text in a free lock was therefore left by a holder that died, or it came with a copy of the folder.

A process that has taken the lock checks that its open file still has the name, and starts over if it does not. If
somebody deletes the file (a cleaner of old files), the holder creates it again at its next check. If another process
took the lock in between, that process has it. A fork of the holder closes the lock at once. Otherwise it would keep the
lock after the death of the holder.
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
CLAIM = "run.lock.new"  # the lock file of a stealing process, until it is renamed
STALE = 60.0  # seconds; an older such file was left by a process that died

log = logger()

Looks = tuple[int, int, int, int]


class FolderLock:
    """Holds the right to write to one run, from its construction until ``release``.

    Args:
        folder: The folder of the run.
        steal: Whether to take the lock from a process that seems to hold it. That process must be dead. Otherwise both
            write to the run and damage it.

    Raises:
        RunLocked: Another process holds the lock, or may hold it; the message names that process.
        FolderError: The folder cannot be written.
    """

    def __init__(self, folder: Path, *, steal: bool = False) -> None:
        self._fd: int | None = None
        self._directory: Directory | None = None
        self._pid = os.getpid()
        self._signed: tuple[Holder, Looks] | None = None
        _known.add(self)
        fill_standard()  # Otherwise a stray print could go into a file that is opened later.
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
        """Returns the open folder; while the lock is held, all files of the run are written relative to its descriptor.

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
            if os.fstat(self._fd).st_nlink > 1:  # The file has a second name, which must keep its content.
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
        if network:  # Otherwise other machines would not see it for some time.
            disk.current.sync(fd)
        self._signed = holder, _looks(os.fstat(fd))

    def _supersede(self, left: Holder | None, network: bool) -> None:
        """Puts a new lock file, which is already locked and signed, in the place of the open one by a single rename.

        This replaces a lock file that has a second name, and it steals a lock. The holder of a stolen lock must be
        dead, but a network disk may not know that it is. Only one process can steal at a time, because only one can
        create the file ``run.lock.new``. It takes only the lock that it saw before.
        """
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
        """Raises an error if another process took the lock; this costs one look at the folder.

        A writer calls this before each append and each sync. Two gaps remain. A writer that is suspended exactly
        between the check and the write still appends one record when it wakes up. On a network disk that caches names,
        a running writer may learn of its loss late (NFS: up to a minute). Such a record continues a place that the hash
        chain has passed. The other writer stops at it. A restore sets it aside if nothing durable follows it. Otherwise
        ``runlib verify`` reports that two processes wrote at once.

        Args:
            tape: The tape of the run, for the error.

        Raises:
            LockStolen: Another process took the lock; the message names that process.
            ValueError: The lock was released.
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
        """Creates the deleted lock file again, unless another process did so and holds its lock."""
        try:
            fd = self.directory.open(NAME, os.O_RDWR | os.O_CREAT | os.O_EXCL)
            with _closed_on_error(fd):
                self._take_made(tape, fd, holder)
        except FileExistsError:
            self._look_closer(tape, holder, self.directory.stat(NAME))
        except FileNotFoundError:
            # The whole folder is gone, so nobody can take the lock. The writer will notice that the tape is missing.
            return
        except OSError as error:
            if not disk.is_full(error):
                raise _lost(tape) from error
            # On a full disk nobody else can sign it either. The next check tries again.

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
        """Raises an error if another process signed or replaced the lock file, which has changed.

        The signature decides, because not every disk keeps the numbers of files.
        """
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
        """Releases the lock, so that another process can write; a second call does nothing."""
        if self._fd is not None and self._signed is not None and os.getpid() == self._pid:
            with contextlib.suppress(OSError):  # The text is only information. The lock ends anyway.
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
    """Closes the locks in a forked child; this releases none of them, because the parent has the same files open."""
    for lock in list(_known):
        lock._close()


os.register_at_fork(after_in_child=_leave_to_parent)


# -- files ----------------------------------------------------------------------------------------


def _open_named(directory: Directory) -> tuple[int, bool]:
    """Opens the file ``run.lock``; returns it, and whether its lock was free and now belongs to this process."""
    for _ in range(100):
        fd = directory.open(NAME, os.O_RDWR | os.O_CREAT)
        with _closed_on_error(fd):
            free = disk.current.lock(fd)
            if _bears(fd, directory, NAME):
                return fd, free
        disk.current.close(fd)
    raise RunLocked(_changing(directory.path), directory.path)


def _open_claim(directory: Directory) -> int:
    """Creates the file that only one stealing process can create, and returns its descriptor."""
    for _ in range(2):
        try:
            return directory.open(CLAIM, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        except FileExistsError:
            _clear_stale(directory)
    raise RunLocked(_changing(directory.path), directory.path)


def _clear_stale(directory: Directory) -> None:
    """Removes the file of a process that died while it was stealing the lock."""
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
    """Returns whether an open file is the one with this name in the folder."""
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


# -- messages -------------------------------------------------------------------------------------


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
    """Warns if a free lock is signed by another machine, or if its signature names another file.

    Then the folder is a copy of one with a held lock, or the process that signed the lock died.
    """
    if left is not None and not (left.is_here and left.file == os.fstat(fd).st_ino):
        log.warning(
            "%s was copied or moved while %s was writing it, or after that died: if it still runs, the two runs go "
            "separate ways from here",
            folder,
            left,
        )
