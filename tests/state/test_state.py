"""The state is a fold over the records: counts, incumbent, what is live, what is known, what the search hears."""

from __future__ import annotations

import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from runlib.engine.data.canonical import hash_suggestion
from runlib.errors import ReplayMismatch, TapeCorrupt
from runlib.search.base import Search
from runlib.state.replay import replay
from runlib.state.state import Incumbent, State
from runlib.tape import codec
from runlib.tape.events import End, Enqueue, Event, Note, Record, Retry, Session, Stopping, Submit, Suggest, Void


class Heard(Search, abstract=True):
    """Suggests 0, 1, 2, ... and keeps what it is told."""

    kind = "search_heard"

    def __init__(self, space: Any = None, seed: int = 123) -> None:
        super().__init__(None)
        self.space, self.seed = space, seed
        self.calls: list[Any] = []
        self.made = 0

    def suggest(self) -> tuple[int, Any]:
        self.made += 1
        return self.made - 1, {"x": self.made - 1}

    def submit(self, tid: int, *, error: bool = False, loss: float | None = None, var: float | None = None) -> None:
        self.calls.append(("submit", tid, error, loss, var))

    def recall(self, tid: int, suggestion: Any, memo: Any) -> None:
        self.made += 1
        self.calls.append(("recall", tid, suggestion, memo))

    def adopt(self, suggestion: Any) -> int:
        self.made += 1
        self.calls.append(("adopt", self.made - 1, suggestion))
        return self.made - 1

    def forget(self, tid: int) -> None:
        self.calls.append(("forget", tid))


def ok(tid: int, loss: float, *, of: int | None = None, **more: Any) -> Submit:
    return Submit(tid, {"ok": {"loss": loss, **more}}, of)


def failed(tid: int, name: str = "ValueError", *, of: int | None = None) -> Submit:
    return Submit(tid, {"error": {"error": name, "error_text": "no", "traceback": ""}}, of)


def suggest(*tids: int) -> list[Event]:
    return [Suggest(tid, {"x": tid}) for tid in tids]


def numbered(events: list[Event], start: int = 0) -> list[Record]:
    return [Record(n, 100.0 + n, event) for n, event in enumerate(events, start + 1)]


def state_of(*events: Event | list[Event], search: Search | None = None) -> State:
    state = State(search)
    flat = [e for event in events for e in (event if isinstance(event, list) else [event])]
    for record in numbered(flat):
        state.apply(record)
    return state


# -- trials and evaluations -----------------------------------------------------------------------


def test_a_state_begins_with_nothing() -> None:
    state = State()
    assert (len(state.trials), len(state.evals), state.live_trials, state.best, state.top) == (0, 0, {}, None, [])
    assert (state.since_best, state.errors_in_a_row, state.repeats, state.total_cost) == (0, 0, 0, 0.0)
    assert (state.n, state.sessions, state.runtime, state.ended, state.count_by_error) == (0, 0, 0.0, None, {})
    with pytest.raises(ValueError, match="without a tape"):
        _ = state.tape


def test_a_trial_is_live_until_it_is_submitted() -> None:
    state = state_of(suggest(0, 1, 2), ok(1, 5.0))
    assert state.live_trials == {0: {"x": 0}, 2: {"x": 2}}
    assert list(state.trials) == [1]
    assert state.trials[1] == ["ok", {"loss": 5.0, "suggestion": {"x": 1}}]
    assert (state.n, state.t) == (4, 104.0)


def test_trials_are_in_the_order_of_submission() -> None:
    state = state_of(suggest(0, 1, 2), ok(2, 1.0), failed(0), ok(1, 3.0))
    assert list(state.trials) == [2, 0, 1]
    assert list(state.evals) == [hash_suggestion({"x": tid}) for tid in (2, 0, 1)]


def test_an_evaluation_may_answer_several_trials() -> None:
    same = [Suggest(tid, {"x": 0}) for tid in range(3)]
    state = state_of(same, ok(0, 1.0, cost=2.0), ok(1, 1.0, of=0, cost=2.0), ok(2, 1.0, of=0, cost=2.0))
    assert (len(state.trials), len(state.evals)) == (3, 1)
    assert state.trials[2] == state.trials[0] == state.evals[hash_suggestion({"x": 0})]
    assert state.total_cost == 2.0
    assert state.top == [(0, 1.0)]
    assert state.best == Incumbent(0, 1.0, {"x": 0})
    assert state.repeats == 2


def test_repeats_are_counted_since_the_last_evaluation() -> None:
    events: list[Event] = [Suggest(0, 0), Suggest(1, 0), Suggest(2, 0), Suggest(3, 1)]
    state = state_of(events, ok(0, 1.0), ok(1, 1.0, of=0))
    assert state.repeats == 1
    state = state_of(events, ok(0, 1.0), ok(1, 1.0, of=0), ok(2, 1.0, of=0), ok(3, 2.0))
    assert state.repeats == 0


def test_a_repeat_of_a_failure_counts_as_a_failed_trial_and_no_evaluation() -> None:
    state = state_of([Suggest(0, 0), Suggest(1, 0)], failed(0), failed(1, of=0))
    assert state.count_by_error == {"ValueError": 2}
    assert (state.trials.error_count, state.evals.error_count, state.errors_in_a_row) == (2, 1, 2)


def test_a_large_result_keeps_the_name_of_its_file() -> None:
    entry = {"name": "trials/0/result.json", "bytes": 9, "hash": "a"}
    state = state_of(suggest(0), Submit(0, {"ok": {"loss": 1.0}, "file": entry}))
    assert state.trials.get_outcome(0) == {"loss": 1.0, "suggestion": {"x": 0}, "file": entry}


def test_equal_suggestions_are_one_evaluation_whatever_the_order_of_keys() -> None:
    state = state_of([Suggest(0, {"a": 1, "b": 2}), Suggest(1, {"b": 2, "a": 1}), Suggest(2, {"a": 1.0, "b": 2})])
    assert state.eid(0) == state.eid(1) == hash_suggestion({"b": 2, "a": 1})
    assert state.eid(0) != state.eid(2)


# -- what is known --------------------------------------------------------------------------------


def test_a_known_evaluation_answers_a_live_trial() -> None:
    state = state_of([Suggest(0, 0), ok(0, 1.0), Suggest(1, 0), Suggest(2, 1)])
    assert state.known(1) == (["ok", {"loss": 1.0, "suggestion": 0}], 0)
    assert state.known(2) is None


def test_a_failure_of_the_suggestion_is_known_too() -> None:
    state = state_of([Suggest(0, 0), failed(0), Suggest(1, 0)])
    known = state.known(1)
    assert known is not None
    assert (known[0][0], known[1]) == ("error", 0)


@pytest.mark.parametrize("name", ["TimeoutError", "WorkerLost"])
def test_timeouts_and_lost_workers_are_not_reused(name: str) -> None:
    state = state_of([Suggest(0, 0), failed(0, name), Suggest(1, 0)])
    assert state.known(1) is None
    state.apply(Record(4, 104.0, ok(1, 2.0)))
    state.apply(Record(5, 105.0, Suggest(2, 0)))
    assert state.known(2) == (["ok", {"loss": 2.0, "suggestion": 0}], 1)
    assert (state.evals.ok_count, state.evals.error_count, state.trials.error_count) == (1, 0, 1)


def test_an_ok_result_with_a_field_called_error_is_reused() -> None:
    state = state_of([Suggest(0, 0), ok(0, 1.0, error="TimeoutError"), Suggest(1, 0)])
    assert state.known(1) is not None


# -- incumbent and counts -------------------------------------------------------------------------


def test_the_incumbent_is_the_best_and_the_earliest() -> None:
    state = state_of(suggest(0, 1, 2, 3), ok(2, 3.0), ok(0, 1.0), ok(1, 1.0), ok(3, 2.0))
    assert state.best == Incumbent(0, 1.0, {"x": 0})
    assert state.since_best == 2
    assert state.top == [(0, 1.0), (1, 1.0), (3, 2.0), (2, 3.0)]


def test_since_best_counts_failures_and_begins_at_the_start() -> None:
    assert state_of(suggest(0, 1), failed(0), failed(1)).since_best == 2
    assert state_of(suggest(0, 1, 2), failed(0), ok(1, 1.0), failed(2)).since_best == 1


def test_the_top_holds_five_and_agrees_with_the_table() -> None:
    losses = [5.0, 3.0, 3.0, 9.0, 1.0, 3.0, 0.5, 7.0, 0.5, 3.0]
    state = state_of(suggest(*range(10)), [ok(9 - k, loss) for k, loss in enumerate(losses)])
    assert state.top == state.trials.top(5) == [(3, 0.5), (1, 0.5), (5, 1.0), (8, 3.0), (7, 3.0)]


def test_errors_in_a_row_end_with_a_success() -> None:
    state = state_of(suggest(0, 1, 2, 3), failed(0), failed(1, "KeyError"))
    assert state.errors_in_a_row == 2
    state.apply(Record(7, 107.0, ok(2, 1.0)))
    assert state.errors_in_a_row == 0
    state.apply(Record(8, 108.0, failed(3)))
    assert state.errors_in_a_row == 1
    assert state.count_by_error == {"ValueError": 2, "KeyError": 1} == state.trials.count_by_error()


def test_a_failure_without_a_name_has_one() -> None:
    assert state_of(suggest(0), Submit(0, {"error": {}})).count_by_error == {"UnknownError": 1}


def test_costs_are_added_over_evaluations() -> None:
    state = state_of(suggest(0, 1, 2), ok(0, 1.0, cost=1.5), ok(1, 1.0), ok(2, 2.0, cost=2))
    assert state.total_cost == 3.5


# -- sessions -------------------------------------------------------------------------------------


def fold(*timed: tuple[float, Event]) -> State:
    state = State()
    for n, (t, event) in enumerate(timed, 1):
        state.apply(Record(n, t, event))
    return state


def test_runtime_is_the_sum_over_sessions_that_ended_or_were_cut_off() -> None:
    ended = ((100.0, Session({})), (103.0, Suggest(0, 0)), (110.0, End("stop")))
    cut_off = ((1000.0, Session({})), (1005.0, Suggest(1, 1)))
    third = ((2000.0, Session({})), (2002.0, End("signal")))
    assert fold(*ended).runtime == 10.0
    assert fold(*ended, *cut_off).runtime == 15.0
    state = fold(*ended, *cut_off, *third)
    assert (state.runtime, state.sessions) == (17.0, 3)


def test_runtime_of_a_live_run_goes_on_with_its_clock() -> None:
    now = 105.0
    state = State(clock=lambda: now)
    state.apply(Record(1, 100.0, Session({})))
    assert state.runtime == 5.0
    now = 107.5
    assert state.runtime == 7.5
    state.apply(Record(2, 108.0, End("stop")))
    now = 500.0
    assert state.runtime == 8.0


def test_a_clock_that_is_set_back_makes_no_time_negative() -> None:
    assert fold((100.0, Session({})), (40.0, Suggest(0, 0))).runtime == 0.0
    assert fold((100.0, Session({})), (40.0, Session({})), (45.0, End("stop"))).runtime == 5.0


def test_the_end_of_a_session_is_known_until_the_next_begins() -> None:
    state = fold((1.0, Session({"pid": 1})), (2.0, End("duration", "over")))
    assert state.ended == End("duration", "over")
    state.apply(Record(3, 3.0, Session({"pid": 2})))
    assert state.ended is None
    assert state.last_session == {"pid": 2}


def test_changed_settings_are_gathered() -> None:
    state = fold(
        (1.0, Session({"changed": {"stop": 1, "trial_timeout": 5}})),
        (2.0, Session({})),
        (3.0, Session({"changed": {"stop": 2}})),
    )
    assert state.changes == {"stop": 2, "trial_timeout": 5}


def test_a_record_of_an_unknown_kind_counts_and_does_nothing_else() -> None:
    state = state_of(suggest(0))
    state.apply(Record(2, 300.0, None))
    assert (state.n, state.t, state.live_trials) == (2, 300.0, {0: {"x": 0}})


# -- what does not fit ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([*suggest(0, 0)], "record 2 suggests trial 0 a second time"),
        ([*suggest(0), ok(0, 1.0), *suggest(0)], "record 3 suggests trial 0 a second time"),
        ([*suggest(0), ok(0, 1.0), ok(0, 1.0)], "record 3 ends trial 0, which is not live"),
        ([ok(7, 1.0)], "record 1 ends trial 7, which is not live"),
        ([*suggest(0), Submit(0, {})], "record 2 ends trial 0 with neither"),
        ([Void(0)], "record 1 voids trial 0, which is neither live nor finished"),
        ([*suggest(0), Void(0), Void(0)], "record 3 voids trial 0, which is neither live nor finished"),
        ([*suggest(0), Void(0), ok(0, 1.0)], "record 3 ends trial 0, which is not live"),
        ([*suggest(0), Void(0), *suggest(0)], "record 3 suggests trial 0 a second time"),
        ([Suggest(0, None, queued=1)], "record 1 tries what record 1 is said to want, which is not so"),
        ([Enqueue({"x": 1}), Suggest(0, {"x": 2}, queued=1)], "record 2 tries what record 1 is said to want"),
        ([Enqueue({"x": 1}), Suggest(0, {"x": 1.0}, queued=1)], "record 2 tries what record 1 is said to want"),
        ([Retry(0, 1, "A", {})], "record 1 notes attempt 1 at trial 0, which is not its next"),
        ([*suggest(0), Retry(0, 1, "A", {}), Retry(0, 1, "A", {})], "record 3 notes attempt 1 at trial 0"),
        ([*suggest(0), ok(0, 1.0), Retry(0, 1, "A", {})], "record 3 notes attempt 1 at trial 0"),
    ],
)
def test_records_that_contradict_those_before_are_corrupt(events: list[Event], message: str) -> None:
    state = State(path=Path("/runs/run_x/tape.son"))
    *good, last = numbered(events)
    for record in good:
        state.apply(record)
    before = (dict(state.trials), dict(state.live_trials), state.n, dict(state.queue), dict(state.attempts))
    with pytest.raises(TapeCorrupt, match=message) as caught:
        state.apply(last)
    assert "/runs/run_x/tape.son" in str(caught.value)
    assert caught.value.n == last.n
    after = (dict(state.trials), dict(state.live_trials), state.n, dict(state.queue), dict(state.attempts))
    assert after == before


# -- the search -----------------------------------------------------------------------------------


def test_the_search_hears_exactly_the_losses() -> None:
    search = Heard()
    same: list[Event] = [*suggest(0, 1, 2), Suggest(3, {"x": 0})]
    state_of(same, ok(0, 0.125), ok(2, -1e300, var=0.5), failed(1), ok(3, 0.125, of=0), End("stop"), search=search)
    assert search.calls == [
        ("submit", 0, False, 0.125, None),
        ("submit", 2, False, -1e300, 0.5),
        ("submit", 1, True, None, None),
        ("submit", 3, False, 0.125, None),
    ]


def test_replay_hands_suggestions_and_results_over_in_order() -> None:
    events: list[Event] = [Session({}), Suggest(0, {"x": 0}, memo=[7]), *suggest(1), failed(1), ok(0, 2.0)]
    search = Heard()
    state = State(search)
    replay(numbered(events), state)
    assert search.calls == [
        ("recall", 0, {"x": 0}, [7]),
        ("recall", 1, {"x": 1}, None),
        ("submit", 1, True, None, None),
        ("submit", 0, False, 2.0, None),
    ]
    replay(numbered(suggest(2), start=5), state)
    assert search.calls[-1] == ("recall", 2, {"x": 2}, None)
    assert state.n == 6


def test_replay_with_verify_asks_again_and_stops_at_the_first_difference() -> None:
    search = Heard()
    state = State(search)
    events: list[Event] = [Session({}), *suggest(0, 1), Suggest(2, {"x": 99}), ok(0, 1.0)]
    replay(numbered(events[:3]), state, verify=True)
    assert search.calls == []
    assert search.made == 2
    with pytest.raises(ReplayMismatch, match=r"record 4: .*99") as caught:
        replay(numbered(events)[3:], state, verify=True)
    assert caught.value.n == 4
    assert state.n == 3


def test_replay_without_a_search_needs_none() -> None:
    state = State()
    replay(numbered([*suggest(0), ok(0, 1.0)]), state, verify=True)
    assert state.best == Incumbent(0, 1.0, {"x": 0})


# -- what it costs --------------------------------------------------------------------------------


def operations(state: State, records: list[Record]) -> int:
    """Calls of functions, Python's and built-in, while the records are applied."""
    count = 0

    def note(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        for record in records:
            state.apply(record)
    finally:
        sys.setprofile(None)
    return count


def history(start: int, stop: int) -> list[Record]:
    events: list[Event] = []
    for tid in range(start, stop):
        events += [Suggest(tid, {f"x{k}": tid / (k + 3) for k in range(10)}), ok(tid, 1e6 - tid, duration=tid / 7)]
    return numbered(events, start=2 * start)


def test_an_event_costs_the_same_whatever_the_number_of_trials() -> None:
    state = State(Heard())
    first = operations(state, history(0, 100))
    for record in history(100, 2900):
        state.apply(record)
    last = operations(state, history(2900, 3000))
    assert first > 1000
    assert abs(last - first) <= 0.01 * first


@pytest.mark.parametrize("count", [3_000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_a_trial_costs_little_memory(count: int) -> None:
    lines = [codec.encode(record.event, record.n, record.t, 0, b"")[0] for record in history(0, count) if record.event]
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    state = State()
    for line in lines:
        state.apply(codec.decode(line)[0])
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(state.trials) == count
    assert (after - before) / count < 2.5 * 1024


# -- edits and attempts ---------------------------------------------------------------------------


def repeated(tid: int, x: int, loss: float, of: int | None = None) -> list[Event]:
    return [Suggest(tid, {"x": x}), ok(tid, loss, of=of)]


def test_a_void_trial_is_neither_finished_nor_live() -> None:
    state = state_of(suggest(0, 1, 2), ok(0, 1.0, cost=2.0), ok(1, 0.5, cost=3.0), Void(1, "bad"), Void(2))
    assert (dict(state.voided), list(state.trials), state.live_trials) == ({1: "bad", 2: ""}, [0], {})
    assert (state.best, state.top, state.total_cost) == (Incumbent(0, 1.0, {"x": 0}), [(0, 1.0)], 2.0)
    assert (state.since_best, state.next_tid) == (0, 3)
    assert hash_suggestion({"x": 1}) not in state.evals


@pytest.mark.parametrize("which", [0, 1, 2])
def test_all_that_share_an_evaluation_are_void_with_it(which: int) -> None:
    state = state_of(
        repeated(0, 5, 1.0), repeated(1, 5, 1.0, 0), repeated(2, 5, 1.0, 0), repeated(3, 6, 2.0), Void(which)
    )
    assert set(state.voided) == {0, 1, 2}
    assert list(state.trials) == [3]
    assert len(state.evals) == 1


def test_of_several_evaluations_the_last_that_is_left_stands_for_the_suggestion() -> None:
    state = state_of(repeated(0, 5, 1.0), repeated(1, 5, 2.0), repeated(2, 5, 3.0), suggest(3))
    key = hash_suggestion({"x": 5})
    for tid, loss in ((1, 3.0), (2, 1.0)):
        state.apply(Record(state.n + 1, 0.0, Void(tid)))
        assert state.evals[key][1]["loss"] == loss
    assert set(state.trials) == {0}
    for event in [*repeated(4, 5, 7.0), Void(4)]:
        state.apply(Record(state.n + 1, 0.0, event))
    assert state.evals[key][1]["loss"] == 1.0
    state.apply(Record(state.n + 1, 0.0, Void(0)))
    assert key not in state.evals


def test_a_search_forgets_what_is_void_and_is_told_of_what_was_live() -> None:
    search = Heard()
    state_of(suggest(0, 1), ok(0, 1.0), Void(0), Void(1), search=search)
    assert search.calls == [
        ("submit", 0, False, 1.0, None),
        ("forget", 0),
        ("submit", 1, True, None, None),
        ("forget", 1),
    ]


def test_in_the_order_of_suggestions_what_is_void_is_told_when_it_is_its_turn() -> None:
    search = Heard()
    state = State(search, order="suggested")
    for record in numbered([*suggest(0, 1, 2), ok(1, 1.0), ok(2, 2.0), Void(1), Void(0)]):
        state.apply(record)
    assert search.calls == []
    state.hand_over(3)
    assert search.calls == [
        ("submit", 0, True, None, None),
        ("forget", 0),
        ("submit", 1, True, None, None),
        ("forget", 1),
        ("submit", 2, False, 2.0, None),
    ]
    state.apply(Record(8, 0.0, Void(2)))
    assert search.calls[-1] == ("forget", 2)


def test_what_is_enqueued_waits_until_it_is_tried() -> None:
    state = state_of(Enqueue({"x": 1}), Enqueue({"x": 2}, "key"))
    assert (state.queue, state.commands) == ({1: {"x": 1}, 2: {"x": 2}}, {"key"})
    state.apply(Record(3, 0.0, Suggest(0, {"x": 1}, queued=1)))
    assert (state.queue, state.live_trials) == ({2: {"x": 2}}, {0: {"x": 1}})


def test_nan_is_the_same_as_nan() -> None:
    state = state_of(Enqueue({"x": float("nan")}), Suggest(0, {"x": float("nan")}, queued=1))
    assert state.queue == {}


def test_a_replay_lets_the_search_adopt_what_is_not_its_own() -> None:
    search = Heard()
    events: list[Event] = [Enqueue({"x": 9}), Suggest(0, {"x": 9}, queued=1), Suggest(1, {"x": 1}), ok(0, 1.0)]
    replay(numbered(events), State(search), verify=True)
    assert search.calls == [("adopt", 0, {"x": 9}), ("submit", 0, False, 1.0, None)]
    other = Heard()
    replay(numbered([*suggest(0, 1), *suggest(2)]), State(other, origin={"at": 2, "adopted": 2}))
    assert [call[0] for call in other.calls] == ["adopt", "adopt", "recall"]


def test_settings_that_the_origin_changed_are_in_the_config_of_the_fork() -> None:
    events: list[Event] = [Session({"changed": {"stop": "old"}}), Session({"changed": {"trial_timeout": 3}})]
    state = State(origin={"at": 1})
    for record in numbered(events):
        state.apply(record)
    assert state.changes == {"trial_timeout": 3}


def test_remarks_are_kept_by_record_and_a_wish_to_stop_until_the_next_session() -> None:
    state = state_of(Session({}), Note("a"), Note("b", 0, "k"), Stopping("enough"))
    assert state.notes == {2: Note("a"), 3: Note("b", 0, "k")}
    assert state.stopping == "enough"
    state.apply(Record(5, 0.0, End("asked")))
    state.apply(Record(6, 0.0, Session({})))
    assert (state.stopping, state.ended) == (None, None)


def test_attempts_are_known_as_long_as_the_trial_is_live() -> None:
    state = state_of(suggest(0, 1), Retry(0, 1, "A", {}), Retry(0, 2, "B", {}), Retry(1, 3, "A", {}))
    assert state.attempts == {0: ["A", "B"], 1: ["A"]}  # of trial 1 two records were lost by a repair
    assert [state.failed_attempts(tid) for tid in (0, 1, 2)] == [2, 3, 0]
    for event in (ok(0, 1.0), Void(1)):
        state.apply(Record(state.n + 1, 0.0, event))
    assert (state.attempts, state.failed_attempts(1)) == ({}, 0)


def test_edits_between_two_sessions_take_no_time() -> None:
    state = State()
    for t, event in ((0, Session({})), (10, End("stop")), (500, Void(0)), (600, Session({})), (605, Note("x"))):
        if not isinstance(event, Void):
            state.apply(Record(state.n + 1, t, event))
    state.apply(Record(state.n + 1, 900, Session({})))  # the one before was cut off; a remark came later
    assert state.runtime == 10
