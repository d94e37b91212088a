"""Suggest, adopt, submit and forget in any order: a search restored from its tape goes on as the one before."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runlib.engine.data.canonical import dump, load, plain
from runlib.engine.data.shape import flat, reshaped, shaped
from runlib.errors import ReplayMismatch, SearchExhausted, SearchWaiting
from runlib.search.base import Search, seed_for
from runlib.search.common.by_history import ByHistory, complete
from runlib.tape.events import Suggest, event_to_data


class Blind(Search):
    """Does not look at results."""

    kind = "search_blind"

    def __init__(self, space: Any = None, seed: int = 123, context: Mapping[str, Any] | None = None) -> None:
        super().__init__(context)
        self.space, self.seed = space, seed
        self.results: dict[int, float | None] = {}
        self.made = 0

    def suggest(self) -> tuple[int, Any]:
        self.made += 1
        stream = random.Random(f"{seed_for(self.seed, self.made)}/{self.known()}")
        return self.made - 1, (round(stream.random(), 3), stream.randrange(3))

    def known(self) -> Any:
        return None

    def submit(self, tid: int, *, error: bool = False, loss: float | None = None, var: float | None = None) -> None:
        if not 0 <= tid < self.made or tid in self.results:
            raise RuntimeError(f"a wrong call: trial {tid}")
        self.results[tid] = None if error else loss


class Knowing(Blind):
    """Depends on all results and on their order."""

    kind = "search_knowing"

    def known(self) -> Any:
        return list(self.results.items())


class Best(Blind):
    """Depends on the best result alone, so that some suggestions stay as they were when another is forgotten."""

    kind = "search_best"

    def known(self) -> Any:
        return min((loss for loss in self.results.values() if loss is not None), default=None)


class Reading(Knowing):
    """Reads its suggestions of old off them and their memos."""

    kind = "search_reading"

    def memo(self, tid: int) -> Any:
        return ("of", tid)

    def recall(self, tid: int, suggestion: Any, memo: Any) -> None:
        if tid != self.made or memo[0] != "of":
            raise ReplayMismatch(f"a wrong call: trial {tid} with memo {memo}")
        self.made += 1


class Batches(Knowing):
    """Makes three suggestions, then waits for all their results."""

    kind = "search_batches"

    def suggest(self) -> tuple[int, Any]:
        if self.made % 3 == 0 and len(self.results) < self.made:
            raise SearchWaiting("results are missing")
        return super().suggest()


class Limited(Best):
    """Ends after a number of suggestions, which a good result makes smaller."""

    kind = "search_limited"

    def suggest(self) -> tuple[int, Any]:
        if self.made >= (9 if self.known() is None or self.known() > 0 else 5):
            raise SearchExhausted("nothing is left")
        return super().suggest()


class Adopting(Knowing):
    """Learns from suggestions of others."""

    kind = "search_learning"

    def __init__(self, space: Any = None, seed: int = 123, context: Mapping[str, Any] | None = None) -> None:
        super().__init__(space, seed, context)
        self.others: list[Any] = []

    def known(self) -> Any:
        return super().known(), self.others

    def adopt(self, suggestion: Any) -> int:
        self.others.append(suggestion)
        self.made += 1
        return self.made - 1


class Unlearning(Knowing):
    """Forgets by itself."""

    kind = "search_unlearning"

    def forget(self, tid: int) -> None:
        self.results.pop(tid, None)


KINDS = [Blind, Knowing, Best, Reading, Batches, Limited, Adopting, Unlearning]
each = pytest.mark.parametrize("kind", KINDS)

# What is done; the number chooses among the trials for which it can be done.
steps = st.lists(
    st.tuples(st.sampled_from(["suggest", "suggest", "submit", "submit", "adopt", "forget"]), st.integers(0, 50)),
    max_size=40,
)
Tape = list[tuple[str, Any]]


class Life:
    """A search to which things happen, and the tape of it."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.tape: Tape = []
        self.trials = 0
        self.open: list[int] = []

    def do(self, step: tuple[str, int]) -> None:
        what, number = step
        if what == "suggest":
            self.suggest()
        elif what == "adopt":
            self.begin("adopt", self.search.adopt({"n": number}), {"n": number})
        elif what == "submit" and self.open:
            self.submit(self.open.pop(number % len(self.open)), number)
        elif what == "forget" and self.trials:
            tid = number % self.trials
            self.search.forget(tid)
            self.tape.append(("forget", tid))
            self.open = sorted({*self.open, tid})

    def suggest(self) -> None:
        try:
            tid, suggestion = self.search.suggest()
        except (SearchWaiting, SearchExhausted) as error:
            self.tape.append((type(error).__name__, None))
        else:
            memo = load(dump(plain(self.search.memo(tid))))
            written = event_to_data(Suggest(tid, shaped(suggestion)))  # on a tape it keeps its shape
            self.begin("suggest", tid, [reshaped(load(dump(flat(suggestion))), written.get("shape")), memo])

    def begin(self, what: str, tid: int, data: Any) -> None:
        assert tid == self.trials
        self.trials += 1
        self.open.append(tid)
        self.tape.append((what, (tid, data)))

    def submit(self, tid: int, number: int) -> None:
        loss = None if number % 5 == 0 else float(number % 7 - 1)
        self.search.submit(tid, error=loss is None, loss=loss)
        self.tape.append(("submit", (tid, loss)))


def restored(search: Search, tape: Tape) -> Search:
    for what, data in tape:
        if what == "suggest":
            search.recall(data[0], *data[1])
        elif what == "adopt":
            assert search.adopt(data[1]) == data[0]
        elif what == "submit":
            search.submit(data[0], error=data[1] is None, loss=data[1])
        elif what == "forget":
            search.forget(data)
    return search


def asked_again(search: Search, tape: Tape) -> Search:
    for what, data in tape:
        if what == "suggest":
            Search.recall(search, data[0], *data[1])
        else:
            restored(search, [(what, data)])
    return search


def live_on(life: Life, steps: list[tuple[str, int]]) -> Tape:
    for step in steps:
        life.do(step)
    return life.tape


def gone_over(life: Life, search: Search) -> Life:
    """The same life with another search."""
    other = Life(search)
    other.tape, other.trials, other.open = list(life.tape), life.trials, list(life.open)
    return other


@each
@given(before=steps, after=steps)
def test_a_restored_search_goes_on_as_the_one_that_lived(kind: type[Search], before: Any, after: Any) -> None:
    life = Life(complete(kind()))
    live_on(life, before)
    again = gone_over(life, restored(complete(kind()), life.tape))
    assert live_on(again, after) == live_on(life, after)
    assert state_of(again.search) == state_of(life.search)


def state_of(search: Search) -> Any:
    """All that the search itself knows."""
    assert isinstance(search, ByHistory)
    return {name: plain(value) for name, value in vars(search.inner).items() if name in ("made", "others")} | {
        "results": list(vars(search.inner)["results"].items())
    }


@each
@given(steps=steps)
def test_asked_again_it_suggests_what_stands_on_the_tape(kind: type[Search], steps: Any) -> None:
    life = Life(complete(kind()))
    tape = list(live_on(life, steps))
    again = asked_again(complete(kind()), tape)
    assert state_of(again) == state_of(life.search)


@each
@given(before=steps, number=st.integers(0, 50), after=steps)
def test_what_was_forgotten_at_once_leaves_nothing(kind: type[Search], before: Any, number: int, after: Any) -> None:
    lives = [Life(complete(kind())), Life(complete(kind()))]
    for life, loss in zip(lives, (-7.0, 99.0), strict=True):
        live_on(life, before)
        life.do(("adopt", number))
        tid = life.open[number % len(life.open)]
        life.search.submit(tid, loss=loss)
        life.search.forget(tid)
    first, second = (live_on(life, after) for life in lives)
    assert first == second


@each
@given(steps=steps)
def test_a_search_knows_no_result_that_was_forgotten(kind: type[Search], steps: Any) -> None:
    """What it has heard is part of what remains; it may know less."""
    life = Life(complete(kind()))
    live_on(life, steps)
    last = {}
    for what, data in life.tape:
        if what == "submit":
            last[data[0]] = data[1]
        elif what == "forget":
            last[data] = None
    known = [loss for _, loss in state_of(life.search)["results"] if loss is not None]
    remaining = [loss for loss in last.values() if loss is not None]
    for loss in known:
        remaining.remove(loss)
