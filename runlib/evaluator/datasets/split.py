"""Implements ``data_split``: the training or the test part of another dataset, the same ones in every process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runlib.engine.data.native import native
from runlib.engine.extras import load as load_module
from runlib.errors import ConfigError
from runlib.evaluator.datasets.base import Arrays, Dataset
from runlib.evaluator.datasets.given import as_dataset

__all__ = ["SplitDataset"]


class SplitDataset(Dataset):
    """Holds one part of another dataset, which is shuffled and cut in two, always in the same way.

    Args:
        data: The whole dataset, as a path, a config or an object.
        part: The name of the part, ``"train"`` or ``"test"``.
        share: The share of the whole that is the test part, between 0 and 1; each part has at least one sample.
        seed: The seed of the shuffling (numpy's default generator).
        target: The target column or array, if ``data`` is a path.
        context: The context for ``data``.
    """

    kind = "data_split"

    def __init__(
        self,
        data: Any,
        part: str,
        share: float = 0.25,
        seed: int = 0,
        target: str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(context)
        if part not in ("train", "test"):
            raise ConfigError(f"must be 'train' or 'test', got {part!r}", "part")
        share, seed = native(share), native(seed)
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1:
            raise ConfigError(f"must be between 0 and 1, got {share!r}", "share")
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise ConfigError(f"must be a whole number of at least 0, got {seed!r}", "seed")
        self._data = as_dataset(self, "data", data, target)
        self.data = data if isinstance(data, str) else self._data
        self.part = part
        self.share = share
        self.seed = seed
        self.target = target

    def load(self) -> Arrays:
        """Returns the part of ``x`` and ``y``."""
        x, y = self._data.load()
        if len(y) < 2:
            raise ConfigError(f"cannot be split in two: it holds {len(y)} sample", "data")
        order = load_module("numpy").random.default_rng(self.seed).permutation(len(y))
        cut = min(max(1, round(self.share * len(y))), len(y) - 1)
        chosen = order[:cut] if self.part == "test" else order[cut:]
        return x[chosen], y[chosen]

    def fingerprint(self) -> str | None:
        """Returns the fingerprint of the whole dataset."""
        return self._data.fingerprint()
