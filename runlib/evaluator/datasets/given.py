"""Makes a dataset from what a user may give: a path to a file, a config, or an object."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runlib.engine.component import Component
from runlib.errors import ConfigError
from runlib.evaluator.datasets.base import Dataset
from runlib.evaluator.datasets.csv_file import CsvDataset
from runlib.evaluator.datasets.npz_file import NpzDataset

__all__ = ["as_dataset"]


def as_dataset(owner: Component, argument: str, value: Any, target: str | None = None) -> Dataset:
    """Returns the dataset for an argument of ``owner``: a path to ``.npz`` or ``.csv``, a config, or an object.

    Args:
        owner: The component with the argument; its context is handed to the dataset.
        argument: The name of the argument, for errors.
        value: The given value.
        target: The target column of a ``.csv``, which needs it, or the array of an ``.npz``; for paths only.

    Raises:
        ConfigError: It is none of these, with ``argument`` in its path.
    """
    if not isinstance(value, str):
        if target is not None:
            raise ConfigError(f"is only for datasets given as paths; {argument!r} has its own", "target")
        return owner.build(argument, value, Dataset)
    try:
        return _from_path(value, target, owner.given_context)
    except ConfigError as error:
        raise error if error.path == "target" else ConfigError(error.reason, argument) from error


def _from_path(name: str, target: str | None, context: Mapping[str, Any]) -> Dataset:
    suffix = Path(name).suffix.lower()
    if suffix == ".npz":
        return NpzDataset(name, y=target or "y", context=context)
    if suffix != ".csv":
        raise ConfigError(f"a dataset is a path to an .npz or .csv file, or a config, got {name!r}")
    if target is None:
        raise ConfigError(f"is missing: {name!r} is a .csv file, so say which column is predicted", "target")
    return CsvDataset(name, target, context=context)
