"""Tells the guardian, from the manager, which process groups must not outlive this process.

It is used where workers have no supervisors (macOS), with one guardian for each pool.

A worker is put on the list before it gets any message, and is removed only after its whole group was killed. A worker
that is not on the list yet ends by itself when its stream is closed on the other side.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from runlib.pool.processes import guardian

__all__ = ["Guard"]

PATIENCE = 5.0  # seconds; the guardian ends at once when its pipe ends


class Guard:
    """Controls the guardian process of one pool, and starts a new one if it disappears."""

    def __init__(self) -> None:
        self._groups: set[int] = set()
        self._start()

    @property
    def pid(self) -> int:
        """Returns the process number of the guardian."""
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
        """Adds a group, which is from now on killed when this process dies."""
        self._groups.add(group)
        self._tell(b"+%d\n" % group)

    def remove(self, group: int) -> None:
        """Removes a group that is gone, because its number may be reused."""
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
        """Ends the guardian. Its groups must be gone."""
        self._end(groups_are_gone=True)

    def _end(self, groups_are_gone: bool) -> None:
        # A guardian with groups on its list is killed first, because the end of the pipe would make it kill them.
        if not groups_are_gone:
            self._process.kill()
            self._process.wait()
        os.close(self._pipe)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE)
            return
        self._process.kill()
        self._process.wait()
