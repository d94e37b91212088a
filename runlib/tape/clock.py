"""Measures the time in one session: it begins with the wall clock and continues with a clock that nobody sets.

A wall clock may jump in either direction, by an hour or by a day, so durations taken from it could be wrong. The times
of a session are therefore its start by the wall clock plus seconds of the monotonic clock, and the session record holds
both. The monotonic clock stops while the machine sleeps. This time does not count as work, and until the next session
the recorded times are behind the wall clock by it. The next session begins with the wall clock again, whatever it
shows.
"""

from __future__ import annotations

import functools
import hashlib
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["SessionClock", "now_by"]

_BOOT = Path("/proc/sys/kernel/random/boot_id")


class SessionClock:
    """Tells the time in a session that begins now; a call returns seconds since 1970.

    Attributes:
        wall: The start of the session by the wall clock, in seconds since 1970.
        monotonic: The start of the session by the monotonic clock, in seconds.
    """

    def __init__(self) -> None:
        self.wall = max(0.0, time.time())  # A clock that was never set may begin before 1970.
        self.monotonic = time.monotonic()

    def __call__(self) -> float:
        return self.wall + (time.monotonic() - self.monotonic)

    def noted(self) -> dict[str, Any]:
        """Returns the entry for the session record: both clocks at the start, and the boot of the machine."""
        return {"wall": round(self.wall, 6), "monotonic": round(self.monotonic, 6), "boot": boot()}


@functools.cache
def boot() -> str | None:
    """Returns a name for the current boot of this machine; its monotonic clock has a meaning only within one boot."""
    try:
        return hashlib.blake2b(_BOOT.read_bytes().strip(), digest_size=8).hexdigest()
    except OSError:
        return None


def now_by(clocks: Mapping[str, Any] | None) -> float | None:
    """Returns the current time by the clock of a session, computed from the entry in its record.

    The result is None if it cannot be computed. Then the session ran on another machine or before the last boot of this
    one, or it was written by a version that recorded no clocks.
    """
    if not clocks or clocks.get("boot") is None or clocks["boot"] != boot():
        return None
    now = clocks["wall"] + (time.monotonic() - clocks["monotonic"])
    return now if math.isfinite(now) and now >= clocks["wall"] else None
