"""Implements ``search_fixed``, which makes the suggestions of a given list, one after the other.

A file is read once, when the search is made, and its content becomes part of the config. So it is on the tape, and the
run no longer depends on the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runlib.engine.arguments import by_position, listed
from runlib.engine.data.copies import Copied
from runlib.engine.data.plain import NotPlain
from runlib.engine.data.shape import shaped
from runlib.errors import ConfigError, ReplayMismatch, SearchExhausted
from runlib.search.base import Search
from runlib.search.common import checks
from runlib.search.common.history import History
from runlib.search.common.listing import ENDINGS, read_listing
from runlib.space.forms.shapes import decoded, encoded
from runlib.space.nodes import same
from runlib.space.tree import Space

__all__ = ["FixedSearch"]


class FixedSearch(Search):
    """Makes the suggestions of a list in its order, each as often as the list holds it.

    A file is a list in YAML or JSON (``.yaml``, ``.yml``, ``.json``), or a table (``.csv``) with a line for each
    suggestion under a header with the keys. A key with dots names a nested entry, ``model.lr``; parts that are 0, 1, 2,
    ... make a list. A cell is a number, ``true``, ``false`` or ``null`` (as in YAML: ``True`` too), a text, or JSON if
    it begins with ``[``, ``{`` or ``"``. If a cell is empty, the suggestion does not have the key.

    Args:
        suggestions: The list, plain data; or its items one by one, unless they are lists themselves. A text that ends
            like one of these files is taken as ``file``.
        more: The further items.
        file: The path of a file with the list, looked for in the working folder and next to the config.
        space: The search space. If it is given, every suggestion must lie in it and gets its spelling: 1 for 1.0.
        seed: The seed; it has no effect, because nothing is random.
        context: Not used by this search.

    Raises:
        ConfigError: Neither a list nor a file is given, or both; or the file cannot be read, with the line.
        SpaceError: The search space is wrong, or a suggestion is not in it.
    """

    kind = "search_fixed"
    also_called = ("list", "points", "given", "enqueue")
    space = Copied()
    suggestions = Copied()

    def __init__(
        self,
        suggestions: Any = None,
        *more: Any,
        file: str | None = None,
        space: Any = None,
        seed: int = 123,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        if isinstance(suggestions, list | tuple):
            file, space, seed, context = by_position(more, (file, space, seed, context))
            more = ()
        super().__init__(context)
        if _is_file(suggestions) and not more and file is None:
            suggestions, file = None, suggestions
        suggestions = listed("suggestions", suggestions, more)
        if (suggestions is None) == (file is None):
            raise ConfigError("takes either suggestions or a file", "suggestions")
        self._list = _checked(read_listing(file) if file is not None else suggestions)
        self.suggestions = self._list
        self.file = file
        self._space = None if space is None else Space.of(space, "space")
        self.space = None if self._space is None else self._space.data
        self.seed = checks.seed(seed)
        if self._space is not None:
            self._list[:] = [self._checked(self._space, *item) for item in enumerate(self._list)]
        self._history = History(0)
        self._place = 0

    def _get_config(self) -> dict[str, Any]:
        return {"suggestions": encoded(self._list), "space": self.space, "seed": self.seed}

    def suggest(self) -> tuple[int, Any]:
        """Returns the next ``(tid, suggestion)``.

        Raises:
            SearchExhausted: All were suggested.
        """
        if self._place >= len(self._list):
            raise SearchExhausted(f"all {len(self._list)} suggestions of the list were made")
        suggestion = shaped(self._list[self._place])
        self._place += 1
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
            ReplayMismatch: It is not the next trial, or not the next item of the list.
        """
        self._history.expect(tid)
        if self._place >= len(self._list) or not same(self._list[self._place], self.spelled(suggestion)):
            raise ReplayMismatch(f"trial {tid} cannot be recalled: it is not suggestion {self._place} of the list")
        self._place += 1
        self._history.add(())

    def adopt(self, suggestion: Any) -> int:
        """Adds a trial that this search did not suggest; the list continues as before."""
        shaped(suggestion)
        return self._history.add(())

    def forget(self, tid: int) -> None:
        """Drops the result of trial ``tid``.

        Raises:
            SearchError: There is no such trial.
        """
        self._history.hide(tid)

    @staticmethod
    def _checked(space: Space, place: int, suggestion: Any) -> Any:
        """Returns the suggestion in the spelling of the space."""
        try:
            space.validate(suggestion)
            return space.spelled(suggestion)
        except ConfigError as error:
            inner = error.path.removeprefix("suggestion").lstrip(".")
            raise type(error)(error.reason, f"suggestions.{place}{'.' if inner else ''}{inner}") from None


def _is_file(given: Any) -> bool:
    return isinstance(given, str) and given.endswith(ENDINGS)


def _checked(suggestions: Any) -> list[Any]:
    try:
        found: list[Any] = decoded(suggestions)
    except NotPlain as error:
        raise ConfigError(error.reason, error.path).under("suggestions") from None
    return found
