"""Describes who holds the lock of a run folder: its form in the lock file, and the message for a refused process."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Holder", "read_holder", "refusal"]


@dataclass(frozen=True)
class Holder:
    """Describes the process that signed a lock.

    Attributes:
        host: The name of its machine.
        pid: The number of the process.
        since: The local time at which it took the lock.
        token: A text that differs each time the lock is taken.
        file: The number of the file that it signed, which a copy of the file does not have.
    """

    host: str
    pid: int
    since: str
    token: str
    file: int

    @property
    def is_here(self) -> bool:
        """Returns whether it is, or was, a process of this machine."""
        return self.host == socket.gethostname()

    @property
    def is_gone(self) -> bool:
        """Returns whether no process of this machine has its number."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except (OSError, OverflowError):
            return False
        return False

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {self.since}"


def read_holder(fd: int) -> Holder | None:
    """Returns the process that signed the file; None if there is no complete signature."""
    try:
        data = json.loads(os.pread(fd, 4096, 0))
        return Holder(**{name: kind(data[name]) for name, kind in _FIELDS.items()})
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


_FIELDS = {"host": str, "pid": int, "since": str, "token": str, "file": int}


def refusal(folder: Path, holder: Holder | None, free: bool) -> str:
    """Returns the message that says why a process does not get the lock, and what its user can do."""
    if holder is None:
        who, what = "another process (which has not yet said its name)", "check it out to read it"
    elif (holder.pid, holder.is_here) == (os.getpid(), True):
        who = f"this very process since {holder.since}"
        what = (
            "close() the Run that has it; while that runs, in another thread, wait for its end or ask for it by "
            "run.stop(reason); or check it out to read it"
        )
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
