"""What holds for all stops and all states: nested ones follow their parts, and done means that no room is left."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from runlib.engine.component import from_config
from runlib.state.state import State
from runlib.stop import Stop, StopAll, StopAny
from runlib.tape.events import Record, Session, Submit, Suggest

WHOLE = st.integers(1, 8)
NUMBER = st.floats(-2, 2)
POSITIVE = st.floats(0.1, 8)

SIMPLE = st.one_of(
    st.builds(
        lambda count, errors, use: {"stop_max": {"count": count, "errors": errors, "use": use}},
        WHOLE,
        st.booleans(),
        st.sampled_from(["trials", "evals"]),
    ),
    st.builds(lambda threshold: {"stop_loss": {"threshold": threshold}}, NUMBER),
    st.builds(lambda count: {"stop_no_progress": {"count": count}}, WHOLE),
    st.builds(lambda limit: {"stop_cost": {"limit": limit}}, POSITIVE),
    st.builds(lambda duration: {"stop_duration": {"duration": duration}}, POSITIVE),
    st.builds(
        lambda count, share, minimum: {"stop_errors": {"count": count, "share": share, "minimum": minimum}},
        WHOLE,
        st.none() | st.floats(0.1, 1),
        WHOLE,
    ),
)
CONFIGS = st.recursive(
    SIMPLE,
    lambda inner: st.builds(
        lambda kind, stops: {kind: {"stops": stops}},
        st.sampled_from(["stop_any", "stop_all"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=6,
)
OUTCOMES = st.lists(st.none() | st.tuples(st.floats(-2, 2), st.floats(0, 2)), max_size=10)


def fold(outcomes: list[tuple[float, float] | None], seconds: float) -> State:
    """The state after trials with these losses and costs, None being a failure; every third repeats the first."""
    state = State(clock=lambda: seconds)
    events: list[Any] = [Session({})]
    for tid, outcome in enumerate(outcomes):
        result = {"error": {"error": "E"}} if outcome is None else {"ok": {"loss": outcome[0], "cost": outcome[1]}}
        again = tid % 3 == 2
        events += [Suggest(tid, {"x": 0 if again else tid}), Submit(tid, result, 0 if again else None)]
    for n, event in enumerate(events, 1):
        state.apply(Record(event=event, n=n, t=0.0))
    return state


STATES = st.builds(fold, OUTCOMES, st.floats(0, 600))


@given(CONFIGS, STATES)
def test_done_means_no_room_and_not_done_at_least_one(config: Any, state: State) -> None:
    stop = from_config(config, family=Stop)
    assert (stop.room(state) == 0) is stop.done(state)
    assert stop.done(state) or stop.room(state) >= 1


@given(st.lists(CONFIGS, min_size=1, max_size=3), STATES)
def test_nested_stops_follow_their_parts(configs: list[Any], state: State) -> None:
    parts = [from_config(config, family=Stop) for config in configs]
    assert StopAny(configs).done(state) is any(part.done(state) for part in parts)
    assert StopAll(configs).done(state) is all(part.done(state) for part in parts)
    assert StopAny(configs).room(state) == min(part.room(state) for part in parts)
    assert StopAll(configs).room(state) == max(part.room(state) for part in parts)


@given(CONFIGS, STATES)
def test_configs_round_trip_and_decide_alike(config: Any, state: State) -> None:
    stop = from_config(config, family=Stop)
    again = from_config(json.loads(json.dumps(stop.get_config())), family=Stop)
    assert stop.get_config() == config
    assert again.get_config_hash() == stop.get_config_hash()
    assert again.short_report(state) == stop.short_report(state)
    assert again.done(state) is stop.done(state)


@given(CONFIGS, STATES)
def test_the_report_is_one_line_that_ends_once(config: Any, state: State) -> None:
    report = from_config(config, family=Stop).short_report(state)
    assert report.endswith(".")
    assert not report.endswith("..")
    assert "\n" not in report
