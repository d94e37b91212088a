"""Implements ``data_csv``: it reads a table with a header, and names a cell that is no number by line and column."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from typing import Any

from runlib.engine.extras import load as load_module
from runlib.errors import ConfigError
from runlib.evaluator.datasets.base import Arrays, Dataset, check_arrays, find_data, hash_file

__all__ = ["CsvDataset"]


class CsvDataset(Dataset):
    """Reads a table with a header from a ``.csv`` file: one row per sample, numbers only in the columns that are used.

    Args:
        file: The path of the file, looked for in the working folder and next to the config.
        target: The name of the column to be predicted.
        features: The names of the columns that are inputs; None for all others.
        delimiter: The character between two cells.
        context: Not used.

    Raises:
        ConfigError: There is no such file; from ``load``: a column is missing, or a cell is no number.
    """

    kind = "data_csv"

    def __init__(
        self,
        file: str,
        target: str,
        features: Sequence[str] | None = None,
        delimiter: str = ",",
        context: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(context)
        if not isinstance(delimiter, str) or len(delimiter) != 1:
            raise ConfigError(f"must be one character, got {delimiter!r}", "delimiter")
        if features is not None and (isinstance(features, str) or not features):
            raise ConfigError(f"must be a list of at least one column, got {features!r}", "features")
        self.file = file
        self.target = target
        self.features = features
        self.delimiter = delimiter
        self._path = find_data(file)

    def load(self) -> Arrays:
        """Returns inputs (n, features), in the order of ``features`` or of the file, and targets (n,)."""
        header, rows = self._read()
        names = list(self.features) if self.features is not None else [n for n in header if n != self.target]
        indices = [self._index(header, name) for name in [*names, self.target]]
        numbers = [[self._number(row, header, index, line) for index in indices] for line, row in rows]
        table = load_module("numpy").array(numbers, dtype=float).reshape(len(numbers), len(indices))
        return check_arrays(table[:, :-1], table[:, -1], str(self._path))

    def _read(self) -> tuple[list[str], list[tuple[int, list[str]]]]:
        try:
            with self._path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.reader(file, delimiter=self.delimiter)
                header = [name.strip() for name in next(reader, [])]
                return header, [(reader.line_num, row) for row in reader if any(map(str.strip, row))]
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise ConfigError(f"{self._path} cannot be read as a .csv file: {error}") from error

    def _index(self, header: list[str], name: str) -> int:
        if header.count(name) != 1:
            fault = f"has the column {name!r} twice" if name in header else f"has no column {name!r}"
            raise ConfigError(f"{self._path} {fault}; its columns are {', '.join(header)}")
        return header.index(name)

    def _number(self, row: list[str], header: list[str], index: int, line: int) -> float:
        if len(row) != len(header):
            raise ConfigError(f"{self._path}, line {line}: {len(row)} cells under {len(header)} columns")
        try:
            return float(row[index])
        except ValueError:
            place = f"{self._path}, line {line}, column {header[index]!r}"
            raise ConfigError(f"{place}: {row[index]!r} is no number") from None

    def fingerprint(self) -> str | None:
        """Returns a hash of the content of the file."""
        return hash_file(self._path)
