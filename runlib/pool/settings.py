"""Reads the settings of a pool from the context, and checks them once before a worker starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runlib.engine.data.native import native
from runlib.errors import ConfigError
from runlib.pool.sizes import read_bytes

__all__ = ["Settings", "count_cores", "read_count", "read_memory_limit", "read_settings"]

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Settings:
    """Holds the settings of a pool.

    Attributes:
        max_workers: The number of evaluations that run at once.
        devices: The devices to which the slots are pinned in turn. Without any, slots are not pinned.
        capture_output: Whether the output of a trial goes to its folder.
        memory_limit: The number of bytes that a worker and all processes that it started may take, or None for no
            limit.
        max_trials_per_worker: The number of trials after which a worker is replaced, or None for no limit.
    """

    max_workers: int
    devices: tuple[str, ...]
    capture_output: bool
    memory_limit: int | None = None
    max_trials_per_worker: int | None = None

    def environment(self, slot: int) -> dict[str, str]:
        """Returns the environment variables for the worker in a slot."""
        # Workers that each start one thread per core would slow each other down.
        share = str(max(1, count_cores() // self.max_workers))
        variables = {name: share for name in THREADS if name not in os.environ}
        variables["RUNLIB_SLOT"] = str(slot)
        if self.devices:
            variables["CUDA_VISIBLE_DEVICES"] = self.devices[slot % len(self.devices)]
        return variables


def count_cores() -> int:
    """Returns the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def read_settings(context: Mapping[str, Any]) -> Settings:
    """Reads and checks a context. A value that is missing or None gets its default.

    Raises:
        ConfigError: A value is of the wrong type or out of range.
    """
    return Settings(
        max_workers=read_count(context, "max_workers") or count_cores(),
        devices=_devices(context),
        capture_output=_capture(context),
        memory_limit=read_memory_limit(context),
        max_trials_per_worker=read_count(context, "max_trials_per_worker"),
    )


def read_memory_limit(context: Mapping[str, Any]) -> int | None:
    """Returns ``memory_limit`` in bytes, or None if there is none.

    Raises:
        ConfigError: The value is no amount of memory.
    """
    value = native(context.get("memory_limit"))
    return None if value is None else read_bytes(value, "context.memory_limit")


def read_count(context: Mapping[str, Any], name: str) -> int | None:
    """Returns a whole number of at least 1, or None if there is none.

    Raises:
        ConfigError: The value is anything else.
    """
    value = native(context.get(name))
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ConfigError(f"must be a whole number from 1 on, got {value!r}", f"context.{name}")
    return None if value is None else int(value)


def _devices(context: Mapping[str, Any]) -> tuple[str, ...]:
    value = native(context.get("devices"))
    if value is None:
        return ()
    if not isinstance(value, list | tuple) or not value:
        raise ConfigError(f"must be a list of devices such as [0, 1], got {value!r}", "context.devices")
    return tuple(_device(device, index) for index, device in enumerate(value))


def _device(value: Any, index: int) -> str:
    number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if not number and not (isinstance(value, str) and value and "\0" not in value):
        raise ConfigError(f"must be a number from 0 on or a name, got {value!r}", f"context.devices.{index}")
    return str(value)


def _capture(context: Mapping[str, Any]) -> bool:
    value = native(context.get("capture_output"))
    if not isinstance(value, bool | None):
        raise ConfigError(f"must be true or false, got {value!r}", "context.capture_output")
    return bool(value)
