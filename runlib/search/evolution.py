"""``search_evolution``: regularised evolution, in which the oldest die whatever they are worth.

Real, Aggarwal, Huang and Le, Regularized Evolution for Image Classifier Architecture Search, AAAI 2019, Algorithm 1.
Suggestion *k* is a function of (seed, k) and of the trials that are finished.
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
    """Evolution with aging: the best of a few of the youngest trials has a child, which differs in one variable.

    The first ``population`` trials are random. From then on ``sample`` of the ``population`` youngest finished trials
    are picked at random, with replacement, and the best of these (of equal ones the youngest) is the parent: one of its
    active variables is changed, and if that is a choice, what becomes active is drawn at random. Of that algorithm this
    is the parallel form: trials that are under way count towards the random ones, and are no parents. A failed trial
    takes part as the worst there is, and has no child: where all that were picked failed, the next one is drawn at
    random; without ``errors_ok`` it does not count at all. Nor do voided ones. Young means suggested late.

    An adopted suggestion takes part like an own one if it lies in the search space. A fidelity is at its upper bound.

    Args:
        space: The search space, see ``runlib.Space``.
        seed: Suggestions are a function of it and of the history.
        population: How many trials live at a time, at least 2.
        sample: Of how many the best one has a child; from 1, which is a random walk, to ``population``.
        scale: How far a number moves: the standard deviation of its step, as a share of all draws from its
            distribution; None to draw it anew, as options are, and as the paper has it.
        errors_ok: Whether failed trials take part as the worst there is.
        context: Not used by this search.

    Raises:
        SpaceError: The search space is wrong, with the place.
        ConfigError: Another argument is.
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
        """The next ``(tid, suggestion)``; never exhausted, points of a small space repeat.

        Raises:
            SpaceError: Arithmetic in the search space has no finite value there.
        """
        rng = random.Random(seed_for(self.seed, len(self._history)))
        parent = self._parent(rng)
        row = self._mutation.random_row(rng) if parent is None else self._mutation.child(parent, rng)
        suggestion = self._space.assemble(row)
        return self._history.add(row), suggestion

    def submit(self, tid: int, *, error: bool = False, loss: float | None = None, var: float | None = None) -> None:
        """Learn what became of trial ``tid``; a loss that is NaN counts as a failure.

        Raises:
            SearchError: There is no such trial, it was submitted before, or it has neither loss nor error.
        """
        self._history.hear(tid, error=error, loss=loss, worst=math.inf if self.errors_ok else None)

    def memo(self, tid: int) -> Any:
        """The indices of the options of trial ``tid``, and exponents, by label; None if there are none."""
        return self._space.memo(self._history.row(tid))

    def recall(self, tid: int, suggestion: Any, memo: Any) -> None:
        """Take back an own suggestion of old, read off it and its memo.

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
        """Take in a trial of somebody else; it may become a parent if it lies in the search space."""
        return self._history.add(self._space.locate(shaped(suggestion)))

    def forget(self, tid: int) -> None:
        """Trial ``tid`` no longer takes part, unless a new result of it is submitted.

        Raises:
            SearchError: There is no such trial.
        """
        self._history.hide(tid)

    def _parent(self, rng: random.Random) -> Any:
        """The row of the trial that has a child now; None as long as suggestions are random."""
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
        """The youngest finished trials, the youngest first; failed ones among them if they take part."""
        states, found = self._history.states, list[int]()
        tid = states.rfind(DONE)
        while tid >= 0 and len(found) < self.population:
            found.append(tid)
            tid = states.rfind(DONE, 0, tid)
        return found
