"""Stores finished results, by trial or by evaluation, in the order in which they were submitted.

Both tables hold only finished entries: key -> ``["ok" | "error", outcome]``. The outcome of a success holds at least
``loss`` and ``suggestion``. The outcome of a failure holds ``error``, ``error_text``, ``traceback`` and ``suggestion``.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

from runlib.engine.data.copies import copied

__all__ = ["ResultTable"]

UNKNOWN = "UnknownError"  # the name for a failure that has none

K = TypeVar("K", int, str)
Entry = list[Any]


class ResultTable(Mapping[K, Entry], Generic[K]):
    """Maps each key to ``[state, outcome]``; it is read like a dict, and only the state of the run writes to it.

    All that is read is a copy, except from ``peek``.

    Args:
        sign: The sign of the comparison: 1 if smaller losses are better, -1 if greater ones are.
    """

    def __init__(self, sign: int = 1) -> None:
        self._sign = sign
        self._entries: dict[K, Entry] = {}
        self.ok_count = 0
        self.error_count = 0

    def put(self, key: K, entry: Entry) -> None:
        """Adds an entry at the end, in the place of an older one of this key; only the fold calls this."""
        older = self._entries.pop(key, None)
        if older is not None:
            self._count(older, -1)
        self._entries[key] = entry
        self._count(entry, 1)

    def drop(self, key: K) -> Entry:
        """Removes an entry and returns it; only the fold calls this."""
        entry = self._entries.pop(key)
        self._count(entry, -1)
        return entry

    def _count(self, entry: Entry, by: int) -> None:
        if entry[0] == "ok":
            self.ok_count += by
        else:
            self.error_count += by

    def peek(self, key: K) -> Entry:
        """Returns the table's own entry, for code that reads it and keeps nothing of it.

        Raises:
            KeyError: The key is not among the finished.
        """
        return self._entries[key]

    def __getitem__(self, key: K) -> Entry:
        entry: Entry = copied(self._entries[key])
        return entry

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[K]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ResultTable):
            return self._entries == other._entries
        return self._entries == other if isinstance(other, dict) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{len(self)} results: {self.ok_count} ok, {self.error_count} errors>"

    def get_result(self, key: K) -> Entry:
        """Returns ``[state, outcome]``.

        Raises:
            KeyError: The key is not among the finished.
        """
        return self[key]

    def get_outcome(self, key: K) -> dict[str, Any]:
        """Returns the outcome alone.

        Raises:
            KeyError: The key is not among the finished.
        """
        outcome: dict[str, Any] = copied(self._entries[key][1])
        return outcome

    def where_state(self, state: str) -> dict[K, dict[str, Any]]:
        """Returns the outcomes of all entries in a state, ``"ok"`` or ``"error"``, by key."""
        return {key: copied(entry[1]) for key, entry in self._entries.items() if entry[0] == state}

    @property
    def losses(self) -> list[float]:
        """Returns the losses of all successes, in the order of submission."""
        return [loss for _, loss in self.tids_losses]

    @property
    def sorted_losses(self) -> list[float]:
        """Returns the losses of all successes, best first."""
        return sorted(self.losses, reverse=self._sign < 0)

    @property
    def tids_losses(self) -> list[tuple[K, float]]:
        """Returns ``(key, loss)`` of all successes, in the order of submission."""
        return [(key, entry[1]["loss"]) for key, entry in self._entries.items() if entry[0] == "ok"]

    @property
    def sorted_tids_losses(self) -> list[tuple[K, float]]:
        """Returns ``(key, loss)`` of all successes, best first, ties in the order of submission."""
        return sorted(self.tids_losses, key=self._worth)

    def top(self, n: int = 5) -> list[tuple[K, float]]:
        """Returns ``(key, loss)`` of the ``n`` best, or of all if there are fewer; ties in the order of submission."""
        return heapq.nsmallest(n, self.tids_losses, key=self._worth)

    def _worth(self, pair: tuple[Any, float]) -> float:
        return self._sign * pair[1]

    def top_losses(self, n: int = 5) -> list[float]:
        """Returns the ``n`` best losses, or all if there are fewer."""
        return [loss for _, loss in self.top(n)]

    def top_suggestions(self, n: int = 5) -> list[Any]:
        """Returns the suggestions of the ``n`` best losses, best first."""
        return [copied(self._entries[key][1]["suggestion"]) for key, _ in self.top(n)]

    def top_refined_suggestions(self, n: int = 5) -> list[Any]:
        """Returns the refined suggestions among the ``n`` best losses; an entry without one is left out."""
        outcomes = [self._entries[key][1] for key, _ in self.top(n)]
        return [copied(outcome["refined_suggestion"]) for outcome in outcomes if "refined_suggestion" in outcome]

    def commonest_errors(self, n: int = 3) -> list[tuple[str, int, list[tuple[str, int]]]]:
        """Returns the ``n`` commonest errors: the name, the number of failures, and the texts with their counts."""
        said: dict[str, Counter[str]] = {}
        for outcome in self._outcomes("error"):
            name, text = outcome.get("error", UNKNOWN), str(outcome.get("error_text", ""))
            said.setdefault(name, Counter())[text] += 1
        commonest = sorted(said, key=lambda name: -said[name].total())[:n]
        return [(name, said[name].total(), said[name].most_common()) for name in commonest]

    def count_by_error(self) -> dict[str, int]:
        """Returns the number of failures by error name; a failure without a name counts as ``UnknownError``."""
        return dict(Counter(outcome.get("error", UNKNOWN) for outcome in self._outcomes("error")))

    def _outcomes(self, state: str) -> Iterator[dict[str, Any]]:
        return (entry[1] for entry in self._entries.values() if entry[0] == state)
