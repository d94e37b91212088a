"""An open directory: what is in it is read, made and replaced by its descriptor, wherever it is moved meanwhile.

Nothing below it is reached through a link, and only plain files are opened, without waiting: a link, a pipe, a device
or a socket in the place of a file is an error that says so. The directory itself may be reached through links.
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
    """Something else bears the name of a file, or of a folder, that is to be opened."""


class Directory:
    """A directory by its descriptor, which is given back by ``close``, or when nobody has this any more.

    Attributes:
        path: Where it was when it was opened, for messages; whoever renames it puts its new path here.

    Args:
        path: Of the directory.
        fd: A descriptor of it, if it is open already.

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
        """The descriptor.

        Raises:
            ValueError: It is closed.
        """
        if self._fd is None:
            raise ValueError(f"{self.path} is closed")
        return self._fd

    @property
    def _at(self) -> int | None:
        return self.fd if _SUPPORTED else None

    def close(self) -> None:
        """Give the descriptor back; a second call does nothing."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    # -- where it is ------------------------------------------------------------------------------

    def is_at_path(self) -> bool:
        """Whether its path still leads to it; where that cannot be seen, it is taken for so."""
        try:
            found = os.stat(self.path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True
        # The second question costs a call, and a layered file system may have changed its answer since.
        return (found.st_dev, found.st_ino) == self._identity or os.path.samestat(found, os.fstat(self.fd))

    def find(self) -> Path | None:
        """Where it is now, if the system tells; None if it does not, or the directory was deleted."""
        with contextlib.suppress(OSError):
            found = Path(os.readlink(f"/proc/self/fd/{self.fd}"))
            if os.path.samestat(os.stat(found), os.fstat(self.fd)):
                return found
        return None

    # -- what is in it ----------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Everything in it, in no order."""
        return os.listdir(self.fd if os.listdir in os.supports_fd else self.path)

    def stat(self, name: str) -> os.stat_result:
        """What the system knows of a file in it; a link is not followed.

        Raises:
            FileNotFoundError: There is none.
        """
        return os.stat(self._place(name), dir_fd=self._at, follow_symlinks=False)

    def has(self, name: str) -> bool:
        """Whether there is something of that name."""
        try:
            self.stat(name)
        except OSError:
            return False
        return True

    def read(self, name: str, limit: int, *, whole: bool = True) -> bytes:
        """The bytes of a plain file.

        Args:
            name: Of the file.
            limit: How many bytes are read at most.
            whole: Whether a longer file is an error; else its beginning is returned.

        Raises:
            NotPlainFile: Something else bears the name.
            OSError: It cannot be read, or is too long.
        """
        with self.open_to_read(name) as file:
            data = file.read(limit + whole)
        if len(data) > limit:
            raise OSError(errno.EFBIG, f"{name} is larger than {limit} bytes", str(self.path / name))
        return data

    def open_to_read(self, name: str) -> io.BufferedReader:
        """A plain file, open for reading; errors as in ``read``."""
        place = self._place(name)
        with self._explaining(name):
            fd = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self._at)
        return open(self._plain(fd, name), "rb")

    def inside(self, *names: str, make: bool = False) -> Directory:
        """A directory below this one.

        Args:
            names: The way to it, one part each.
            make: Make those that are missing.

        Raises:
            NotPlainFile: Something else bears one of the names.
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

    # -- what is changed in it --------------------------------------------------------------------

    def open(self, name: str, flags: int) -> int:
        """A descriptor of a plain file, which is made if ``flags`` say so.

        Raises:
            NotPlainFile: Something else bears the name.
        """
        with self._explaining(name):
            fd = disk.current.open(self.path / name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, self._at)
        return self._plain(fd, name)

    def open_to_append(self, name: str, *, create: bool = False) -> disk.AppendFile:
        """A plain file that is to grow; errors as in ``open``."""
        flags = os.O_RDWR | os.O_APPEND | (os.O_CREAT if create else 0)
        return disk.AppendFile(self.path / name, fd=self.open(name, flags))

    def create(self, name: str, data: bytes | Iterable[bytes]) -> None:
        """Make a new file with these bytes, durably; see ``disk.create_file``."""
        disk.create_file(self.path / name, data, at=self._at)

    def replace(self, name: str, data: bytes, *, durable: bool = False) -> None:
        """Make a file hold these bytes, atomically; see ``disk.replace_file``."""
        disk.replace_file(self.path / name, data, durable, self._at)

    def move(self, source: str, target: str) -> None:
        """Give a file in it another name, which is taken from whatever bears it."""
        disk.current.replace(self.path / source, self.path / target, self._at)

    def take_away(self, name: str) -> None:
        """Take a name away; an error if a folder bears it."""
        disk.current.unlink(self.path / name, self._at)

    def sync(self) -> None:
        """Make the names in it durable.

        Raises:
            SyncFailed: They may not be.
        """
        disk.sync_folder(self.path, self._at)

    def remove(self, name: str) -> None:
        """Take away a file, or a folder with all that is in it; no link is followed."""
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
        """An error because of what bears a name says what that is."""
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
        """The descriptor, if it is of a plain file."""
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            self._refuse(name)
            raise NotPlainFile(errno.EINVAL, f"{name} is no plain file", str(self.path / name))
        return fd
