"""Limits how much of a machine a tape may ask for when a restore takes over the context of the last session.

The tape may come from another user, or from a larger machine. Values above these bounds are cut down, and a warning is
logged. A user who wants more gives the value in the context of the restore, where nothing is cut down.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from runlib.engine.legible import logger
from runlib.pool.settings import count_cores

__all__ = ["bounded"]

PER_CORE, LEAST = 16, 64  # workers on this machine: the limit for each core, and the least limit
ELSEWHERE = 10_000  # workers of a pool whose processes are not all on this machine
AHEAD = 1_000  # suggestions, which are all made and stored before anything is evaluated
DEVICES = 1_000
HERE = ("pool_processes", "pool_serial")

log = logger()


def bounded(context: Mapping[str, Any], pool: Any) -> dict[str, Any]:
    """Returns the context that a session recorded, cut down to values that are reasonable on this machine.

    Args:
        context: The context as it was recorded.
        pool: The pool that will be used, or its config; None for the default.
    """
    kind = next(iter(pool), None) if isinstance(pool, Mapping) else getattr(pool, "kind", pool)
    workers = max(LEAST, PER_CORE * count_cores()) if kind is None or kind in HERE else ELSEWHERE
    limits = {"max_workers": workers, "ahead": AHEAD, "memory_limit": _memory()}
    found = {**context}
    for name, limit in limits.items():
        asked = found.get(name)
        if limit is not None and isinstance(asked, int) and asked > limit:
            found[name] = limit
            _say(name, "more than is sane here", limit)
    devices = found.get("devices")
    if isinstance(devices, list) and len(devices) > DEVICES:
        found["devices"] = devices[:DEVICES]
        _say("devices", f"{len(devices)} of them", f"the first {DEVICES}")
    return found


def _say(name: str, asked: str, limit: Any) -> None:
    log.warning("the tape asks for context.%s: %s; taken is %s, unless a restore is given another", name, asked, limit)


def _memory() -> int | None:
    """Returns the memory of this machine in bytes; None if the machine does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None
