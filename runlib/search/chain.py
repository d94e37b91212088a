"""Implements ``search_chain``: the first suggestions come from one search, the next ones from another that knows them.

The current part and the later ones count all trials, and adopt those of the other parts. So a ``tid`` means the same
trial in all of them. A part that is done receives nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from runlib.engine.arguments import by_position
from runlib.engine.component import from_config, is_config
from runlib.engine.data.copies import Copied
from runlib.engine.data.shape import shaped
from runlib.errors import ConfigError, ReplayMismatch, SearchError, SearchExhausted
from runlib.search.base import Search, unserved
from runlib.search.common import checks
from runlib.search.common.by_history import ByHistory, complete
from runlib.search.common.history import History
from runlib.search.common.nested import config_within, handed_down
from runlib.space.tree import Space

__all__ = ["ChainSearch"]


class ChainSearch(Search):
    """Runs several searches, one after the other: ``[{"search": {...}, "count": 20}, {"search": {...}}]``.

    A part makes ``count`` suggestions, or all that it has if these are fewer or if it has no count. Then the next part
    follows. Each part adopts the trials of the parts before it, with their results. The chain is exhausted when its
    last part is. If a part waits for a result, the chain waits.

    Args:
        searches: The parts, in a list or one by one. A part is a dict with ``search``, an object or a config, and
            perhaps ``count``; a pair of these; or the search alone.
        more: The further parts.
        space: The search space for parts that are given as configs without one.
        seed: The seed for parts that are given as configs without one.
        context: The context for the parts.

    Raises:
        ConfigError: A part is wrong, with the place; or ``searches`` is no list of parts.
    """

    kind = "search_chain"
    also_called = ("sequence", "sequential", "then")
    space = Copied()
    searches = Copied()

    def __init__(
        self,
        searches: Any,
        *more: Any,
        space: Any = None,
        seed: int = 123,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        if _is_list_of_parts(searches):
            space, seed, context = by_position(more, (space, seed, context))
        elif more or isinstance(searches, Search | str):
            searches = [searches, *more]
        super().__init__(context)
        self.space = None if space is None else Space.of(space, "space").data
        self.seed = checks.seed(seed)
        if not isinstance(searches, list | tuple) or not searches:
            raise ConfigError("must be a list of parts, each with a 'search' and perhaps a 'count'", "searches")
        searches = self.searches = [_as_part(part) for part in searches]
        made = [self._part(place, part) for place, part in enumerate(searches)]
        self._config = [self._part_config(part, search) for part, (search, _) in zip(searches, made, strict=True)]
        self._parts = [complete(search) for search, _ in made]
        self._counts = [count for _, count in made]
        self._now = 0
        self._made = 0  # number of suggestions of the current part
        self._history = History(0)
        self._memo: tuple[int, Any] = (-1, None)

    def _get_config(self) -> dict[str, Any]:
        return {"searches": self._config, "space": self.space, "seed": self.seed}

    def renewal(self) -> Callable[[], Search]:
        """Returns a function that makes another chain from new parts."""
        renewals = [(part.inner if isinstance(part, ByHistory) else part).renewal() for part in self._parts]
        space, seed, context, counts = self.space, self.seed, self.given_context, list(self._counts)

        def renew() -> Search:
            made = [{"search": make(), "count": n} for make, n in zip(renewals, counts, strict=True)]
            return ChainSearch(made, space=space, seed=seed, context=context)

        return renew

    def suggest(self) -> tuple[int, Any]:
        """Returns the next ``(tid, suggestion)`` of the current part.

        Raises:
            SearchExhausted: The last part has nothing left.
            SearchWaiting: The current part waits for a result.
        """
        while True:
            try:
                return self._from_part()
            except SearchExhausted as error:
                if self._now + 1 >= len(self._parts):
                    raise SearchExhausted(f"the last search of the chain is exhausted: {error}") from error
                self._go_on(self._now + 1)

    def _from_part(self) -> tuple[int, Any]:
        count = self._counts[self._now]
        if count is not None and self._made >= count:
            raise SearchExhausted(f"it made its {count} suggestions")
        part = self._parts[self._now]
        tid, suggestion = part.suggest()
        self._check(tid)
        self._memo = tid, [self._now, part.memo(tid)]
        self._note(suggestion)
        return tid, suggestion

    def submit(self, tid: int, *, error: bool = False, loss: float | None = None, var: float | None = None) -> None:
        """Reports the outcome of trial ``tid`` to the current part and those after it.

        Raises:
            SearchError: There is no such trial, it was submitted before, or it has neither loss nor error.
        """
        self._history.hear(tid, error=error, loss=loss)
        for part in self._parts[self._now :]:
            part.submit(tid, error=error, loss=loss, var=var)

    def void(self, tid: int) -> None:
        """Tells the current part and those after it that trial ``tid`` ends without a result to learn from.

        Raises:
            SearchError: There is no such trial, or it was submitted before.
        """
        self._history.hear(tid, error=True, loss=None)
        for part in self._parts[self._now :]:
            part.void(tid)

    def memo(self, tid: int) -> Any:
        """Returns the number of the part that made suggestion ``tid``, and its memo; None for older trials."""
        last, memo = self._memo
        return memo if tid == last else None

    def recall(self, tid: int, suggestion: Any, memo: Any) -> None:
        """Lets the part that made an earlier suggestion take it back.

        Raises:
            ReplayMismatch: It is not the next trial, or the part would suggest something else now.
        """
        self._history.expect(tid)
        if not isinstance(memo, list) or len(memo) != 2 or memo[0] not in range(self._now, len(self._parts)):
            raise ReplayMismatch(f"trial {tid} cannot be recalled: {memo!r} names no part of the chain that is next")
        self._parts[memo[0]].recall(tid, suggestion, memo[1])
        if memo[0] != self._now:
            self._go_on(memo[0])
        self._note(suggestion)

    def adopt(self, suggestion: Any) -> int:
        """Lets the current part and those after it adopt a trial that the chain did not suggest."""
        kept = shaped(suggestion)
        for part in self._parts[self._now :]:
            part.adopt(kept)
        return self._history.add(())

    def spelled(self, suggestion: Any) -> Any:
        """Returns any suggestion in the form in which the current part would write it."""
        return self._parts[self._now].spelled(suggestion)

    def forget(self, tid: int) -> None:
        """Lets the current part and those after it forget the result of trial ``tid``.

        Raises:
            SearchError: There is no such trial.
        """
        self._history.hide(tid)
        for part in self._parts[self._now :]:
            part.forget(tid)

    def _go_on(self, part: int) -> None:
        self._now, self._made = part, 0

    def _note(self, suggestion: Any) -> None:
        """Counts a suggestion of the current part, and lets the parts after it adopt it."""
        for part in self._parts[self._now + 1 :]:
            part.adopt(suggestion)
        self._made += 1
        self._history.add(())

    def _check(self, tid: int) -> None:
        if tid != len(self._history):
            raise SearchError(
                f"part {self._now} of the chain made trial {tid}, where trial {len(self._history)} is next: it served "
                "another run; make a new one"
            )

    def _part(self, place: int, part: Any) -> tuple[Search, int | None]:
        where = f"searches.{place}"
        if not isinstance(part, Mapping) or "search" not in part or not part.keys() <= {"search", "count"}:
            raise ConfigError(f"a part is written {{search: ..., count: ...}}, got {part!r}", where)
        count = part.get("count")
        try:
            config = handed_down(part["search"], {"space": self.space, "seed": self.seed})
            search = unserved(from_config(config, context=self.given_context, family=Search))
        except ConfigError as error:
            raise error.under(f"{where}.search") from error.__cause__
        return search, None if count is None else checks.integer(f"{where}.count", count, least=1)

    def _part_config(self, part: Mapping[str, Any], search: Search) -> dict[str, Any]:
        config = config_within(part["search"], search, {"space": self.space, "seed": self.seed})
        return {"search": config, **({} if part.get("count") is None else {"count": part["count"]})}


def _is_list_of_parts(given: Any) -> bool:
    """Returns whether the value is a list of parts, and not a pair of a search and its count, which is a part."""
    return isinstance(given, list | tuple) and all(isinstance(part, Mapping) and "search" in part for part in given)


def _as_part(given: Any) -> Any:
    """Returns ``{"search": ..., "count": ...}`` for a pair of these, or for a search alone."""
    if isinstance(given, list | tuple) and len(given) == 2:
        return {"search": given[0], "count": given[1]}
    alone = isinstance(given, Search | str) or (is_config(given) and "search" not in given)
    return {"search": given} if alone else given
