"""Computes random points of the unit cube from a few numbers each, and the rows of a search space at these points.

There is no stream. Point *k* is a hash of (seed, k), so no earlier draws have to be repeated to compute it. The numbers
of a point go to the variables in the order of their labels, so the order of keys in a config makes no difference.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence

from runlib.space.nodes import Row, Variable
from runlib.space.tree import Space

__all__ = ["Cube", "by_label", "units"]

ULP = 2.0**-53


def units(seed: int, k: int, count: int, attempt: int = 0) -> list[float]:
    """Returns ``count`` numbers, uniform in [0, 1): SHAKE-128 of seed, k and attempt, 53 bits for each."""
    digest = hashlib.shake_128(f"{seed}/{k}/{attempt}".encode()).digest(8 * count)
    return [(x >> 11) * ULP for x in struct.unpack(f"<{count}Q", digest)]


def by_label(space: Space) -> list[Variable]:
    """Returns the variables in an order that does not depend on how the space was written down."""
    return sorted(space.variables, key=lambda variable: variable.label)


class Cube:
    """Represents the unit cube over a search space.

    Attributes:
        width: The number of its dimensions.
    """

    def __init__(self, space: Space) -> None:
        self.width = len(space.variables)
        self._space = space
        places = {variable.index: place for place, variable in enumerate(by_label(space))}
        self._places = [places[index] for index in range(self.width)]

    def row(self, point: Sequence[float]) -> Row:
        """Returns the raw numbers at a point; its coordinates are in the order of the labels."""
        return self._space.row_at([point[place] for place in self._places])

    def random_row(self, seed: int, k: int, attempt: int = 0) -> Row:
        """Returns the raw numbers at random point ``k``."""
        return self.row(units(seed, k, self.width, attempt))
