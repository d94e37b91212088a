"""Checks and generates names of runs, which must be safe as names of folders."""

from __future__ import annotations

import random
import re

from runlib.engine.extras import load
from runlib.errors import ConfigError

__all__ = ["check_name", "random_name"]

MAX_BYTES = 200  # File systems take 255 bytes; run_ and the suffixes of temporary names are added to the name.
_PLAIN = re.compile(r"[^\W_][\w.+-]*")


def check_name(name: str) -> str:
    """Returns ``name`` itself if it is a plain name.

    Raises:
        ConfigError: The name is not text, has a separator or a space, or is too long.
    """
    if not isinstance(name, str) or not _PLAIN.fullmatch(name):
        raise ConfigError(
            f"{name!r} is not a plain name: use letters, digits, '_', '-', '+' and '.', with a letter or digit first",
            "name",
        )
    if len(name.encode()) > MAX_BYTES:
        raise ConfigError(f"the name is longer than {MAX_BYTES} bytes", "name")
    return name


def random_name() -> str:
    """Returns two words joined by ``_``. The user's seed has no effect, and the user's random state is restored."""
    before = random.getstate()
    try:
        random.seed()
        return "_".join(load("coolname").generate(2))
    finally:
        random.setstate(before)
