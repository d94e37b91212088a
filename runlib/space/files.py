"""Search spaces in files: YAML or JSON, looked for in the working folder and next to the config."""

from __future__ import annotations

import json
from pathlib import Path, PurePath
from typing import Any

from runlib.engine.code.modules import find_file
from runlib.engine.data.plain import NotPlain, plain
from runlib.engine.data.yamlfile import MAX_BYTES, Reread, read_yaml
from runlib.errors import ConfigError, SpaceError

__all__ = ["is_path", "read_space"]

SUFFIXES = (".yaml", ".yml", ".json")


def is_path(space: Any) -> bool:
    """Whether what is given in the place of a space can only be the path of a file."""
    return isinstance(space, str | PurePath)


def read_space(file: str | PurePath, path: str, reread: Reread | None = None) -> Any:
    """What a file holds: plain data.

    Args:
        file: Its path.
        path: Where that stands.
        reread: What is made of the nodes of a YAML file before they are data.

    Raises:
        SpaceError: There is no such file, or it cannot be read.
    """
    suffix = PurePath(file).suffix.lower()
    if suffix not in SUFFIXES:
        raise SpaceError(f"takes parameters, or a file that ends with {', '.join(SUFFIXES)}, got {str(file)!r}", path)
    try:
        found = find_file(str(file))
        data = _read_json(found) if suffix == ".json" else read_yaml(found, reread)
    except SpaceError:
        raise
    except ConfigError as error:
        raise SpaceError(error.reason, path) from error
    if is_path(data):
        raise SpaceError(f"{found} holds a text and no space", path)
    return data


def _read_json(file: Path) -> Any:
    try:
        with file.open(encoding="utf-8-sig") as stream:
            text = stream.read(MAX_BYTES)
        return plain(json.loads(text))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{file} is no JSON: {error}") from error
    except NotPlain as error:
        raise ConfigError(f"{file}: {error}") from error
