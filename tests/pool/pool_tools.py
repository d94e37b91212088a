"""Waiting for what a pool or a process does, up to a deadline, never for a fixed time."""

from __future__ import annotations

import os
import signal
import subprocess
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


def state(pid: int) -> str:
    """The letter of a process's state, as ``ps`` shows it; empty if there is none."""
    done = subprocess.run(["ps", "-o", "state=", "-p", str(pid)], stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()[:1]


def runs(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    return state(pid) not in ("", "Z")


def freeze(pid: int) -> None:
    """Stop a process; it has come to rest when this returns."""
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: state(pid) == "T")


def gone(pids, seconds=10.0) -> bool:
    """Wait until none of the processes runs."""
    return bool(wait_for(lambda: not any(map(runs, pids)), seconds))
