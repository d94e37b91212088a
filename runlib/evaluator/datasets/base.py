"""Defines datasets, the components on which a model is trained and tested.

A dataset says where its numbers are and reads them only when asked. So it is cheap to make, and a worker reads its data
once. Its constructor checks that the file exists. The result of ``load`` is checked: numbers, as many targets as
inputs, at least one.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runlib.engine.component import Component
from runlib.engine.extras import load as load_module
from runlib.engine.registry import find_file
from runlib.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Arrays", "Dataset", "check_arrays", "find_data", "hash_file"]

Arrays = tuple["NDArray[Any]", "NDArray[Any]"]


class Dataset(Component, abstract=True):
    """Is the base class of all datasets: override ``load``."""

    def load(self) -> Arrays:
        """Returns ``(x, y)``: inputs (n, ...), mostly (n, features), and targets (n,) or (n, targets)."""
        raise NotImplementedError(f"{type(self).__qualname__} has no load()")

    def fingerprint(self) -> str | None:
        """Returns a hash of what the config does not show, the content of files; None if there is nothing like this."""
        return None


def check_arrays(x: Any, y: Any, where: str) -> Arrays:
    """Returns ``x`` and ``y`` as arrays of numbers.

    Args:
        x: The inputs.
        y: The targets.
        where: The name of the dataset in errors.

    Raises:
        ConfigError: They are no numbers, of unequal length, empty, or a target is not finite.
    """
    numpy = load_module("numpy")
    x, y = numpy.asarray(x), numpy.asarray(y)
    for name, array in (("x", x), ("y", y)):
        if array.dtype.kind not in "biuf":
            raise ConfigError(f"{where}: {name} must hold numbers, but is of type {array.dtype}")
        if array.ndim == 0:
            raise ConfigError(f"{where}: {name} must hold one entry per sample, but is a single number")
    if len(x) != len(y):
        raise ConfigError(f"{where}: x has {len(x)} samples and y has {len(y)}; they must be equally many")
    if not len(y):
        raise ConfigError(f"{where}: it holds no samples")
    if not numpy.isfinite(y).all():
        raise ConfigError(f"{where}: y holds {int((~numpy.isfinite(y)).sum())} values that are not finite")
    return x, y


def find_data(file: Any) -> Path:
    """Returns the absolute path of the file that the argument ``file`` names.

    Raises:
        ConfigError: There is no such file.
    """
    if not isinstance(file, str) or not file:
        raise ConfigError(f"must be a path, got {file!r}", "file")
    try:
        return find_file(file)
    except ConfigError as error:
        raise error.under("file") from error


def hash_file(path: Path) -> str:
    """Returns a hash of the content of a file: 32 hexadecimal digits.

    Raises:
        ConfigError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
