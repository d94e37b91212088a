"""One writer: the lock of a run folder, how it passes to another, and how a writer that lost it stops.

*Who has it.* The lock is that of an open file (``flock``), so that it ends with its holder, however that dies; it
counts for the file that bears the name ``run.lock``, which is never deleted. Whoever takes it looks afterwards whether
its file still bears the name, and else begins anew. While it is held the file names the holder, and it is emptied when
it is given back: what stands in a free lock was left by a holder that died, or came with a copy of the folder. A fork
of the holder lets go of it at once: else it would keep the lock when the holder is dead.

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
import logging
import os
import socket
import time
import uuid
import weakref
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from runlib.engine import disk
from runlib.engine.descriptors import fill_standard, move_up
from runlib.errors import FolderError, LockStolen, RunLocked
from runlib.tape.mounts import on_network

__all__ = ["FolderLock", "Holder"]

NAME = "run.lock"
CLAIM = "run.lock.new"  # the lock of a thief, until it bears the name
STALE = 60.0  # seconds after which that is of a thief that died

log = logging.getLogger("runlib")

Looks = tuple[int, int, int, int]


@dataclass(frozen=True)
class Holder:
    """Who signed a lock.

    Attributes:
        host: Where it runs.
        pid: Its process.
        since: When it took the lock, local time.
        token: Different for every taking.
        file: The number of the file that it signed, which a copy of the file does not have.
    """

    host: str
    pid: int
    since: str
    token: str
    file: int

    @property
    def is_here(self) -> bool:
        """Whether it is, or was, a process of this machine."""
        return self.host == socket.gethostname()

    @property
    def is_gone(self) -> bool:
        """Whether no process of this machine has its number."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except (OSError, OverflowError):
            return False
        return False

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {self.since}"


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
        self._folder: int | None = None  # a descriptor, as the folder of a new run gets its name later
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

    def _take(self, folder: Path, steal: bool) -> None:
        self._fd, free = _open_named(folder / NAME)
        self._folder = move_up(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        left, network = _read(self._fd), on_network(folder)
        if free and not (network and left is not None and not left.is_here):
            _warn_of_copy(folder, self._fd, left)
            self._sign(self._fd, network)
        elif steal:
            self._steal(folder, left, network)
        else:
            raise RunLocked(_refusal(folder, left, free), folder)

    def _sign(self, fd: int, network: bool) -> None:
        inode = os.fstat(fd).st_ino
        holder = Holder(socket.gethostname(), self._pid, time.strftime("%Y-%m-%d %H:%M:%S"), uuid.uuid4().hex, inode)
        disk.current.truncate(fd, 0)
        disk.write_all(fd, json.dumps(asdict(holder)).encode() + b"\n")
        if network:  # or the other machines would not see it before long
            disk.current.sync(fd)
        self._signed = holder, _looks(os.fstat(fd))

    def _steal(self, folder: Path, left: Holder | None, network: bool) -> None:
        path, claim, seen = folder / NAME, folder / CLAIM, self._fd
        fd = _open_claim(claim, folder)
        try:
            if seen is None or not disk.current.lock(fd):
                raise RunLocked(_changing(folder), folder)
            self._sign(fd, network)
            if not _bears(seen, path) or _read(seen) != left or not _bears(fd, claim):
                raise RunLocked(_refusal(folder, _read_file(path), free=False), folder)
            disk.current.replace(claim, path)
        except BaseException:
            self._signed = None
            _withdraw(fd, claim)
            raise
        self._fd = fd
        disk.current.close(seen)
        if not _bears(fd, path):
            raise RunLocked(_refusal(folder, _read_file(path), free=False), folder)
        log.warning("the lock of %s was taken from %s", folder, left or "a process that did not say its name")

    def check(self, tape: Path) -> None:
        """Make sure that the lock is still this one's; it costs one look at the folder.

        Args:
            tape: Of the run, for the error.

        Raises:
            LockStolen: Another process took it over; the message names it.
            ValueError: It was released.
        """
        if self._signed is None or self._folder is None:
            raise ValueError(f"the lock of {tape.parent} was released")
        holder, looks = self._signed
        try:
            found = os.stat(NAME, dir_fd=self._folder)
        except FileNotFoundError:
            raise LockStolen(
                f"{tape.parent} has lost its file {NAME}, so that anybody may write to it: this process stops and "
                "writes nothing more to it",
                path=tape,
            ) from None
        if _looks(found) != looks:
            self._look_closer(tape, holder, found)

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
        with contextlib.suppress(FileNotFoundError):
            fd = os.open(NAME, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._folder)
            try:
                return _read(fd)
            finally:
                os.close(fd)
        return None

    def release(self) -> None:
        """Let another write; a second call does nothing."""
        if self._fd is not None and self._signed is not None and os.getpid() == self._pid:
            with contextlib.suppress(OSError):  # the text is for later; the lock ends anyway
                disk.current.truncate(self._fd, 0)
        self._close()

    def _close(self) -> None:
        fd, self._fd = self._fd, None
        folder, self._folder = self._folder, None
        self._signed = None
        if folder is not None:
            os.close(folder)
        if fd is not None:
            disk.current.close(fd)


_known: weakref.WeakSet[FolderLock] = weakref.WeakSet()


def _leave_to_parent() -> None:
    """In a forked child: closing there ends nothing, as the lock is that of the file which the parent has open."""
    for lock in list(_known):
        lock._close()


os.register_at_fork(after_in_child=_leave_to_parent)


# -- files ----------------------------------------------------------------------------------------


def _open_named(path: Path) -> tuple[int, bool]:
    """The file that bears the name, and whether its lock was free, and is ours now."""
    for _ in range(100):
        fd = disk.current.open(path, os.O_RDWR | os.O_CREAT)
        with _closed_on_error(fd):
            free = disk.current.lock(fd)
            if _bears(fd, path):
                return fd, free
        disk.current.close(fd)
    raise RunLocked(_changing(path.parent), path.parent)


def _open_claim(claim: Path, folder: Path) -> int:
    """The file that only one thief can make."""
    for _ in range(2):
        try:
            return disk.current.open(claim, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        except FileExistsError:
            _clear_stale(claim)
    raise RunLocked(_changing(folder), folder)


def _clear_stale(claim: Path) -> None:
    """Take away what a thief left that died in the middle of it."""
    with contextlib.suppress(FileNotFoundError):
        fd = disk.current.open(claim, os.O_RDWR)
        try:
            is_old = time.time() - os.fstat(fd).st_mtime > STALE
            if is_old and disk.current.lock(fd) and _bears(fd, claim):
                disk.current.unlink(claim)
        finally:
            disk.current.close(fd)


def _withdraw(fd: int, claim: Path) -> None:
    try:
        if _bears(fd, claim):
            disk.current.unlink(claim)
    finally:
        disk.current.close(fd)


@contextlib.contextmanager
def _closed_on_error(fd: int) -> Iterator[None]:
    try:
        yield
    except BaseException:
        disk.current.close(fd)
        raise


def _bears(fd: int, path: Path) -> bool:
    """Whether an open file is the one that bears a name."""
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except FileNotFoundError:
        return False


def _looks(found: os.stat_result) -> Looks:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _read(fd: int) -> Holder | None:
    """Who signed the file; None if nobody did, or not to the end."""
    try:
        data = json.loads(os.pread(fd, 4096, 0))
        return Holder(**{name: kind(data[name]) for name, kind in _FIELDS.items()})
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


_FIELDS = {"host": str, "pid": int, "since": str, "token": str, "file": int}


def _read_file(path: Path) -> Holder | None:
    with contextlib.suppress(OSError):
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return _read(fd)
        finally:
            os.close(fd)
    return None


# -- sentences ------------------------------------------------------------------------------------


def _refusal(folder: Path, holder: Holder | None, free: bool) -> str:
    if holder is None:
        who, what = "another process (which has not yet said its name)", "check it out to read it"
    elif (holder.pid, holder.is_here) == (os.getpid(), True):
        who = f"this very process since {holder.since}"
        what = "close() the Run that has it, or check it out to read it"
    elif holder.is_here and not holder.is_gone:
        who, what = str(holder), "check it out to read it"
    else:
        who, what = f"{holder}{_doubt(holder, free)}", f"check it out to read it; {_HOW_TO_STEAL}"
    return f"{folder} is being written by {who}; {what}"


_HOW_TO_STEAL = "make sure that it is dead before you take the lock with --steal-lock (Run.restore: steal_lock=True)"


def _doubt(holder: Holder, free: bool) -> str:
    if holder.is_here:
        return (
            ", which is no process here: it is in another container, or dead and something that it began has its lock"
        )
    return ", or was when that died, which on a network disk does not show" if free else ""


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
