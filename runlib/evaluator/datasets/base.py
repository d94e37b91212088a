"""Datasets: what a model is trained on and tested with, as components.

A dataset says where its numbers are and reads them only when asked, so that making one is cheap and a worker reads
its data once. That its file exists is seen when it is made. What ``load`` gives is checked: numbers, as many
targets as inputs, at least one.
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
    """Base of all datasets: override ``load``."""

    def load(self) -> Arrays:
        """``(x, y)``: inputs of shape (n, ...), mostly (n, features), and targets of shape (n,) or (n, targets)."""
        raise NotImplementedError(f"{type(self).__qualname__} has no load()")

    def fingerprint(self) -> str | None:
        """A hash of what the config does not show, the content of files; None if there is no such thing."""
        return None


def check_arrays(x: Any, y: Any, where: str) -> Arrays:
    """``x`` and ``y`` as arrays of numbers.

    Args:
        x: The inputs.
        y: The targets.
        where: Names the dataset in errors.

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
    """The absolute path of the file that the argument ``file`` names.

    Raises:
        ConfigError: There is none.
    """
    if not isinstance(file, str) or not file:
        raise ConfigError(f"must be a path, got {file!r}", "file")
    try:
        return find_file(file)
    except ConfigError as error:
        raise error.under("file") from error


def hash_file(path: Path) -> str:
    """A hash of the content of a file: 32 hexadecimal digits.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
