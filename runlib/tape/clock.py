"""The time of one session: the wall clock when it began, and from then on a clock that nobody sets.

A wall clock may jump, by an hour or by a day, in either direction; a duration taken from it would be wrong. So the
times of a session are its beginning by the wall clock plus seconds of the monotonic clock, and both are noted in its
record. The monotonic clock stands still while the machine sleeps: that time is none in which a run was at work, and
until the next session its times are behind the wall clock by it. Between sessions the wall clock counts, whatever it
says.
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
    """The clock of a session that begins now; called, it gives seconds since 1970.

    Attributes:
        wall: When it began, seconds since 1970.
        monotonic: The same by the clock that nobody sets.
    """

    def __init__(self) -> None:
        self.wall = max(0.0, time.time())  # one that was never set may begin before 1970
        self.monotonic = time.monotonic()

    def __call__(self) -> float:
        return self.wall + (time.monotonic() - self.monotonic)

    def noted(self) -> dict[str, Any]:
        """What the record of a session says of it."""
        return {"wall": round(self.wall, 6), "monotonic": round(self.monotonic, 6), "boot": boot()}


@functools.cache
def boot() -> str | None:
    """A name of this start of this machine, the only one in which its monotonic clock means something."""
    try:
        return hashlib.blake2b(_BOOT.read_bytes().strip(), digest_size=8).hexdigest()
    except OSError:
        return None


def now_by(clocks: Mapping[str, Any] | None) -> float | None:
    """What the clock of a session says now, by what its record noted.

    None where that cannot be told: the session was on another machine, before this one was started anew, or it was
    written by a version that noted no clocks.
    """
    if not clocks or clocks.get("boot") is None or clocks["boot"] != boot():
        return None
    now = clocks["wall"] + (time.monotonic() - clocks["monotonic"])
    return now if math.isfinite(now) and now >= clocks["wall"] else None
