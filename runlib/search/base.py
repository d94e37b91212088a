"""The contract of a search.

A search makes suggestions from what it was told, and it alone allocates ``tid``: 0, 1, 2, ... It is
deterministic: the same config and the same order of calls give the same suggestions. No random stream is
hidden in it: the randomness of suggestion *k* comes from a generator seeded by (seed, *k*), so that a search can
be restored from old suggestions and results without making the suggestions again.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from typing import Any

from runlib.engine import registry
from runlib.engine.component import Component, from_config, is_config
from runlib.engine.data.canonical import NotPlain, canonical_suggestion, plain
from runlib.errors import ConfigError, ReplayMismatch, UnknownKind
from runlib.space.arithmetic.expression import Term
from runlib.space.tree import Space

__all__ = ["Search", "seed_for", "unserved"]


def seed_for(seed: int, k: int) -> int:
    """The integer seed of suggestion ``k``: a hash of (seed, k), in [0, 2**31 - 1)."""
    digest = hashlib.blake2b(f"{seed}/{k}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % (2**31 - 1)


class Search(Component, abstract=True):
    """Base of all searches: override ``suggest`` and ``submit``, and the others where it makes them fast.

    Every search takes ``space`` and ``seed=123``. A call that raises has changed nothing.

    Attributes:
        served: Whether anybody asked this object for suggestions, or a run has it.
    """

    served = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in _SERVICES:
            method = getattr(cls, name)
            if method is not getattr(Search, name) and not hasattr(method, "notes_service"):
                setattr(cls, name, _noting_service(method))

    @classmethod
    def read_short(cls, given: Any) -> Any:
        """A search space is no search: that is said.

        Raises:
            ConfigError: It is one.
        """
        if _is_space(given):
            raise ConfigError(
                "takes a search, got a search space; wrap the space: Hyperopt(space), in a file "
                "{search_hyperopt: {space: ...}}"
            )
        return given

    def renewal(self) -> Callable[[], Search]:
        """What makes another search as this one is now, before its first suggestion.

        The base class makes it of the config; override it where that does not tell all.
        """
        config, context = plain(self.get_config()), self.given_context
        # A copy each time, for a search may change the lists that it was given.
        return lambda: from_config(plain(config), context=context, family=Search)

    def suggest(self) -> tuple[int, Any]:
        """The next ``(tid, suggestion)``; the suggestion is plain data, which may have a shape: tuples, other keys.

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
        if got != (tid, suggestion) and not self._is_same(got, (tid, suggestion)):
            raise ReplayMismatch(
                f"asked again, {self.kind} suggests {got[1]!r} as trial {got[0]}, where {suggestion!r} was "
                f"trial {tid}: another version of the search or of a library, or it is not deterministic"
            )

    def adopt(self, suggestion: Any) -> int:
        """Take in a trial that this search did not suggest, and give it the next ``tid``.

        The suggestion is data as those of ``suggest``, inside the search space or not; it may change after the call.
        Where this is not overridden, a run uses the search through ``search.common.by_history.complete``: the trial
        gets its ``tid``, and the search does not hear of it.

        Raises:
            NotPlain: The suggestion is no plain data.
        """
        raise NotImplementedError(
            f"{type(self).__qualname__} has no adopt() of its own; use runlib.search.common.by_history.complete(search)"
        )

    def forget(self, tid: int) -> None:
        """Drop the result of trial ``tid``, which was voided; a new one may be submitted, and counts.

        Where this is not overridden, a run uses the search through ``search.common.by_history.complete``: it is made
        anew and lives through its history without the result.

        Raises:
            SearchError: There is no such trial.
        """
        raise NotImplementedError(
            f"{type(self).__qualname__} has no forget() of its own; use "
            "runlib.search.common.by_history.complete(search)"
        )

    def spelled(self, suggestion: Any) -> Any:
        """A suggestion of anybody as this search would write it: see ``Space.spelled``; without a space as it is."""
        space = getattr(self, "_space", None)
        return space.spelled(suggestion) if isinstance(space, Space) else suggestion

    def _is_same(self, got: Any, recorded: tuple[int, Any]) -> bool:
        """Whether they are the same point: a tape has lists for tuples, and older ones have other spellings."""
        tid, suggestion = recorded
        try:
            plainly = canonical_suggestion(got) == canonical_suggestion(recorded)
            return plainly or canonical_suggestion(got) == canonical_suggestion([tid, self.spelled(suggestion)])
        except NotPlain:
            return False


_SERVICES = ("suggest", "adopt", "recall")  # what makes trials


def _noting_service(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def noting(self: Search, *args: Any, **kwargs: Any) -> Any:
        self.served = True
        return method(self, *args, **kwargs)

    noting.notes_service = True  # type: ignore[attr-defined]
    return noting


def unserved(search: Search) -> Search:
    """The search for a new run: this object, or if it was asked before, a fresh one of its config.

    What a search suggests follows from its config and from what it was told. One that somebody had a look at would make
    other suggestions than its config says.
    """
    if search.served:
        search = search.renewal()()
    search.served = True
    return search


def _is_space(given: Any) -> bool:
    """Whether something that is given as a search is a search space: it has parameters in it."""
    if isinstance(given, Space | Term):
        return True
    if given is None or isinstance(given, str) or _is_search(given):
        return False
    try:
        return bool(Space.of(given).variables)
    except (ConfigError, NotPlain):
        return False


def _is_search(given: Any) -> bool:
    """Whether it has the form of a search: a kind that is known, or arguments with a space among them."""
    if not is_config(given):
        return False
    [(kind, arguments)] = given.items()
    try:
        registry.lookup(kind)
    except UnknownKind:
        return "space" in (arguments or {})
    return True
