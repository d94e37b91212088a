"""Implements ``search_random``, which makes independent random suggestions, by default no two of them the same.

Suggestion *k* is a function of (seed, k) and of the suggestions before it, whoever made them. Results make no
difference.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

from runlib.engine.component import Component
from runlib.engine.data.canonical import canonical_json
from runlib.engine.data.copies import Copied
from runlib.errors import SearchExhausted, SpaceError
from runlib.search.base import Search, seed_for
from runlib.search.common import checks
from runlib.search.common.history import History
from runlib.search.common.known import Known
from runlib.search.common.points import Points
from runlib.search.common.sampler import Sampler
from runlib.search.common.spaces import space_of
from runlib.search.common.units import Cube
from runlib.space.tree import Space

__all__ = ["RandomSearch"]


class RandomSearch(Search):
    """Makes random suggestions, which follow the distributions of the search space, including priors.

    Unless ``duplicates`` are allowed, a suggestion that was made or adopted before is drawn again, up to
    ``max_sample_attempts`` times. If all of these draws are known, a space with a finite number of points continues
    with a random one of those that are left, and is exhausted when none is left. Any other space is exhausted then.

    A fidelity is at its upper bound.

    Args:
        space: The search space, see ``runlib.Space``.
        seed: The seed; suggestions are a function of it.
        duplicates: Whether a suggestion may come again.
        max_sample_attempts: The number of known draws in a row after which the search stops drawing, see above.
        sampler: A sampler that draws in the place of the search. It is a function of (space, seed), or its name,
            ``"module:name"`` or ``"file.py:name"``, or a registered component that is called like it. It gets the
            ``Space`` and an integer below 2**31. Its suggestion may depend on these alone, and must lie in the space.
        context: The context for a sampler that is a component.

    Raises:
        SpaceError: The search space is wrong, with the place.
        ConfigError: Another argument is wrong.
    """

    kind = "search_random"
    also_called = ("rand", "randomized", "random_sampler", "uniform")
    space = Copied()
    sampler = Copied()

    def __init__(
        self,
        space: Any,
        seed: int = 123,
        duplicates: bool = False,
        max_sample_attempts: int = 50,
        sampler: Component | Callable[[Space, int], Any] | Mapping[str, Any] | str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(context)
        self._space = space_of(space)
        self.space = self._space.data
        self.seed = checks.seed(seed)
        self.duplicates = checks.flag("duplicates", duplicates)
        self.max_sample_attempts = checks.integer("max_sample_attempts", max_sample_attempts, least=1)
        self._sampler = None if sampler is None else Sampler(sampler, self._space, context)
        self.sampler = None if self._sampler is None else self._sampler.config
        self._cube = Cube(self._space)
        self._history = History(0)
        self._known = Known()
        self._rest: _Rest | None = None
        self._memo: tuple[int, int | None] = (-1, None)

    def suggest(self) -> tuple[int, Any]:
        """Returns the next ``(tid, suggestion)``.

        Raises:
            SearchExhausted: There is nothing new to suggest.
            SearchError: The sampler failed.
            SpaceError: Arithmetic in the search space has no finite value there.
        """
        tid = len(self._history)
        suggestion, memo = (self._draw(tid, 0), None) if self.duplicates else self._new(tid)
        self._memo = tid, memo
        return self._history.add(()), suggestion

    def submit(self, tid: int, *, error: bool = False, loss: float | None = None, var: float | None = None) -> None:
        """Notes that trial ``tid`` ended; its result makes no difference.

        Raises:
            SearchError: There is no such trial, it was submitted before, or it has neither loss nor error.
        """
        self._history.hear(tid, error=error, loss=loss)

    def memo(self, tid: int) -> Any:
        """Returns how many points were checked to find one that is left; None if a draw was new."""
        last, memo = self._memo
        return memo if tid == last else None

    def recall(self, tid: int, suggestion: Any, memo: Any) -> None:
        """Takes back an earlier suggestion of this search.

        Raises:
            ReplayMismatch: It is not the next trial.
        """
        self._history.expect(tid)
        if not self.duplicates:
            self._known.add(self.spelled(suggestion) if self._has_steps else suggestion)
        if type(memo) is int:
            self._left().place = memo
        self._history.add(())

    def adopt(self, suggestion: Any) -> int:
        """Adds a trial that this search did not suggest, so that it is not suggested again."""
        self._known.add(self.spelled(suggestion))
        return self._history.add(())

    def forget(self, tid: int) -> None:
        """Drops the result of trial ``tid``; its point still counts as tried.

        Raises:
            SearchError: There is no such trial.
        """
        self._history.hide(tid)

    @functools.cached_property
    def _has_steps(self) -> bool:
        """Returns whether an earlier suggestion may have another spelling: steps were once added up as floats."""
        text = canonical_json(self._space.data)
        return b"step" in text or b"hp_q" in text

    def _draw(self, tid: int, attempt: int) -> Any:
        if self._sampler is None:
            return self._space.assemble(self._cube.random_row(self.seed, tid, attempt))
        seed = seed_for(self.seed, tid)
        return self._sampler(seed if not attempt else seed_for(seed, attempt))

    def _new(self, tid: int) -> tuple[Any, int | None]:
        for attempt in range(self.max_sample_attempts):
            suggestion = self._draw(tid, attempt)
            if self._known.add(suggestion):
                return suggestion, None
        return self._from_what_is_left()

    def _from_what_is_left(self) -> tuple[Any, int]:
        left = self._left()
        while left.place < left.count:
            suggestion = self._space.assemble(left.row())
            left.place += 1
            if self._known.add(suggestion):
                return suggestion, left.place
        raise SearchExhausted(
            f"all {left.count} points of the search space were suggested"
            if left.count
            else f"the last {self.max_sample_attempts} draws in a row were known already"
        )

    def _left(self) -> _Rest:
        if self._rest is None:
            self._rest = _Rest(self._space if self._sampler is None else None, self.seed)
        return self._rest


class _Rest:
    """Holds all points of a finite search space in a random order.

    Attributes:
        count: The number of points; 0 if they cannot be counted, or are not needed.
        place: The place in the order to look at next.
    """

    def __init__(self, space: Space | None, seed: int) -> None:
        self.place, self.count = 0, 0
        if space is not None and space.count() is not None:
            try:
                self._points = Points(space, 1)
            except SpaceError:  # A variable is rounded to very many multiples.
                return
            self.count = self._points.count
            self._start = seed_for(seed, -1) % self.count
            self._stride = _coprime(seed_for(seed, -2), self.count)

    def row(self) -> list[float]:
        """Returns the raw numbers of the point at ``place``."""
        return self._points.row((self._start + self.place * self._stride) % self.count)


def _coprime(start: int, count: int) -> int:
    """Returns a number with multiples that reach all of ``range(count)``, modulo ``count``."""
    stride = start % count or 1
    while math.gcd(stride, count) != 1:
        stride += 1
    return stride
