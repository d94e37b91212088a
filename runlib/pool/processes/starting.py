"""Decides when workers are started: at once, or after a growing pause if the system has no room for another process.

A limit of processes, descriptors or memory is often shared with other programs, and passes. So a slot without a worker
stays empty meanwhile, which is logged once. The run goes on with the workers that it has, or waits. Only a pool that
gets no worker at all when it is opened gives up.
"""

from __future__ import annotations

import errno
import logging
import os

from runlib.errors import PoolError

__all__ = ["Starting", "is_for_want_of_room", "refusal"]

FIRST, LONGEST = 1.0, 60.0  # shortest and longest pause between two attempts, in seconds

log = logging.getLogger("runlib.pool")

_WANTING = {
    errno.EAGAIN: "there may be no more processes (ulimit -u, or a limit of the container)",
    errno.ENOMEM: "there is no memory for another process",
    errno.EMFILE: "this process may have no more files open (ulimit -n)",
    errno.ENFILE: "the system may have no more files open",
}


def is_for_want_of_room(error: OSError) -> bool:
    """Returns whether an error is due to a limit that may be passed at another time."""
    return error.errno in _WANTING


class Starting:
    """Decides whether a worker may be started now."""

    def __init__(self) -> None:
        self._pause = 0.0
        self._again = self._failed_at = float("-inf")
        self._waits = False

    def may(self, now: float) -> bool:
        """Returns whether to try to start a worker."""
        return now >= self._again

    def failed(self, code: int, now: float) -> None:
        """Notes that there was no room for a worker, and lengthens the pause.

        Args:
            code: The number of the error.
            now: The time on the clock of ``may``.
        """
        self._pause = min(LONGEST, 2 * self._pause) or FIRST
        self._failed_at, self._again = now, now + self._pause
        if not self._waits:
            self._waits = True
            why = _WANTING.get(code) or os.strerror(code)
            log.warning("a worker cannot be started: %s; the run goes on with those that it has, and tries again", why)

    def succeeded(self, begun: float) -> None:
        """Notes that a worker is ready that was started at ``begun``."""
        if begun < self._failed_at:
            return
        self._pause = 0.0
        if self._waits:
            self._waits = False
            log.warning("workers can be started again")


def refusal(error: OSError) -> PoolError:
    """Returns the error of a pool that gets no worker at all."""
    why = _WANTING.get(error.errno or 0)
    more = f": {why}; raise the limit, or end other programs" if why else f": {error}"
    return PoolError(f"a worker process cannot be started{more}")
