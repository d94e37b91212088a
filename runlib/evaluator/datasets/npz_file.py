"""Implements ``data_npz``: it reads arrays from a file of numpy, and unpickles nothing in it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from runlib.engine.extras import load as load_module
from runlib.errors import ConfigError
from runlib.evaluator.datasets.base import Arrays, Dataset, check_arrays, find_data, hash_file

__all__ = ["NpzDataset"]


class NpzDataset(Dataset):
    """Reads two arrays from an ``.npz`` file of numpy.

    Args:
        file: The path of the file, looked for in the working folder and next to the config.
        x: The name of the inputs in the file.
        y: The name of the targets in the file.
        context: Not used.

    Raises:
        ConfigError: There is no such file; from ``load``: it is none of numpy, or lacks one of the names.
    """

    kind = "data_npz"

    def __init__(self, file: str, x: str = "x", y: str = "y", context: Mapping[str, Any] | None = None) -> None:
        super().__init__(context)
        self.file = file
        self.x = x
        self.y = y
        self._path = find_data(file)

    def load(self) -> Arrays:
        """Returns the two arrays."""
        arrays = self._read()
        for name in (self.x, self.y):
            if name not in arrays:
                raise ConfigError(f"{self._path} has no array {name!r}; it has {', '.join(arrays) or 'none'}")
        return check_arrays(arrays[self.x], arrays[self.y], str(self._path))

    def _read(self) -> dict[str, Any]:
        zipfile = load_module("zipfile")  # It is slow to import.
        try:
            with zipfile.ZipFile(self._path):  # numpy would also read an .npy file.
                pass
            with load_module("numpy").load(self._path, allow_pickle=False) as arrays:
                return {name: arrays[name] if name in (self.x, self.y) else None for name in arrays.files}
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error, ValueError) as error:
            raise ConfigError(f"{self._path} cannot be read as an .npz file of numbers: {error}") from error

    def fingerprint(self) -> str | None:
        """Returns a hash of the content of the file."""
        return hash_file(self._path)
