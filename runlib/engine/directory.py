"""Represents an open directory. Its files are read, made and replaced by its descriptor, even if it is moved meanwhile.

No link below the directory is followed. Only plain files are opened, without waiting. A link, a pipe, a device or a
socket in the place of a file raises an error that names it. The directory itself may be reached through links.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

from runlib.engine import disk
from runlib.engine.descriptors import move_up

__all__ = ["Directory", "NotPlainFile"]

_SUPPORTED = {os.open, os.mkdir, os.rename, os.rmdir, os.stat, os.unlink} <= os.supports_dir_fd
_KINDS = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_ODD = {errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EISDIR, errno.ENOTDIR, errno.ENODEV}


class NotPlainFile(OSError):
    """The name of a file or folder that is to be opened belongs to something else."""


class Directory:
    """Holds an open directory by its descriptor, which is closed by ``close`` or when the object is deleted.

    Attributes:
        path: The path of the directory when it was opened, for messages. Code that renames it sets the new path here.

    Args:
        path: The path of the directory.
        fd: The descriptor of the directory if it is open already.

    Raises:
        OSError: There is no such directory.
    """

    def __init__(self, path: Path, fd: int | None = None) -> None:
        self._fd: int | None = None
        self.path = path
        self._fd = move_up(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)) if fd is None else fd
        opened = os.fstat(self._fd)
        self._identity = opened.st_dev, opened.st_ino

    @property
    def fd(self) -> int:
        """Returns the descriptor.

        Raises:
            ValueError: The directory is closed.
        """
        if self._fd is None:
            raise ValueError(f"{self.path} is closed")
        return self._fd

    @property
    def _at(self) -> int | None:
        return self.fd if _SUPPORTED else None

    def close(self) -> None:
        """Closes the descriptor. A second call does nothing."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    # -- the place of the directory ---------------------------------------------------------------

    def is_at_path(self) -> bool:
        """Returns whether the path still leads to the directory; true if the system does not tell."""
        try:
            found = os.stat(self.path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True
        # The second check costs a call. It is needed since a layered file system may have changed its numbers.
        return (found.st_dev, found.st_ino) == self._identity or os.path.samestat(found, os.fstat(self.fd))

    def find(self) -> Path | None:
        """Returns the present path of the directory; None if the system does not tell or the directory was deleted."""
        with contextlib.suppress(OSError):
            found = Path(os.readlink(f"/proc/self/fd/{self.fd}"))
            if os.path.samestat(os.stat(found), os.fstat(self.fd)):
                return found
        return None

    # -- reading ----------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Returns all names in the directory, in no order."""
        return os.listdir(self.fd if os.listdir in os.supports_fd else self.path)

    def stat(self, name: str) -> os.stat_result:
        """Returns the status of a file in the directory. A link is not followed.

        Raises:
            FileNotFoundError: There is no such file.
        """
        return os.stat(self._place(name), dir_fd=self._at, follow_symlinks=False)

    def has(self, name: str) -> bool:
        """Returns whether something in the directory has that name."""
        try:
            self.stat(name)
        except OSError:
            return False
        return True

    def read(self, name: str, limit: int, *, whole: bool = True) -> bytes:
        """Returns the bytes of a plain file.

        Args:
            name: The name of the file.
            limit: The maximal number of bytes to read.
            whole: Whether a longer file is an error. Otherwise its beginning is returned.

        Raises:
            NotPlainFile: The name belongs to something other than a plain file.
            OSError: The file cannot be read or is too long.
        """
        with self.open_to_read(name) as file:
            data = file.read(limit + whole)
        if len(data) > limit:
            raise OSError(errno.EFBIG, f"{name} is larger than {limit} bytes", str(self.path / name))
        return data

    def open_to_read(self, name: str) -> io.BufferedReader:
        """Opens a plain file for reading. It raises the same errors as ``read``."""
        place = self._place(name)
        with self._explaining(name):
            fd = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self._at)
        return open(self._plain(fd, name), "rb")

    def inside(self, *names: str, make: bool = False) -> Directory:
        """Returns a directory below this one.

        Args:
            names: The names on the way to it, one for each level.
            make: Whether to make missing directories.

        Raises:
            NotPlainFile: One of the names belongs to something other than a directory.
        """
        found = Directory(self.path, os.dup(self.fd))
        for name in names:
            with found as above:
                found = above._inside(name, make)
        return found

    def _inside(self, name: str, make: bool) -> Directory:
        path = self.path / name
        if make:
            with contextlib.suppress(FileExistsError):
                disk.current.mkdir(path, self._at)
        place = self._place(name)
        with self._explaining(name):
            fd = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._at)
        return Directory(path, fd)

    # -- changing ---------------------------------------------------------------------------------

    def open(self, name: str, flags: int) -> int:
        """Returns a descriptor of a plain file, which is created if ``flags`` say so.

        Raises:
            NotPlainFile: The name belongs to something other than a plain file.
        """
        with self._explaining(name):
            fd = disk.current.open(self.path / name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, self._at)
        return self._plain(fd, name)

    def open_to_append(self, name: str, *, create: bool = False) -> disk.AppendFile:
        """Opens a plain file for appending. It raises the same errors as ``open``."""
        flags = os.O_RDWR | os.O_APPEND | (os.O_CREAT if create else 0)
        return disk.AppendFile(self.path / name, fd=self.open(name, flags))

    def create(self, name: str, data: bytes | Iterable[bytes]) -> None:
        """Creates a new file with these bytes, durably; see ``disk.create_file``."""
        disk.create_file(self.path / name, data, at=self._at)

    def replace(self, name: str, data: bytes, *, durable: bool = False) -> None:
        """Replaces the content of a file by these bytes, atomically; see ``disk.replace_file``."""
        disk.replace_file(self.path / name, data, durable, self._at)

    def move(self, source: str, target: str) -> None:
        """Renames a file in the directory. A file that has the new name is replaced."""
        disk.current.replace(self.path / source, self.path / target, self._at)

    def take_away(self, name: str) -> None:
        """Removes the name of a file. Raises an error if it is a folder."""
        disk.current.unlink(self.path / name, self._at)

    def sync(self) -> None:
        """Makes the names in the directory durable.

        Raises:
            SyncFailed: The names may not be durable.
        """
        disk.sync_folder(self.path, self._at)

    def remove(self, name: str) -> None:
        """Removes a file, or a folder with all its content. No link is followed."""
        if not stat.S_ISDIR(self.stat(name).st_mode):
            self.take_away(name)
            return
        with self.inside(name) as below:
            for inner in below.names():
                below.remove(inner)
        disk.current.rmdir(self.path / name, self._at)

    # -- plain files ------------------------------------------------------------------------------

    def _place(self, name: str) -> Path | str:
        return name if _SUPPORTED else self.path / name

    @contextlib.contextmanager
    def _explaining(self, name: str) -> Iterator[None]:
        """Replaces an error that is due to the kind of a file by one that names the kind."""
        try:
            yield
        except OSError as error:
            if error.errno in _ODD:
                self._refuse(name)
            raise

    def _refuse(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            mode = self.stat(name).st_mode
            what = next((words for is_kind, words in _KINDS if is_kind(mode)), "a file")
            raise NotPlainFile(errno.EINVAL, f"{name} is {what}", str(self.path / name))

    def _plain(self, fd: int, name: str) -> int:
        """Returns the descriptor if it belongs to a plain file; otherwise closes it and raises an error."""
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            self._refuse(name)
            raise NotPlainFile(errno.EINVAL, f"{name} is no plain file", str(self.path / name))
        return fd
