"""Defines the contract of a search.

A search makes suggestions from the results that it is told, and it alone allocates ``tid``: 0, 1, 2, ... It is
deterministic: the same config and the same order of calls give the same suggestions. It has no hidden random stream.
The randomness of suggestion *k* comes from a generator seeded by (seed, *k*), so a search can be restored from earlier
suggestions and results without making the suggestions again.
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
    """Returns the integer seed of suggestion ``k``: a hash of (seed, k), in [0, 2**31 - 1)."""
    digest = hashlib.blake2b(f"{seed}/{k}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % (2**31 - 1)


class Search(Component, abstract=True):
    """Is the base class of all searches: override ``suggest`` and ``submit``, and other methods to make them fast.

    Every search takes ``space`` and ``seed=123``. A call that raises has changed nothing.

    Attributes:
        served: Whether this object was asked for suggestions, or belongs to a run.
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
        """Raises an error for a search space in the place of a search, and returns any other value.

        Raises:
            ConfigError: The value is a search space.
        """
        if _is_space(given):
            raise ConfigError(
                "takes a search, got a search space; wrap the space: Hyperopt(space), in a file "
                "{search_hyperopt: {space: ...}}"
            )
        return given

    def renewal(self) -> Callable[[], Search]:
        """Returns a function that makes another search, in the state of this one before its first suggestion.

        The base class makes it from the config. Override this if the config does not hold everything.
        """
        config, context = plain(self.get_config()), self.given_context
        # Each search gets a copy, because it may change the lists that it was given.
        return lambda: from_config(plain(config), context=context, family=Search)

    def suggest(self) -> tuple[int, Any]:
        """Returns the next ``(tid, suggestion)``.

        The suggestion is plain data that may have a shape, such as tuples or keys that are no text.

        Raises:
            SearchExhausted: Nothing is left to suggest, whatever results arrive.
            SearchWaiting: There is nothing to suggest until a result arrives.
        """
        raise NotImplementedError(f"{type(self).__qualname__} has no suggest()")

    def submit(self, tid: int, *, error: bool = False, loss: float | None = None, var: float | None = None) -> None:
        """Learns the outcome of trial ``tid``.

        Args:
            tid: A trial that was suggested, recalled or adopted, and not yet submitted.
            error: Whether the trial failed; then it has no loss. A search that learns takes this as the worst possible
                loss, so that it avoids places where trials fail.
            loss: The loss; smaller is better.
            var: The variance of the loss, if the evaluator gave one.
        """
        raise NotImplementedError(f"{type(self).__qualname__} has no submit()")

    def void(self, tid: int) -> None:
        """Ends trial ``tid`` without a result to learn from, right before ``forget`` is called for it.

        The base class submits it as an error, because a search may wait for every trial. Override this if the search
        learns from an error and cannot forget it.
        """
        self.submit(tid, error=True)

    def memo(self, tid: int) -> Any:
        """Returns what the tape must keep of suggestion ``tid`` beside the suggestion itself: plain data, or None.

        This is called once, right after ``suggest`` returned ``tid``.
        """
        return None

    def recall(self, tid: int, suggestion: Any, memo: Any) -> None:
        """Takes back an earlier suggestion of this search, in the order in which they were made.

        The base class asks for a suggestion again and compares. This is correct for every deterministic search, but
        slow. When it raises ``ReplayMismatch``, the other suggestion has been made nevertheless. An override must
        change nothing then.

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
        """Adds a trial that this search did not suggest, and returns the next ``tid`` for it.

        The suggestion is data as from ``suggest``, inside the search space or not; it may change after the call. If
        this is not overridden, a run uses the search through ``search.common.by_history.complete``: the trial gets its
        ``tid``, and the search does not learn of it.

        Raises:
            NotPlain: The suggestion is no plain data.
        """
        raise NotImplementedError(
            f"{type(self).__qualname__} has no adopt() of its own; use runlib.search.common.by_history.complete(search)"
        )

    def forget(self, tid: int) -> None:
        """Drops the result of trial ``tid``, which was voided; a new one may be submitted, and counts.

        If this is not overridden, a run uses the search through ``search.common.by_history.complete``: the search is
        made again and gets its history without the result.

        Raises:
            SearchError: There is no such trial.
        """
        raise NotImplementedError(
            f"{type(self).__qualname__} has no forget() of its own; use "
            "runlib.search.common.by_history.complete(search)"
        )

    def spelled(self, suggestion: Any) -> Any:
        """Returns any suggestion as this search would write it, by ``Space.spelled``; unchanged without a space."""
        space = getattr(self, "_space", None)
        return space.spelled(suggestion) if isinstance(space, Space) else suggestion

    def _is_same(self, got: Any, recorded: tuple[int, Any]) -> bool:
        """Returns whether both are the same point; a tape has lists for tuples, and older tapes spell differently."""
        tid, suggestion = recorded
        try:
            plainly = canonical_suggestion(got) == canonical_suggestion(recorded)
            return plainly or canonical_suggestion(got) == canonical_suggestion([tid, self.spelled(suggestion)])
        except NotPlain:
            return False


_SERVICES = ("suggest", "adopt", "recall")  # the methods that make trials


def _noting_service(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def noting(self: Search, *args: Any, **kwargs: Any) -> Any:
        self.served = True
        return method(self, *args, **kwargs)

    noting.notes_service = True  # type: ignore[attr-defined]
    return noting


def unserved(search: Search) -> Search:
    """Returns a search for a new run: this object, or a new one made from its config if it was used before.

    The suggestions of a search follow from its config and from what it was told. A search that somebody tried out would
    make other suggestions than its config says.
    """
    if search.served:
        search = search.renewal()()
    search.served = True
    return search


def _is_space(given: Any) -> bool:
    """Returns whether a value that is given as a search is a search space, that is, has parameters in it."""
    if isinstance(given, Space | Term):
        return True
    if given is None or isinstance(given, str) or _is_search(given):
        return False
    try:
        return bool(Space.of(given).variables)
    except (ConfigError, NotPlain):
        return False


def _is_search(given: Any) -> bool:
    """Returns whether a value has the form of a search: a known kind, or arguments with a space among them."""
    if not is_config(given):
        return False
    [(kind, arguments)] = given.items()
    try:
        registry.lookup(kind)
    except UnknownKind:
        return "space" in (arguments or {})
    return True
