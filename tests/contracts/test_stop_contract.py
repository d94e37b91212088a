"""What holds for every stop, the built-in ones and each further one that is registered.

A new stop joins by a pair in ``SATISFIED``: a config, and records that satisfy it. A registered stop of runlib
without one fails ``test_every_builtin_stop_is_here``.
"""

from __future__ import annotations

import copy
import json
import math
import pickle
from typing import Any

import pytest

import runlib.stop
from runlib.engine import registry
from runlib.engine.component import from_config
from runlib.state.state import State
from runlib.stop.base import Stop
from runlib.tape.events import Record, Session, Submit, Suggest

OK = {"ok": {"loss": 0.5, "duration": 0.1, "cost": 2.0}}
ERROR = {"error": {"error": "TimeoutError", "error_text": "", "traceback": ""}}


def fold(results: list[dict[str, Any]], *, seconds: float = 0.0) -> State:
    """The state after one session in which these results came."""
    state = State(clock=lambda: 1000.0 + seconds)
    events: list[Any] = [Session({})]
    for tid, result in enumerate(results):
        events += [Suggest(tid, {"x": tid}, None), Submit(tid, result)]
    for n, event in enumerate(events, 1):
        state.apply(Record(event=event, n=n, t=1000.0))
    return state


SATISFIED: dict[str, tuple[dict[str, Any], State]] = {
    "stop_max": ({"count": 3}, fold([OK, ERROR, OK])),
    "stop_duration": ({"duration": 1.0}, fold([OK], seconds=60.0)),
    "stop_loss": ({"threshold": 0.5}, fold([OK])),
    "stop_no_progress": ({"count": 3}, fold([OK, OK, OK, ERROR])),
    "stop_errors": ({"count": 2, "share": 0.9}, fold([OK, ERROR, ERROR])),
    "stop_cost": ({"limit": 4.0}, fold([OK, OK])),
    "stop_any": ({"stops": [{"stop_max": {"count": 9}}, {"stop_loss": {"threshold": 1.0}}]}, fold([OK])),
    "stop_all": ({"stops": [{"stop_max": {"count": 2}}, {"stop_loss": {"threshold": 1.0}}]}, fold([OK, OK])),
}
KINDS = sorted(SATISFIED)


def builtin_kinds() -> list[str]:
    return [cls.kind for cls in registry.classes(Stop) if cls.__module__.startswith("runlib.")]


def make(kind: str) -> Stop:
    return from_config({kind: copy.deepcopy(SATISFIED[kind][0])}, family=Stop)


def states(kind: str) -> list[State]:
    return [fold([]), fold([OK]), fold([ERROR]), SATISFIED[kind][1]]


def test_every_builtin_stop_is_here() -> None:
    assert sorted(builtin_kinds()) == KINDS


def test_every_builtin_stop_is_public() -> None:
    public = {getattr(runlib.stop, name) for name in runlib.stop.__all__}
    assert {registry.lookup(kind) for kind in builtin_kinds()} <= public


def test_the_base_is_no_kind() -> None:
    assert Stop not in registry.classes(Stop)


@pytest.mark.parametrize("kind", KINDS)
def test_config_round_trip(kind: str) -> None:
    config = make(kind).get_config()
    again = from_config(json.loads(json.dumps(config)), family=Stop)
    assert type(again) is type(make(kind))
    assert again.get_config() == config
    assert again.get_config_hash() == make(kind).get_config_hash()


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_state_satisfies_no_stop(kind: str) -> None:
    assert make(kind).done(fold([])) is False


@pytest.mark.parametrize("kind", KINDS)
def test_done_when_satisfied(kind: str) -> None:
    assert make(kind).done(SATISFIED[kind][1]) is True


@pytest.mark.parametrize("kind", KINDS)
def test_there_is_room_as_long_as_it_is_not_done(kind: str) -> None:
    stop = make(kind)
    for state in states(kind):
        room = stop.room(state)
        assert not math.isnan(room)
        assert room == 0 if stop.done(state) else room >= 1


@pytest.mark.parametrize("kind", KINDS)
def test_short_report_is_one_sentence(kind: str) -> None:
    for state in states(kind):
        report = make(kind).short_report(state)
        assert report[0].isupper()
        assert report.endswith(".")
        assert "\n" not in report
        assert ". " not in report
        assert len(report) < 200


@pytest.mark.parametrize("kind", KINDS)
def test_asking_changes_nothing(kind: str) -> None:
    stop = make(kind)
    config = stop.get_config()
    for state in states(kind):
        first = (stop.done(state), stop.room(state), stop.short_report(state))
        assert (stop.done(state), stop.room(state), stop.short_report(state)) == first
    assert stop.get_config() == config


@pytest.mark.parametrize("kind", KINDS)
def test_a_stop_can_be_pickled(kind: str) -> None:
    stop = make(kind)
    again = pickle.loads(pickle.dumps(stop))
    assert again.get_config() == stop.get_config()
    assert again.done(SATISFIED[kind][1]) is True


@pytest.mark.parametrize("kind", KINDS)
def test_the_context_is_not_in_the_config(kind: str) -> None:
    stop = from_config({kind: SATISFIED[kind][0]}, context={"max_workers": 3}, family=Stop)
    assert stop.get_config() == make(kind).get_config()
    assert stop.context["max_workers"] == 3
