"""Implements ``search_grid``, which suggests every point of a grid once, in a fixed order.

Nothing is listed in advance. Point *i* is computed from its number, so a grid may have any size.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runlib.engine.data.copies import Copied
from runlib.engine.extras import load
from runlib.errors import ConfigError, ReplayMismatch, SearchExhausted
from runlib.search.base import Search
from runlib.search.common import checks
from runlib.search.common.history import History
from runlib.search.common.known import Known
from runlib.search.common.points import Points
from runlib.search.common.spaces import space_of
from runlib.space.nodes import same

__all__ = ["GridSearch"]

RESOLUTION = 5


class GridSearch(Search):
    """Suggests all points of a grid over the search space, each once.

    A variable with a finite number of values has all of them in the grid. Any other has ``resolution`` values, which
    are evenly spaced between the bounds and include these, in the logarithm if the range is logarithmic. For a normal
    they are the middles of equal shares of its draws. A single value is the middle. A variable that depends on a choice
    varies only where it is active.

    The order is that of nested loops over the variables sorted by label, and the last one changes fastest. The options
    of a choice follow one another, each with everything that depends on it. A point is skipped if its suggestion was
    made or adopted before. A fidelity is at its upper bound.

    Args:
        space: The search space, see ``runlib.Space``.
        seed: The seed; it has no effect, because nothing is random.
        resolution: The number of values, at least 1, of a variable with infinitely many: one number for all, or numbers
            by label, with 5 for the others. By label it also thins out numbers with very many values.
        context: Not used by this search.

    Attributes:
        count: The number of points. ``len()`` is the same, and fails beyond the largest machine integer.

    Raises:
        SpaceError: The search space is wrong, or a variable has too many values to list.
        ConfigError: Another argument is wrong.
    """

    kind = "search_grid"
    also_called = ("grid_sampler", "brute_force", "brute", "exhaustive")
    space = Copied()
    resolution = Copied()

    def __init__(
        self,
        space: Any,
        seed: int = 123,
        resolution: int | Mapping[str, int] = RESOLUTION,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(context)
        self._space = space_of(space)
        self.space = self._space.data
        self.seed = checks.seed(seed)
        self.resolution = checks.data("resolution", resolution)
        common, given = self._resolutions()
        self._points = Points(self._space, common, given)
        self._history = History(0)
        self._known = Known()
        self._place = 0

    @property
    def count(self) -> int:
        """Returns the number of points of the grid; points with equal suggestions count separately."""
        return self._points.count

    def __len__(self) -> int:
        return self.count

    def __bool__(self) -> bool:
        return True

    def suggest(self) -> tuple[int, Any]:
        """Returns the next ``(tid, suggestion)``.

        Raises:
            SearchExhausted: All points were suggested.
            SpaceError: Arithmetic in the search space has no finite value there.
        """
        while self._place < self.count:
            suggestion = self._at(self._place)
            self._place += 1
            if self._known.add(suggestion):
                return self._history.add(()), suggestion
        raise SearchExhausted(f"all {self.count} points of the grid were suggested")

    def submit(self, tid: int, *, error: bool = False, loss: float | None = None, var: float | None = None) -> None:
        """Notes that trial ``tid`` ended; its result makes no difference.

        Raises:
            SearchError: There is no such trial, it was submitted before, or it has neither loss nor error.
        """
        self._history.hear(tid, error=error, loss=loss)

    def memo(self, tid: int) -> Any:
        """Returns the number of the point that was suggested last."""
        return self._place - 1

    def recall(self, tid: int, suggestion: Any, memo: Any) -> None:
        """Takes back an earlier suggestion of this search: the point with the number in the memo.

        Raises:
            ReplayMismatch: It is not the next trial, or not that point.
        """
        self._history.expect(tid)
        if type(memo) is not int or not self._place <= memo < self.count:
            raise ReplayMismatch(f"trial {tid} cannot be recalled: it is not point {memo!r} of the grid")
        point = self._at(memo)
        # Only an older tape may spell the point differently. Spelling every point would take longer than reading it.
        if not same(point, suggestion) and not same(point, self.spelled(suggestion)):
            raise ReplayMismatch(f"trial {tid} cannot be recalled: it is not point {memo!r} of the grid")
        self._known.add(point)
        self._place = memo + 1
        self._history.add(())

    def adopt(self, suggestion: Any) -> int:
        """Adds a trial that this search did not suggest; if it is a point of the grid, it is not suggested again."""
        self._known.add(self.spelled(suggestion))
        return self._history.add(())

    def forget(self, tid: int) -> None:
        """Drops the result of trial ``tid``; its point still counts as tried.

        Raises:
            SearchError: There is no such trial.
        """
        self._history.hide(tid)

    def _at(self, number: int) -> Any:
        return self._space.assemble(self._points.row(number))

    def _resolutions(self) -> tuple[int, dict[str, int]]:
        """Returns the resolution of all variables, and the resolutions by label."""
        if not isinstance(self.resolution, dict):
            return checks.integer("resolution", self.resolution, least=1), {}
        known = [variable.label for variable in self._space.variables]
        for label, value in self.resolution.items():
            if label not in known:
                near = load("difflib").get_close_matches(label, known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known) or 'none'}"
                raise ConfigError(f"there is no variable of this label; {hint}", f"resolution.{label}")
            checks.integer(f"resolution.{label}", value, least=1)
        return RESOLUTION, self.resolution
