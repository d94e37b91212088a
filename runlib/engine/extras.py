"""Modules that are imported only when they are used: heavy ones, and those that an extra installs.

This is the one place that imports inside a function. ``import runlib`` stays fast because of it, and who
lacks an optional dependency hears which extra brings it.
"""

from __future__ import annotations

import importlib
from typing import Any

from runlib.errors import MissingExtra

__all__ = ["load"]


def load(module: str, extra: str | None = None) -> Any:
    """The module of this name, imported at the first call.

    Args:
        module: Its full dotted name.
        extra: The extra of runlib that installs it; None for a core dependency.

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if extra is None or (error.name or "").split(".")[0] != module.split(".")[0]:
            raise
        raise MissingExtra(
            f"{module} is needed here and not installed; install it with: pip install 'runlib[{extra}]'"
        ) from error
