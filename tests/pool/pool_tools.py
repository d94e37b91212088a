"""Waiting for what a pool or a process does, up to a deadline, never for a fixed time."""

from __future__ import annotations

import os
import time
from pathlib import Path


def finish(pool, count, seconds=30.0):
    """The next ``count`` events."""
    end = time.monotonic() + seconds
    events = []
    while len(events) < count and time.monotonic() < end:
        events += pool.collect(1.0)
    assert len(events) == count
    return events


def wait_for(condition, seconds=20.0, pool=None):
    """What ``condition`` returns once it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        if pool is None:
            time.sleep(0.005)
        else:
            assert pool.collect(0.01) == []
    raise AssertionError("it did not happen in time")


def read(path: Path) -> str:
    """The text of a file, empty if there is none yet."""
    return path.read_text() if path.exists() else ""


def runs(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return Path("/proc/self").exists() is False
    except ProcessLookupError:
        return False


def gone(pids, seconds=10.0) -> bool:
    """Wait until none of the processes runs."""
    return bool(wait_for(lambda: not any(map(runs, pids)), seconds))
