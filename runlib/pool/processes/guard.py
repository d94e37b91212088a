"""The manager's side of the guardian: which process groups must not outlive this process.

It is there where workers have no supervisors (macOS), one for each pool.

A worker is put on the list before it is told anything, and taken off only when its whole group was killed. A
worker that is not on the list yet ends by itself when it finds nobody at the other end of its stream.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from runlib.pool.processes import guardian

__all__ = ["Guard"]

PATIENCE = 5.0  # seconds; the guardian ends at once when its pipe does


class Guard:
    """The guardian process of one pool; started anew should it disappear."""

    def __init__(self) -> None:
        self._groups: set[int] = set()
        self._start()

    @property
    def pid(self) -> int:
        """The guardian's process."""
        return self._process.pid

    def _start(self) -> None:
        read, self._pipe = os.pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(Path(guardian.__file__)), str(os.getpid())],
                stdin=read,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )
        except BaseException:
            os.close(self._pipe)
            raise
        finally:
            os.close(read)
        os.set_blocking(self._pipe, False)

    def add(self, group: int) -> None:
        """From here on the group dies with this process."""
        self._groups.add(group)
        self._tell(b"+%d\n" % group)

    def remove(self, group: int) -> None:
        """The group is gone; its number may come to stand for somebody else."""
        self._groups.discard(group)
        self._tell(b"-%d\n" % group)

    def _tell(self, line: bytes) -> None:
        try:
            os.write(self._pipe, line)
        except (BrokenPipeError, BlockingIOError):
            self._restart()

    def _restart(self) -> None:
        self._end(groups_are_gone=False)
        self._start()
        os.write(self._pipe, b"".join(b"+%d\n" % group for group in self._groups))

    def close(self) -> None:
        """End the guardian; its groups must be gone."""
        self._end(groups_are_gone=True)

    def _end(self, groups_are_gone: bool) -> None:
        # Killed first if it still has groups on its list: the end of the pipe would make it kill them.
        if not groups_are_gone:
            self._process.kill()
            self._process.wait()
        os.close(self._pipe)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE)
            return
        self._process.kill()
        self._process.wait()
