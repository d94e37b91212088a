"""Performs every change to a disk.

``Disk`` holds the primitive operations, one method for each system call. ``current`` is the disk in use. A test may
replace it (``use``) by one that records, refuses or forgets operations. The rest of the package calls the functions
below ``Disk``: exclusive creation, atomic replacement, appending, syncing, locking.

The argument ``at`` is the descriptor of the directory in which the last part of ``path`` is looked up, wherever the
rest of ``path`` leads to by then. ``directory.py`` provides such descriptors. A link at the end of a path that is
written to is never followed.

A write is durable when its data is synced *and*, for a new or replaced name, its folder is synced too. A failed sync is
never retried on the same descriptor, since the kernel may have dropped the data and may report success the next time.
This holds for every error of a sync. In contrast, a write that finds no room (``DiskFull``) may continue later.
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
    """Calls the operating system for each operation."""

    def open(self, path: Path, flags: int, at: int | None = None) -> int:
        """Opens a file. Child processes do not inherit its descriptor, and stray writes do not hit it."""
        return move_up(os.open(_name(path, at), flags | os.O_CLOEXEC, 0o666, dir_fd=at))

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """Writes some of ``data``. Returns the number of bytes that were written."""
        return os.write(fd, data)

    def sync(self, fd: int) -> None:
        """Forces the data of a file to the device."""
        if sys.platform == "darwin":
            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
        else:
            os.fdatasync(fd)

    def sync_folder(self, path: Path, at: int | None = None) -> None:
        """Forces the names in a folder to the device. ``at`` is the descriptor of the folder itself."""
        if at is not None:
            os.fsync(at)
            return
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def truncate(self, fd: int, size: int) -> None:
        """Truncates a file to ``size`` bytes."""
        os.ftruncate(fd, size)

    def replace(self, source: Path, target: Path, at: int | None = None) -> None:
        """Renames ``source`` to ``target`` atomically. With ``at``, both are in that directory."""
        os.replace(_name(source, at), _name(target, at), src_dir_fd=at, dst_dir_fd=at)

    def rename_folder(self, source: Path, target: Path) -> None:
        """Renames a folder to its final name. Raises an error if something has that name."""
        os.rename(source, target)

    def mkdir(self, path: Path, at: int | None = None) -> None:
        """Makes one folder. Raises an error if it exists."""
        os.mkdir(_name(path, at), dir_fd=at)

    def unlink(self, path: Path, at: int | None = None) -> None:
        """Removes the name of a file."""
        os.unlink(_name(path, at), dir_fd=at)

    def rmdir(self, path: Path, at: int | None = None) -> None:
        """Removes an empty folder."""
        os.rmdir(_name(path, at), dir_fd=at)

    def lock(self, fd: int) -> bool:
        """Locks an open file until its holder ends. Returns False if another process holds the lock."""
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self, fd: int) -> None:
        """Closes a descriptor."""
        os.close(fd)


def _name(path: Path, at: int | None) -> Path | str:
    return path if at is None else path.name


current = Disk()


@contextlib.contextmanager
def use(disk: Disk) -> Iterator[Disk]:
    """Replaces the real disk by another one in the ``with`` block, for a test."""
    global current
    previous, current = current, disk
    try:
        yield disk
    finally:
        current = previous


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class DiskFull(OSError):
    """A write found no room or exceeded the quota.

    Attributes:
        taken: The number of bytes that were written before.
    """

    def __init__(self, code: int, text: str, taken: int) -> None:
        super().__init__(code, text)
        self.taken = taken


class SyncFailed(OSError):
    """A sync failed for any reason. Its data may not be durable, and a second sync would prove nothing."""


def is_full(error: BaseException) -> TypeGuard[OSError]:
    """Returns whether an operation failed only for lack of room, so that it may be retried when there is room again."""
    return isinstance(error, OSError) and error.errno in _FULL and not isinstance(error, SyncFailed)


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Writes all of ``data`` and continues after a short write.

    Raises:
        DiskFull: There is not enough room. The error has the number of bytes that were written.
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
    """Appends to a file through one unbuffered descriptor.

    Args:
        path: The path of the file.
        create: Whether to make the file if it does not exist.
        fd: The descriptor of the file if it is open already. ``close`` closes it too.
    """

    def __init__(self, path: Path, create: bool = False, fd: int | None = None) -> None:
        self.path = path
        flags = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | (os.O_CREAT if create else 0)
        self._fd: int | None = current.open(path, flags) if fd is None else fd

    @property
    def fd(self) -> int:
        """Returns the descriptor.

        Raises:
            ValueError: The file is closed.
        """
        if self._fd is None:
            raise ValueError(f"{self.path} is closed")
        return self._fd

    @property
    def is_closed(self) -> bool:
        """Returns whether the file was closed."""
        return self._fd is None

    def append(self, data: bytes | memoryview) -> None:
        """Appends bytes at the end, in one call unless the system takes them in parts.

        Raises:
            DiskFull: There is not enough room. The error has the number of bytes that were written.
        """
        write_all(self.fd, data)

    def sync(self) -> None:
        """Makes everything appended so far durable.

        Raises:
            SyncFailed: The data may not be durable, and this descriptor must not be used any more.
        """
        with _syncing():
            current.sync(self.fd)

    def stat(self) -> os.stat_result:
        """Returns the status of the open file, even if another file has its name now."""
        return os.fstat(self.fd)

    def size(self) -> int:
        """Returns the size of the file in bytes, whoever wrote them."""
        return self.stat().st_size

    def read(self, offset: int, size: int) -> bytes:
        """Returns at most ``size`` bytes from ``offset`` on."""
        return os.pread(self.fd, size, offset)

    def cut(self, size: int) -> None:
        """Truncates the file to ``size`` bytes."""
        current.truncate(self.fd, size)

    def close(self) -> None:
        """Closes the descriptor. A second call does nothing."""
        if self._fd is not None:
            current.close(self._fd)
            self._fd = None


def _discard(path: Path, at: int | None) -> None:
    """Removes an unfinished file and ignores errors, since the error being handled matters more."""
    with contextlib.suppress(OSError):
        current.unlink(path, at)


def create_file(path: Path, data: bytes | Iterable[bytes], durable: bool = True, at: int | None = None) -> None:
    """Creates a new file with these bytes. If the disk refuses them, no file is left.

    Args:
        path: The path of the file.
        data: The bytes, in one piece or in several.
        durable: Whether the file and its name must survive a power loss.
        at: The descriptor of the directory.

    Raises:
        FileExistsError: A file of that name exists.
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


_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL  # With O_EXCL, no link is followed.


def replace_file(path: Path, data: bytes, durable: bool = False, at: int | None = None) -> None:
    """Replaces the content of ``path`` by these bytes. A reader sees the old content or the new, never a part.

    Without ``durable``, a power loss may bring the old content back.
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
    """Opens a new file. An existing one is left over from a dead process, as no other thread uses this name."""
    try:
        return current.open(path, _NEW, at)
    except FileExistsError:
        current.unlink(path, at)
        return current.open(path, _NEW, at)


def make_folder(path: Path, durable: bool = False) -> None:
    """Makes a folder and its missing parents. An existing folder is no error."""
    if path.is_dir():
        return
    make_folder(path.parent, durable)
    with contextlib.suppress(FileExistsError):
        current.mkdir(path)
    if durable:
        sync_folder(path.parent)


def move_folder(source: Path, target: Path) -> None:
    """Renames a complete folder to its final name, durably.

    Raises:
        FileExistsError: Something has that name already.
        SyncFailed: The folder has its name, but a power loss may undo that.
    """
    if os.path.lexists(target):
        raise FileExistsError(f"{target} exists")
    try:
        current.rename_folder(source, target)
    except OSError as error:
        # The system refuses to replace a folder that another process made after the check, since it is not empty.
        if os.path.lexists(target):
            raise FileExistsError(f"{target} exists") from error
        raise
    sync_folder(target.parent)


def sync_folder(path: Path, at: int | None = None) -> None:
    """Makes the names in a folder durable. ``at`` is the descriptor of the folder itself, if it is open.

    Raises:
        SyncFailed: The names may not be durable.
    """
    with _syncing():
        current.sync_folder(path, at)


def open_output(path: Path, at: int | None = None) -> int:
    """Returns a descriptor that appends to ``path``, for the output of a trial."""
    return current.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, at)
