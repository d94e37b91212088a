"""Reads search spaces from YAML or JSON files, which are looked for in the working folder and next to the config."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from runlib.engine.code.modules import find_file
from runlib.engine.data.yamlfile import Reread, read_yaml
from runlib.errors import ConfigError, SpaceError

__all__ = ["is_path", "read_space"]

SUFFIXES = (".yaml", ".yml", ".json")


def is_path(space: Any) -> bool:
    """Returns whether a value in the place of a space can only be the path of a file."""
    return isinstance(space, str | PurePath)


def read_space(file: str | PurePath, path: str, reread: Reread | None = None) -> Any:
    """Returns the plain data in a file.

    Args:
        file: The path of the file.
        path: The place in the config where that path stands.
        reread: A function that changes the nodes of a YAML file before they become data.

    Raises:
        SpaceError: There is no such file, or it cannot be read.
    """
    suffix = PurePath(file).suffix.lower()
    if suffix not in SUFFIXES:
        raise SpaceError(f"takes parameters, or a file that ends with {', '.join(SUFFIXES)}, got {str(file)!r}", path)
    try:
        found = find_file(str(file))
        data = read_yaml(found, reread)
    except SpaceError:
        raise
    except ConfigError as error:
        raise SpaceError(error.reason, path) from error
    if is_path(data):
        raise SpaceError(f"{found} holds a text and no space", path)
    return data
