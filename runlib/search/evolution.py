"""Implements ``search_evolution``: regularised evolution, which drops the oldest trials, however good they are.

The source is Real, Aggarwal, Huang and Le, Regularized Evolution for Image Classifier Architecture Search, AAAI 2019,
Algorithm 1. Suggestion *k* is a function of (seed, k) and of the finished trials.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import Any, ClassVar

from runlib.engine.data.copies import Copied
from runlib.engine.data.shape import shaped
from runlib.errors import ConfigError, ReplayMismatch, SpaceError
from runlib.search.base import Search, seed_for
from runlib.search.common import checks
from runlib.search.common.history import DONE, PENDING, History
from runlib.search.common.mutation import Mutation
from runlib.search.common.spaces import space_of

__all__ = ["EvolutionSearch"]


class EvolutionSearch(Search):
    """Runs evolution with aging: the best of a few of the youngest trials has a child that differs in one variable.

    The first ``population`` trials are random. From then on, ``sample`` of the ``population`` youngest finished trials
    are picked at random, with replacement. The best of these is the parent (of equal ones, the youngest). Young means
    suggested late. One active variable of the parent is changed; if it is a choice, the variables that become active
    are drawn at random. This is the parallel form of the algorithm: running trials count towards the random ones, and
    are no parents.

    A failed trial takes part as the worst possible, and has no child. If all picked trials failed, the next one is
    drawn at random. Without ``errors_ok`` a failed trial does not count at all. A voided trial never counts.

    An adopted suggestion takes part like an own one if it lies in the search space. A fidelity is at its upper bound.

    Args:
        space: The search space, see ``runlib.Space``.
        seed: The seed; suggestions are a function of it and of the history.
        population: The number of trials in the population, at least 2.
        sample: The number of picked trials; the best of them has a child. From 1, which is a random walk, to
            ``population``.
        scale: The standard deviation of the step of a number, as a share of all draws from its distribution; None to
            draw the number again, as options are, and as in the paper.
        errors_ok: Whether failed trials take part as the worst possible.
        context: Not used by this search.

    Raises:
        SpaceError: The search space is wrong, with the place.
        ConfigError: Another argument is wrong.
    """

    kind = "search_evolution"
    also_called = ("evolutionary", "genetic", "ga", "regularized_evolution", "regularised_evolution")
    earlier_defaults: ClassVar[Mapping[str, Any]] = {"errors_ok": False}
    space = Copied()

    def __init__(
        self,
        space: Any,
        seed: int = 123,
        population: int = 50,
        sample: int = 10,
        scale: float | None = 0.1,
        errors_ok: bool = True,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(context)
        self._space = space_of(space)
        self.space = self._space.data
        self.seed = checks.seed(seed)
        self.population = checks.integer("population", population, least=2)
        self.sample = checks.integer("sample", sample, least=1)
        if self.sample > self.population:
            raise ConfigError(f"must not be above the population of {self.population}, got {self.sample}", "sample")
        self.scale = None if scale is None else checks.positive("scale", scale)
        self.errors_ok = checks.flag("errors_ok", errors_ok)
        self._mutation = Mutation(self._space, self.scale)
        self._history = History(len(self._space.variables))

    def suggest(self) -> tuple[int, Any]:
        """Returns the next ``(tid, suggestion)``; it is never exhausted, and points of a small space repeat.

        Raises:
            SpaceError: Arithmetic in the search space has no finite value there.
        """
        rng = random.Random(seed_for(self.seed, len(self._history)))
        parent = self._parent(rng)
        row = self._mutation.random_row(rng) if parent is None else self._mutation.child(parent, rng)
        suggestion = self._space.assemble(row)
        return self._history.add(row), suggestion

    def submit(self, tid: int, *, error: bool = False, loss: float | None = None, var: float | None = None) -> None:
        """Learns the outcome of trial ``tid``; a loss that is NaN counts as a failure.

        Raises:
            SearchError: There is no such trial, it was submitted before, or it has neither loss nor error.
        """
        self._history.hear(tid, error=error, loss=loss, worst=math.inf if self.errors_ok else None)

    def memo(self, tid: int) -> Any:
        """Returns the indices of the options of trial ``tid``, and exponents, by label; None if there are none."""
        return self._space.memo(self._history.row(tid))

    def recall(self, tid: int, suggestion: Any, memo: Any) -> None:
        """Takes back an earlier suggestion of this search, which is read from the suggestion and its memo.

        Raises:
            ReplayMismatch: It is not the next trial, or not of this search space.
        """
        self._history.expect(tid)
        try:
            row = self._space.read(suggestion, memo)
        except SpaceError as error:
            raise ReplayMismatch(f"trial {tid} cannot be recalled: it {error.reason}") from error
        self._history.add(row)

    def adopt(self, suggestion: Any) -> int:
        """Adds a trial that this search did not suggest; it may become a parent if it lies in the search space."""
        return self._history.add(self._space.locate(shaped(suggestion)))

    def forget(self, tid: int) -> None:
        """Excludes trial ``tid``, unless a new result of it is submitted.

        Raises:
            SearchError: There is no such trial.
        """
        self._history.hide(tid)

    def _parent(self, rng: random.Random) -> Any:
        """Returns the row of the trial that has a child now; None as long as suggestions are random."""
        history = self._history
        if history.states.count(PENDING) + history.states.count(DONE) < self.population:
            return None
        living = self._living()
        if not living:
            return None
        picked = (rng.choice(living) for _ in range(self.sample))
        best = min(picked, key=lambda tid: (history.losses[tid], -tid))
        return None if history.losses[best] == math.inf else history.row(best)

    def _living(self) -> list[int]:
        """Returns the youngest finished trials, the youngest first, with failed ones if these take part."""
        states, found = self._history.states, list[int]()
        tid = states.rfind(DONE)
        while tid >= 0 and len(found) < self.population:
            found.append(tid)
            tid = states.rfind(DONE, 0, tid)
        return found
