"""Searches that have no more than ``suggest`` and ``submit`` adopt and forget."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pytest

from runlib.engine.component import from_config
from runlib.engine.registry import classes
from runlib.errors import ReplayMismatch, SearchError, SearchExhausted, SearchWaiting
from runlib.search.base import Search
from runlib.search.common.by_history import ByHistory, complete
from runlib.search.hyperopt.search import Hyperopt


class Summing(Search):
    """Suggests how many suggestions it made and the sum of the losses that it heard; keeps all calls."""

    kind = "search_summing"

    def __init__(self, space: Any = None, seed: int = 123, context: Mapping[str, Any] | None = None) -> None:
        super().__init__(context)
        self.space, self.seed = space, seed
        self.calls: list[Any] = []
        self.total = 0.0
        self.made = 0

    def suggest(self) -> tuple[int, Any]:
        self.calls.append("suggest")
        self.made += 1
        return self.made - 1, {"k": self.made - 1, "total": self.total}

    def submit(self, tid: int, *, error: bool = False, loss: float | None = None, var: float | None = None) -> None:
        self.calls.append((tid, "error" if error else loss))
        self.total += loss or 0.0


class Counting(Summing):
    """Does not look at losses, and takes the first of a list that it was given."""

    kind = "search_counting"

    def suggest(self) -> tuple[int, Any]:
        self.calls.append("suggest")
        self.made += 1
        return self.made - 1, {"k": self.space.pop(0)}


class Recalling(Summing):
    """Reads its suggestions of old off them, and keeps their memos."""

    kind = "search_recalling"

    def memo(self, tid: int) -> Any:
        self.calls.append(("memo", tid))
        return {"k": (tid,)}

    def recall(self, tid: int, suggestion: Any, memo: Any) -> None:
        if tid != self.made:
            raise ReplayMismatch(f"trial {tid} is not the next one")
        self.calls.append((tid, suggestion, memo))
        self.made += 1


class Adopting(Summing):
    kind = "search_adopting_itself"

    def adopt(self, suggestion: Any) -> int:
        self.calls.append(suggestion)
        self.made += 1
        return self.made - 1


class Forgetting(Summing):
    kind = "search_forgetting"

    def forget(self, tid: int) -> None:
        self.calls.append(("forget", tid))


class Pairs(Summing):
    """Makes two suggestions, then waits for their results."""

    kind = "search_pairs"

    def suggest(self) -> tuple[int, Any]:
        if self.made % 2 == 0 and len(self.results()) < self.made:
            raise SearchWaiting("a result is missing")
        return super().suggest()

    def results(self) -> list[Any]:
        return [call for call in self.calls if call != "suggest"]


class Ending(Summing):
    """Ends when the losses sum up to 10, or nothing of them is left after the first suggestion."""

    kind = "search_ending"

    def suggest(self) -> tuple[int, Any]:
        if self.total >= 10 or (self.made and not self.total):
            raise SearchExhausted("nothing is left")
        return super().suggest()


def inner(search: Search) -> Any:
    assert isinstance(search, ByHistory)
    return search.inner


def test_a_search_that_can_do_both_stays_alone() -> None:
    search = Hyperopt({"x": ["hp_uniform", "x", 0, 1]})
    assert complete(search) is search


@pytest.mark.parametrize("kind", [Summing, Adopting, Forgetting])
def test_the_others_get_a_companion_and_only_one(kind: type[Search]) -> None:
    search = kind()
    companion = complete(search)
    assert inner(companion) is search
    assert complete(companion) is companion


def test_the_companion_goes_by_the_name_and_config_of_the_search() -> None:
    search = complete(Summing({"a": 1}, seed=7))
    assert search.kind == "search_summing"
    assert search.get_config() == {"search_summing": {"space": {"a": 1}, "seed": 7}}
    assert search.get_config_hash() == Summing({"a": 1}, seed=7).get_config_hash()


def test_the_companion_is_no_kind_of_its_own() -> None:
    complete(Summing())
    assert ByHistory not in classes(Search)


@pytest.mark.parametrize("method", ["adopt", "forget"])
def test_the_base_class_names_what_does_it(method: str) -> None:
    with pytest.raises(
        NotImplementedError, match=rf"Summing has no {method}\(\).*runlib\.search\.common\.by_history\.complete"
    ):
        getattr(Summing(), method)(0)


# -- adopt -----------------------------------------------------------------------------------------


def test_tids_count_all_trials_and_the_search_counts_its_own() -> None:
    search = complete(Summing())
    assert [search.adopt("a"), search.suggest()[0], search.adopt("b"), search.suggest()[0]] == [0, 1, 2, 3]
    for tid in (3, 2, 1, 0):
        search.submit(tid, loss=float(tid))
    assert inner(search).calls == ["suggest", "suggest", (1, 3.0), (0, 1.0)]


def test_what_the_search_does_not_hear_of_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    search = complete(Summing())
    search.suggest()
    assert caplog.records == []
    with caplog.at_level(logging.WARNING, "runlib"):
        search.adopt("a")
        search.adopt("b")
    [record] = caplog.records
    assert record.getMessage().startswith("search_summing cannot learn from suggestions of others")


def test_an_own_adopt_is_used(caplog: pytest.LogCaptureFixture) -> None:
    search = complete(Adopting())
    search.suggest()
    assert search.adopt(("a",)) == 1
    search.submit(1, loss=2.0)
    assert inner(search).calls == ["suggest", ("a",), (1, 2.0)]
    assert caplog.records == []


@pytest.mark.parametrize(("given", "message"), [({"x": {1}}, r"suggestion\.x: is no data"), (object(), "suggestion:")])
@pytest.mark.parametrize("kind", [Summing, Adopting])
def test_adopting_what_is_no_data_changes_nothing(kind: type[Search], given: Any, message: str) -> None:
    search = complete(kind())
    with pytest.raises(TypeError, match=message):
        search.adopt(given)
    assert search.suggest()[0] == 0


# -- forget ----------------------------------------------------------------------------------------


def test_the_search_is_made_anew_and_hears_an_error_instead() -> None:
    search = complete(from_config({"search_counting": {"space": [1, 2, 3, 4]}}, context={"note": 1}, family=Search))
    first = inner(search)
    for k in range(3):
        search.submit(search.suggest()[0], loss=k + 1.0)
    search.forget(1)
    assert inner(search) is not first
    assert inner(search).given_context == {"note": 1}
    assert inner(search).calls == ["suggest", (0, 1.0), "suggest", (1, "error"), "suggest", (2, 3.0)]
    assert search.suggest() == (3, {"k": 4})


def test_a_trial_without_a_result_ends_as_an_error_and_nothing_is_made_anew() -> None:
    search = complete(Pairs())
    first = inner(search)
    search.suggest()
    search.submit(search.suggest()[0], loss=1.0)
    with pytest.raises(SearchWaiting):
        search.suggest()
    search.forget(0)
    assert search.suggest() == (2, {"k": 2, "total": 1.0})
    assert inner(search) is first


def test_what_failed_is_forgotten_for_nothing() -> None:
    search = complete(Summing())
    first = inner(search)
    search.submit(search.suggest()[0], error=True)
    search.forget(0)
    search.forget(0)
    assert inner(search) is first


def test_what_was_suggested_knowing_the_result_is_lost_to_a_search_that_cannot_adopt(
    caplog: pytest.LogCaptureFixture,
) -> None:
    search = complete(Summing())
    for loss in (1.0, 2.0, 4.0):
        search.submit(search.suggest()[0], loss=loss)
    search.forget(0)
    # Trials 1 and 2 knew the 1.0; asked again, it suggests something else, which nobody tries.
    assert inner(search).calls == ["suggest", (0, "error"), "suggest", (1, "error"), "suggest", (2, "error")]
    assert search.suggest() == (3, {"k": 3, "total": 0.0})
    assert "search_summing cannot learn" in caplog.text


def test_a_search_that_can_adopt_hears_of_it_as_of_one_of_somebody_else(caplog: pytest.LogCaptureFixture) -> None:
    search = complete(Adopting())
    for loss in (1.0, 2.0):
        search.submit(search.suggest()[0], loss=loss)
    search.forget(0)
    adopted = {"k": 1, "total": 1.0}
    assert inner(search).calls == ["suggest", (0, "error"), "suggest", (1, "error"), adopted, (2, 2.0)]
    assert search.suggest() == (2, {"k": 3, "total": 2.0})
    assert caplog.records == []


def test_an_own_recall_gets_the_memo_of_then_and_loses_nothing() -> None:
    search = complete(Recalling())
    for loss in (1.0, 2.0):
        tid, _ = search.suggest()
        assert search.memo(tid) == {"k": (tid,)}
        search.submit(tid, loss=loss)
    search.forget(0)
    assert inner(search).calls == [
        (0, {"k": 0, "total": 0.0}, {"k": [0]}),
        (0, "error"),
        (1, {"k": 1, "total": 1.0}, {"k": [1]}),
        (1, 2.0),
    ]
    assert search.suggest() == (2, {"k": 2, "total": 2.0})


def test_the_memo_is_asked_once() -> None:
    search = complete(Recalling())
    search.memo(search.suggest()[0])
    assert inner(search).calls == ["suggest", ("memo", 0)]


def test_an_adopted_trial_has_no_memo_unless_the_search_has_one() -> None:
    search = complete(Recalling())
    assert search.memo(search.adopt("a")) is None


def test_where_nothing_is_left_the_later_trials_are_those_of_others() -> None:
    search = complete(Ending())
    for loss in (1.0, 2.0):
        search.submit(search.suggest()[0], loss=loss)
    search.forget(0)
    assert inner(search).calls == ["suggest", (0, "error")]
    with pytest.raises(SearchExhausted):
        search.suggest()
    search.submit(0, loss=3.0)
    # The result of trial 1 was heard before; with the new one in its place, at its time, trial 1 comes too early.
    assert inner(search).calls == ["suggest", (0, 3.0)]
    assert search.suggest() == (2, {"k": 1, "total": 3.0})


def test_an_own_forget_is_used() -> None:
    search = complete(Forgetting())
    first = inner(search)
    search.adopt("a")
    search.suggest()
    search.submit(1, loss=1.0)
    search.submit(0, loss=5.0)
    search.forget(1)
    search.forget(0)
    search.submit(1, loss=2.0)
    assert inner(search) is first
    assert first.calls == ["suggest", (0, 1.0), ("forget", 0), (0, 2.0)]


def test_a_new_result_takes_the_place_of_the_forgotten_one_when_it_comes() -> None:
    search = complete(Counting([1, 2, 3]))
    for _ in range(2):
        search.submit(search.suggest()[0], loss=1.0)
    search.forget(0)
    search.submit(0, loss=7.0)
    assert inner(search).calls == ["suggest", "suggest", (1, 1.0), (0, 7.0)]
    with pytest.raises(SearchError, match="trial 0 was submitted before"):
        search.submit(0, loss=7.0)


def test_several_are_forgotten_one_after_the_other() -> None:
    search = complete(Summing())
    for loss in (1.0, 2.0, 4.0):
        search.submit(search.suggest()[0], loss=loss)
    search.forget(2)
    assert search.suggest() == (3, {"k": 3, "total": 3.0})
    search.forget(1)
    # Trial 2 knew trial 1, trial 3 knew it too; trial 0 and 1 are as they were.
    assert [event for event in inner(search).calls if event != "suggest"] == [
        (0, 1.0),
        (1, "error"),
        (2, "error"),
        (3, "error"),
    ]
    assert search.suggest() == (4, {"k": 4, "total": 1.0})


def test_whoever_changes_what_it_got_does_not_change_the_history() -> None:
    search = complete(Counting([1, 2, 3]))
    _, suggestion = search.suggest()
    suggestion.clear()
    search.submit(0, loss=1.0)
    search.forget(0)
    assert inner(search).calls == ["suggest", (0, "error")]
    assert search.suggest() == (1, {"k": 2})


# -- recall ----------------------------------------------------------------------------------------


def test_a_restored_search_goes_on() -> None:
    search, again = complete(Summing()), complete(Summing())
    for told in (search, again):
        told.adopt("a")
    search.suggest()
    again.recall(1, {"k": 0, "total": 0.0}, None)
    for told in (search, again):
        told.submit(1, loss=1.0)
        told.submit(0, loss=5.0)
        told.forget(1)
    assert search.suggest() == again.suggest() == (2, {"k": 1, "total": 0.0})


def test_it_can_be_asked_again_for_all_its_suggestions() -> None:
    search = complete(Adopting())
    search.adopt("a")
    Search.recall(search, 1, {"k": 1, "total": 0.0}, None)
    search.submit(1, loss=1.0)
    with pytest.raises(ReplayMismatch, match=r"asked again, search_adopting_itself suggests .* as trial 2"):
        Search.recall(search, 2, {"k": 2, "total": 0.0}, None)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ((2, {"k": 0, "total": 0.0}), "trial 2 cannot be recalled: the next one is trial 1"),
        ((1, {"k": 0, "total": 9.0}), "trial 1, which search_summing counts as 0: asked again"),
    ],
)
def test_recalling_what_does_not_come_next_is_refused(call: tuple[int, Any], message: str) -> None:
    search = complete(Summing())
    search.adopt("a")
    with pytest.raises(ReplayMismatch, match=message):
        search.recall(*call, None)


def test_tuples_of_a_search_are_the_lists_of_a_tape() -> None:
    class Tuples(Summing):
        def suggest(self) -> tuple[int, Any]:
            return super().suggest()[0], ("a", 1)

    Tuples().recall(0, ["a", 1], None)
    with pytest.raises(ReplayMismatch):
        Tuples().recall(0, ["a", 1.0], None)
    search = complete(Tuples())
    search.submit(search.suggest()[0], loss=1.0)
    search.submit(search.suggest()[0], loss=2.0)
    search.forget(0)
    assert inner(search).total == 2.0


# -- wrong calls -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda search: search.forget(3), "there is no trial 3; 2 were suggested or adopted so far"),
        (lambda search: search.forget(-1), "there is no trial -1"),
        (lambda search: search.submit(2, loss=1.0), "there is no trial 2"),
        (lambda search: search.submit(0, loss=1.0), "trial 0 was submitted before; a trial has one result"),
        (lambda search: search.submit(1), "trial 1 was submitted with neither a loss nor an error"),
        (lambda search: search.memo(2), "there is no trial 2"),
    ],
)
def test_wrong_calls_are_refused(wrong: Any, message: str) -> None:
    search = complete(Summing())
    search.submit(search.suggest()[0], loss=1.0)
    search.adopt("a")
    calls = list(inner(search).calls)
    with pytest.raises(SearchError, match=message):
        wrong(search)
    assert inner(search).calls == calls


def test_a_suggestion_that_is_no_data_is_an_error_of_the_search() -> None:
    class Sets(Summing):
        def suggest(self) -> tuple[int, Any]:
            return 0, {"x": {1}}

    with pytest.raises(SearchError, match=r"sets made a suggestion that is no plain data: x: is no data"):
        complete(Sets()).suggest()


def test_a_search_that_miscounts_is_told_so() -> None:
    class Miscounting(Summing):
        def suggest(self) -> tuple[int, Any]:
            return 5, "a"

    with pytest.raises(SearchError, match=r"miscounting made trial 5, where trial 0 is next"):
        complete(Miscounting()).suggest()
