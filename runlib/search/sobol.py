"""Implements ``search_sobol``: points of a Sobol sequence, which fill the search space more evenly than random ones.

The k-th suggestion of the search is point *k* of the sequence, a function of (seed, k) alone. scipy makes the points in
blocks, which begin at multiples of their length. It is imported at the first suggestion.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from runlib.engine.data.copies import Copied
from runlib.engine.data.shape import shaped
from runlib.engine.extras import load
from runlib.errors import SearchExhausted, SpaceError
from runlib.search.base import Search, seed_for
from runlib.search.common import checks
from runlib.search.common.history import History
from runlib.search.common.spaces import space_of
from runlib.search.common.units import Cube

__all__ = ["SobolSearch"]

BLOCK = 256  # points, a power of 2
BITS = 30  # bits of a coordinate, scipy's default
MAX_DIMENSIONS = 21201  # There are direction numbers for so many.


class SobolSearch(Search):
    """Makes quasi-random suggestions by ``scipy.stats.qmc.Sobol``.

    Each variable has a dimension, in the order of the labels, and takes the quantile of its distribution there; this
    holds for numbers, integers, options and priors alike. The dimension of an inactive variable is not used. A
    coordinate is the middle of its cell, 2**-31 more than scipy has, so that no suggestion lies at the far end of a
    normal.

    Suggestions repeat if the space has few points. A fidelity is at its upper bound.

    Args:
        space: The search space, see ``runlib.Space``; at most 21201 variables.
        seed: The seed of the scrambling.
        scramble: Whether the points are scrambled at random (Owen 1998, as scipy does it). Without it, ``seed`` has no
            effect, and the first suggestion is at the lower ends.
        context: Not used by this search.

    Raises:
        SpaceError: The search space is wrong, with the place, or has too many variables.
        ConfigError: Another argument is wrong.
    """

    kind = "search_sobol"
    also_called = (
        "qmc",
        "quasi",
        "quasi_random",
        "quasirandom",
        "quasi_monte_carlo",
        "halton",
        "lhs",
        "latin_hypercube",
    )
    space = Copied()

    def __init__(
        self, space: Any, seed: int = 123, scramble: bool = True, context: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(context)
        self._space = space_of(space)
        self.space = self._space.data
        self.seed = checks.seed(seed)
        self.scramble = checks.flag("scramble", scramble)
        self._cube = Cube(self._space)
        if self._cube.width > MAX_DIMENSIONS:
            raise SpaceError(
                f"has {self._cube.width} variables; a Sobol sequence has {MAX_DIMENSIONS} at most", "space"
            )
        self._history = History(0)
        self._made = 0
        self._engine: Any = None
        self._ahead = 0  # number of points that the engine made or skipped
        self._block: tuple[int, list[list[float]]] = (-1, [])

    def suggest(self) -> tuple[int, Any]:
        """Returns the next ``(tid, suggestion)``.

        Raises:
            SearchExhausted: The sequence is at its end, after 2**30 points.
            SpaceError: Arithmetic in the search space has no finite value there.
        """
        if self._made >= 2**BITS:
            raise SearchExhausted(f"all 2**{BITS} points of the sequence were suggested")
        suggestion = self._space.assemble(self._cube.row(self._point(self._made)))
        self._made += 1
        return self._history.add(()), suggestion

    def submit(self, tid: int, *, error: bool = False, loss: float | None = None, var: float | None = None) -> None:
        """Notes that trial ``tid`` ended; its result makes no difference.

        Raises:
            SearchError: There is no such trial, it was submitted before, or it has neither loss nor error.
        """
        self._history.hear(tid, error=error, loss=loss)

    def recall(self, tid: int, suggestion: Any, memo: Any) -> None:
        """Takes back an earlier suggestion of this search.

        Raises:
            ReplayMismatch: It is not the next trial.
        """
        self._history.expect(tid)
        self._made += 1
        self._history.add(())

    def adopt(self, suggestion: Any) -> int:
        """Adds a trial that this search did not suggest; the sequence continues as before."""
        shaped(suggestion)
        return self._history.add(())

    def forget(self, tid: int) -> None:
        """Drops the result of trial ``tid``.

        Raises:
            SearchError: There is no such trial.
        """
        self._history.hide(tid)

    def _point(self, number: int) -> list[float]:
        """Returns the coordinates of a point, in (0, 1) and in the order of the labels."""
        block, place = divmod(number, BLOCK)
        if block != self._block[0]:
            self._block = block, self._next_block(block * BLOCK)
        return self._block[1][place]

    def _next_block(self, start: int) -> list[list[float]]:
        if not self._cube.width:
            return [[]] * BLOCK
        if self._engine is None or self._ahead > start:
            self._engine, self._ahead = _sobol(self._cube.width, self.scramble, seed_for(self.seed, 0)), 0
        if start > self._ahead:
            self._engine.fast_forward(start - self._ahead)
        self._ahead = start + BLOCK
        found: list[list[float]] = (self._engine.random(BLOCK) + 2.0 ** -(BITS + 1)).tolist()
        return found


def _sobol(dimensions: int, scramble: bool, seed: int) -> Any:
    made = load("scipy.stats.qmc").Sobol
    rng = load("numpy.random").default_rng(seed)
    name = "rng" if "rng" in inspect.signature(made.__init__).parameters else "seed"  # the name before scipy 1.15
    return made(dimensions, scramble=scramble, bits=BITS, **{name: rng})
