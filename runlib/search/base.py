"""The contract of a search.

A search makes suggestions from what it was told, and it alone allocates ``tid``: 0, 1, 2, ... It is
deterministic: the same config and the same order of calls give the same suggestions. No random stream is
hidden in it: the randomness of suggestion *k* comes from a generator seeded by (seed, *k*), so that a search can
be restored from old suggestions and results without making the suggestions again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from runlib.engine.canonical import NotPlain, canonical_json, plain
from runlib.engine.component import Component, from_config
from runlib.errors import ReplayMismatch

__all__ = ["Search", "seed_for"]


def seed_for(seed: int, k: int) -> int:
    """The integer seed of suggestion ``k``: a hash of (seed, k), in [0, 2**31 - 1)."""
    digest = hashlib.blake2b(f"{seed}/{k}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % (2**31 - 1)


class Search(Component, abstract=True):
    """Base of all searches: override ``suggest`` and ``submit``, and the others where it makes them fast.

    Every search takes ``space`` and ``seed=123``. A call that raises has changed nothing.
    """

    def renewal(self) -> Callable[[], Search]:
        """What makes another search as this one is now, before its first suggestion.

        The base class makes it of the config; override it where that does not tell all.
        """
        config, context = plain(self.get_config()), self.given_context
        # A copy each time, for a search may change the lists that it was given.
        return lambda: from_config(plain(config), context=context, family=Search)

    def suggest(self) -> tuple[int, Any]:
        """The next ``(tid, suggestion)``; the suggestion is plain data.

        Raises:
            SearchExhausted: Nothing is left to suggest, whatever results come.
            SearchWaiting: Nothing to suggest until a result arrives.
        """
        raise NotImplementedError(f"{type(self).__qualname__} has no suggest()")

    def submit(self, tid: int, *, error: bool = False, loss: float | None = None, var: float | None = None) -> None:
        """Learn what became of trial ``tid``.

        Args:
            tid: A trial that was suggested, recalled or adopted, and not yet submitted.
            error: The trial failed; it has no loss. A search that learns takes it for the worst there is, so that it
                keeps away from where trials fail.
            loss: Smaller is better.
            var: The variance of the loss, if the evaluator gave one.
        """
        raise NotImplementedError(f"{type(self).__qualname__} has no submit()")

    def void(self, tid: int) -> None:
        """Trial ``tid`` ends without a result that may be learned from, right before it is forgotten.

        The base class submits it as an error: a search may wait for every trial. Where an error is something to learn
        from and cannot be forgotten, this is where to do otherwise.
        """
        self.submit(tid, error=True)

    def memo(self, tid: int) -> Any:
        """What the tape must keep of suggestion ``tid`` that cannot be read off it: plain data, or None.

        Asked once, right after ``suggest`` returned ``tid``.
        """
        return None

    def recall(self, tid: int, suggestion: Any, memo: Any) -> None:
        """Take back an own suggestion of old, in the order in which they were made.

        The base class asks again and compares, which is right for every deterministic search, and slow. Raising
        ``ReplayMismatch`` it has made its other suggestion nevertheless; a recall of your own has to change nothing.

        Raises:
            ReplayMismatch: The search would suggest something else now.
        """
        got = self.suggest()
        if got != (tid, suggestion) and not _is_same(got, (tid, suggestion)):
            raise ReplayMismatch(
                f"asked again, {self.kind} suggests {got[1]!r} as trial {got[0]}, where {suggestion!r} was "
                f"trial {tid}: another version of the search or of a library, or it is not deterministic"
            )

    def adopt(self, suggestion: Any) -> int:
        """Take in a trial that this search did not suggest, and give it the next ``tid``.

        The suggestion is plain data, inside the search space or not; it may change after the call. Where this is not
        overridden, a run uses the search through ``runlib.search.by_history.complete``: the trial gets its ``tid``,
        and the search does not hear of it.

        Raises:
            NotPlain: The suggestion is no plain data.
        """
        raise NotImplementedError(
            f"{type(self).__qualname__} has no adopt() of its own; use runlib.search.by_history.complete(search)"
        )

    def forget(self, tid: int) -> None:
        """Drop the result of trial ``tid``, which was voided; a new one may be submitted, and counts.

        Where this is not overridden, a run uses the search through ``runlib.search.by_history.complete``: it is made
        anew and lives through its history without the result.

        Raises:
            SearchError: There is no such trial.
        """
        raise NotImplementedError(
            f"{type(self).__qualname__} has no forget() of its own; use runlib.search.by_history.complete(search)"
        )


def _is_same(got: Any, recorded: Any) -> bool:
    """Whether they are the same as plain data: a tape has lists for tuples, and Python's numbers for numpy's."""
    try:
        return canonical_json(got) == canonical_json(recorded)
    except NotPlain:
        return False
