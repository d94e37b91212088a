"""Reads suggestions from a file: a list in YAML or JSON, or a table with a header. Its errors name the line."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runlib.engine.data.canonical import NotPlain, plain
from runlib.engine.data.yamlfile import read_yaml
from runlib.engine.registry import find_file
from runlib.errors import ConfigError

__all__ = ["ENDINGS", "read_listing"]

ENDINGS = (".csv", ".yaml", ".yml", ".json")

_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?(inf|nan)")
_WORDS = {
    written: value
    for word, value in (("true", True), ("false", False), ("null", None))
    for written in (word, word.capitalize(), word.upper())  # YAML allows all three, and Python writes True.
}


def read_listing(name: Any) -> list[Any]:
    """Returns the suggestions in a file.

    Raises:
        ConfigError: There is no such file, or it holds no such list; the path is ``file``.
    """
    if not isinstance(name, str) or not name:
        raise ConfigError(f"must be the path of a file, got {name!r}", "file")
    try:
        return _read(find_file(name))
    except ConfigError as error:
        raise error.under("file") from error.__cause__


def _read(path: Path) -> list[Any]:
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return _read_table(path)
    if suffix in {".yaml", ".yml"}:
        found = read_yaml(path)
    elif suffix == ".json":
        found = _read_json(path)
    else:
        raise ConfigError(f"{path} must be a .csv, .yaml, .yml or .json file")
    if not isinstance(found, list):
        raise ConfigError(f"{path} must hold a list of suggestions")
    return found


def _read_json(path: Path) -> Any:
    try:
        return plain(json.loads(_text(path)))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is no JSON: {error}") from error
    except NotPlain as error:
        raise ConfigError(f"{path}: {error}") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as UTF-8 text: {error}") from error


def _read_table(path: Path) -> list[Any]:
    lines = io.StringIO(_text(path), newline="")  # splitlines() would also end a line at U+2028 in a cell.
    reader = csv.reader(lines, skipinitialspace=True, strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise ConfigError(f"{path}, line {reader.line_num}: {error}") from error
    if not rows:
        raise ConfigError(f"{path} is empty; its first line must name the keys")
    keys = _keys(path, *rows[0])
    return [_suggestion(path, line, keys, row) for line, row in rows[1:]]


def _keys(path: Path, line: int, header: Sequence[str]) -> list[tuple[str, ...]]:
    keys = [tuple(name.strip().split(".")) for name in header]
    for place, key in enumerate(keys):
        if "" in key:
            raise ConfigError(f"{path}, line {line}: column {place + 1} has no key, or one with an empty part")
        for other in keys[:place]:
            shorter = min(len(key), len(other))
            if key[:shorter] == other[:shorter]:
                raise ConfigError(f"{path}, line {line}: the keys {'.'.join(other)!r} and {'.'.join(key)!r} collide")
    return keys


def _suggestion(path: Path, line: int, keys: Sequence[tuple[str, ...]], row: Sequence[str]) -> Any:
    if len(row) != len(keys):
        raise ConfigError(f"{path}, line {line}: {len(row)} cells, where the header has {len(keys)}")
    found = _Inner()
    for key, cell in zip(keys, row, strict=True):
        if cell.strip():
            inner: _Inner = found
            for part in key[:-1]:
                inner = inner.setdefault(part, _Inner())
            inner[key[-1]] = _value(path, line, cell.strip())
    return _with_lists(found)


def _value(path: Path, line: int, cell: str) -> Any:
    if cell in _WORDS:
        return _WORDS[cell]
    if _INT.fullmatch(cell) and len(cell) < 600:
        return int(cell)
    if _FLOAT.fullmatch(cell):
        number = float(cell)
        if math.isinf(number) and "inf" not in cell:
            raise ConfigError(f"{path}, line {line}: {cell} is beyond the range of a float")
        return number
    if cell[0] not in '[{"':
        return cell
    try:
        return plain(json.loads(cell))
    except (ValueError, RecursionError, NotPlain) as error:
        raise ConfigError(f"{path}, line {line}: the cell {cell[:60]!r} is no JSON: {error}") from error


class _Inner(dict[str, Any]):
    """Marks a dict that the header makes; dicts in cells are data."""


def _with_lists(found: Any) -> Any:
    """Returns the data with lists for those dicts of the header that have the keys 0, 1, 2, ..."""
    if not isinstance(found, _Inner):
        return found
    inner = {key: _with_lists(value) for key, value in found.items()}
    if inner and sorted(inner) == sorted(map(str, range(len(inner)))):
        return [inner[str(place)] for place in range(len(inner))]
    return inner
