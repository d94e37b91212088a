"""Imports modules only when they are used: those that are slow to import, and those that an extra installs.

This is the only place that imports inside a function. It keeps ``import runlib`` fast, and the error for a missing
optional dependency names the extra that installs it.
"""

from __future__ import annotations

import importlib
from typing import Any

from runlib.errors import MissingExtra

__all__ = ["load"]


def load(module: str, extra: str | None = None) -> Any:
    """Returns the module of this name, which is imported at the first call.

    Args:
        module: The full dotted name of the module.
        extra: The extra of runlib that installs it; None for a core dependency.

    Raises:
        MissingExtra: The module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if extra is None or (error.name or "").split(".")[0] != module.split(".")[0]:
            raise
        raise MissingExtra(
            f"{module} is needed here and not installed; install it with: pip install 'runlib[{extra}]'"
        ) from error
