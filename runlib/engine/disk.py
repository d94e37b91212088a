"""Every change to a disk goes through this module.

``Disk`` holds the primitive operations, one method for one system call; ``current`` is the one in use, and a test
may put another in its place (``use``) that records, refuses or forgets. The functions below it are what the
rest of the package calls: exclusive creation, atomic replacement, appending, syncing, locking.

Where a function takes ``at``, that is the descriptor of the directory in which the last part of ``path`` is looked
for, whatever the rest of ``path`` leads to now; ``directory.py`` has the descriptors. No link is followed at the end of
a path that is written to.

A write is durable when the data is synced *and*, for a new or replaced name, its folder is. A failed sync is
never retried on the same descriptor: the kernel may have dropped the data and say yes the next time. That goes for
every error of a sync, while a write that finds no room (``DiskFull``) may be gone on with where it stopped.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeGuard

from runlib.engine.descriptors import move_up

__all__ = [
    "AppendFile",
    "Disk",
    "DiskFull",
    "SyncFailed",
    "create_file",
    "is_full",
    "make_folder",
    "move_folder",
    "open_output",
    "replace_file",
    "sync_folder",
    "use",
    "write_all",
]


class Disk:
    """The operating system's disk."""

    def open(self, path: Path, flags: int, at: int | None = None) -> int:
        """A descriptor that no child process inherits, and that nobody writes to by mistake."""
        return move_up(os.open(_name(path, at), flags | os.O_CLOEXEC, 0o666, dir_fd=at))

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """Write some of ``data``; returns how many bytes were taken."""
        return os.write(fd, data)

    def sync(self, fd: int) -> None:
        """Force the data of a file down to the device."""
        if sys.platform == "darwin":
            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
        else:
            os.fdatasync(fd)

    def sync_folder(self, path: Path, at: int | None = None) -> None:
        """Force the names in a folder down to the device; ``at`` is the folder itself."""
        if at is not None:
            os.fsync(at)
            return
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def truncate(self, fd: int, size: int) -> None:
        """Cut a file off after ``size`` bytes."""
        os.ftruncate(fd, size)

    def replace(self, source: Path, target: Path, at: int | None = None) -> None:
        """Give ``source`` the name ``target``, atomically; with ``at`` both are in that directory."""
        os.replace(_name(source, at), _name(target, at), src_dir_fd=at, dst_dir_fd=at)

    def rename_folder(self, source: Path, target: Path) -> None:
        """Give a folder its final name; an error if something is there."""
        os.rename(source, target)

    def mkdir(self, path: Path, at: int | None = None) -> None:
        """Make one folder; an error if it is there."""
        os.mkdir(_name(path, at), dir_fd=at)

    def unlink(self, path: Path, at: int | None = None) -> None:
        """Take a name away."""
        os.unlink(_name(path, at), dir_fd=at)

    def rmdir(self, path: Path, at: int | None = None) -> None:
        """Remove an empty folder."""
        os.rmdir(_name(path, at), dir_fd=at)

    def lock(self, fd: int) -> bool:
        """Take the lock of an open file, which ends with its holder; False if another has it."""
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self, fd: int) -> None:
        """Give a descriptor back."""
        os.close(fd)


def _name(path: Path, at: int | None) -> Path | str:
    return path if at is None else path.name


current = Disk()


@contextlib.contextmanager
def use(disk: Disk) -> Iterator[Disk]:
    """Put another disk in place of the real one, for a test."""
    global current
    previous, current = current, disk
    try:
        yield disk
    finally:
        current = previous


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class DiskFull(OSError):
    """A write found no room, or no more quota.

    Attributes:
        taken: How many bytes of it were taken before.
    """

    def __init__(self, code: int, text: str, taken: int) -> None:
        super().__init__(code, text)
        self.taken = taken


class SyncFailed(OSError):
    """A sync failed, whatever the reason: what it was to force down is not durable, and asking again proves nothing."""


def is_full(error: BaseException) -> TypeGuard[OSError]:
    """Whether an operation failed for want of room alone, so that it may be tried again when there is some."""
    return isinstance(error, OSError) and error.errno in _FULL and not isinstance(error, SyncFailed)


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Write all of ``data``, going on after a short write.

    Raises:
        DiskFull: There is no room for all of it; it says how much was taken.
    """
    view = memoryview(data)
    while len(view):
        try:
            view = view[current.write(fd, view) :]
        except OSError as error:
            if error.errno in _FULL:
                raise DiskFull(error.errno, os.strerror(error.errno), len(data) - len(view)) from error
            raise


@contextlib.contextmanager
def _syncing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SyncFailed(error.errno, error.strerror, error.filename) from error


class AppendFile:
    """A file that only grows, through one unbuffered descriptor.

    Args:
        path: Of the file.
        create: Make it if it is not there.
        fd: A descriptor of it, if it is open already; it is closed with this.
    """

    def __init__(self, path: Path, create: bool = False, fd: int | None = None) -> None:
        self.path = path
        flags = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | (os.O_CREAT if create else 0)
        self._fd: int | None = current.open(path, flags) if fd is None else fd

    @property
    def fd(self) -> int:
        """The descriptor.

        Raises:
            ValueError: The file is closed.
        """
        if self._fd is None:
            raise ValueError(f"{self.path} is closed")
        return self._fd

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._fd is None

    def append(self, data: bytes | memoryview) -> None:
        """Add bytes at the end, in one call unless the system takes them in parts.

        Raises:
            DiskFull: There is no room for all of them; it says how many were taken.
        """
        write_all(self.fd, data)

    def sync(self) -> None:
        """Make everything appended so far durable.

        Raises:
            SyncFailed: It may not be, and this descriptor is no good any more.
        """
        with _syncing():
            current.sync(self.fd)

    def stat(self) -> os.stat_result:
        """What the system knows of the open file, whatever bears its name now."""
        return os.fstat(self.fd)

    def size(self) -> int:
        """How many bytes the file has, whoever wrote them."""
        return self.stat().st_size

    def read(self, offset: int, size: int) -> bytes:
        """At most ``size`` bytes from ``offset`` on."""
        return os.pread(self.fd, size, offset)

    def cut(self, size: int) -> None:
        """Drop what lies after ``size`` bytes."""
        current.truncate(self.fd, size)

    def close(self) -> None:
        """Give the descriptor back; a second call does nothing."""
        if self._fd is not None:
            current.close(self._fd)
            self._fd = None


def _discard(path: Path, at: int | None) -> None:
    """Take away what was not finished; the error that is being told matters more than one from here."""
    with contextlib.suppress(OSError):
        current.unlink(path, at)


def create_file(path: Path, data: bytes | Iterable[bytes], durable: bool = True, at: int | None = None) -> None:
    """Make a new file with these bytes; if the disk refuses them, there is no file.

    Args:
        path: Of the file.
        data: Its bytes, in one piece or in several.
        durable: Whether the file and its name survive a power loss.
        at: The directory.

    Raises:
        FileExistsError: A file of that name is there.
    """
    fd = current.open(path, _NEW, at)
    try:
        for part in (data,) if isinstance(data, bytes) else data:
            write_all(fd, part)
        if durable:
            with _syncing():
                current.sync(fd)
    except BaseException:
        _discard(path, at)
        raise
    finally:
        current.close(fd)
    if durable:
        sync_folder(path.parent, at)


_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL  # no link is followed with O_EXCL


def replace_file(path: Path, data: bytes, durable: bool = False, at: int | None = None) -> None:
    """Make ``path`` hold these bytes: a reader sees the old content or the new, never a part.

    Without ``durable`` a power loss may bring the old content back.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    fd = _open_temporary(temporary, at)
    try:
        try:
            write_all(fd, data)
            if durable:
                with _syncing():
                    current.sync(fd)
        finally:
            current.close(fd)
        current.replace(temporary, path, at)
    except BaseException:
        _discard(temporary, at)
        raise
    if durable:
        sync_folder(path.parent, at)


def _open_temporary(path: Path, at: int | None) -> int:
    """A new file; what bears the name was left by a process that is dead, as no other thread has this name."""
    try:
        return current.open(path, _NEW, at)
    except FileExistsError:
        current.unlink(path, at)
        return current.open(path, _NEW, at)


def make_folder(path: Path, durable: bool = False) -> None:
    """Make a folder and its missing parents; one that is there is no trouble."""
    if path.is_dir():
        return
    make_folder(path.parent, durable)
    with contextlib.suppress(FileExistsError):
        current.mkdir(path)
    if durable:
        sync_folder(path.parent)


def move_folder(source: Path, target: Path) -> None:
    """Give a folder that was made whole its final name, durably.

    Raises:
        FileExistsError: Something of that name is there.
        SyncFailed: It has its name, which a power loss may take away.
    """
    if os.path.lexists(target):
        raise FileExistsError(f"{target} exists")
    try:
        current.rename_folder(source, target)
    except OSError as error:
        # A folder that somebody else made between the check and here is not empty, so the system refuses.
        if os.path.lexists(target):
            raise FileExistsError(f"{target} exists") from error
        raise
    sync_folder(target.parent)


def sync_folder(path: Path, at: int | None = None) -> None:
    """Make the names in a folder durable; ``at`` is the folder itself, if it is open.

    Raises:
        SyncFailed: They may not be.
    """
    with _syncing():
        current.sync_folder(path, at)


def open_output(path: Path, at: int | None = None) -> int:
    """A descriptor that appends to ``path``, for the output of a trial."""
    return current.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, at)
