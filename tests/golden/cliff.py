"""What the golden runs with failures were made of: an evaluator that fails beyond an edge, and a small optimizer."""

from __future__ import annotations

import random
from typing import Any

from runlib.engine.component import Component
from runlib.evaluator.base import Evaluator

__all__ = ["Cliff", "Walker"]


class Cliff(Evaluator):
    """(x - 3.5)² up to x = 4; beyond it, every evaluation fails."""

    kind = "golden_cliff"

    def __call__(self, suggestion: Any) -> float:
        if suggestion["x"] > 4:
            raise RuntimeError("over the edge")
        return float((suggestion["x"] - 3.5) ** 2)


class Walker(Component):
    """Steps at random around the best that it was told of; it cannot hear of failures."""

    kind = "golden_walker"

    def __init__(self, seed: int = 1, context: Any = None) -> None:
        super().__init__(context)
        self.seed = seed
        self._asked = 0
        self._best: tuple[float, float] | None = None

    def ask(self) -> dict[str, float]:
        rng = random.Random(f"{self.seed}/{self._asked}")
        self._asked += 1
        centre = 0.0 if self._best is None else self._best[1]
        return {"x": min(5.0, max(-5.0, centre + rng.uniform(-2, 2)))}

    def tell(self, key: Any, loss: float) -> None:
        if self._best is None or loss < self._best[0]:
            self._best = loss, key["x"]
        else:
            # A result that is no improvement moves the walk too, so that each one that is told shows.
            self._best = self._best[0], self._best[1] + 0.01
