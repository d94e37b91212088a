"""Each stop on its own: when it is done, how much room it leaves, what it says, what it refuses."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from runlib.engine.component import from_config
from runlib.errors import ConfigError, UnknownKind
from runlib.state.tally import Tally
from runlib.stop import (
    Stop,
    StopAll,
    StopAny,
    StopCost,
    StopDuration,
    StopErrors,
    StopLoss,
    StopMax,
    StopNoProgress,
)


class Table:
    """Counts as a table of results offers them."""

    def __init__(self, ok: int, errors: int) -> None:
        self.ok_count, self.error_count = ok, errors

    def __len__(self) -> int:
        return self.ok_count + self.error_count


def state(*, ok: int = 0, errors: int = 0, evals: int | None = None, **values: Any) -> Any:
    defaults = {"best": None, "total_cost": 0.0, "errors_in_a_row": 0, "since_best": 0, "runtime": 0.0}
    table = Table(ok, errors)
    evaluated = table if evals is None else Table(evals, 0)
    better = Tally().is_better
    return SimpleNamespace(trials=table, evals=evaluated, live_trials={}, is_better=better, **{**defaults, **values})


def best(loss: float) -> SimpleNamespace:
    return SimpleNamespace(tid=3, loss=loss, suggestion={"x": 1})


def test_max_counts_errors_too() -> None:
    stop = StopMax(20)
    assert not stop.done(state(ok=12, errors=7))
    assert stop.room(state(ok=12, errors=7)) == 1
    assert stop.done(state(ok=12, errors=8))
    assert stop.room(state(ok=15, errors=8)) == 0


def test_max_without_errors_counts_successes_only() -> None:
    stop = StopMax(20, errors=False)
    assert not stop.done(state(ok=19, errors=50))
    assert stop.room(state(ok=19, errors=50)) == 1
    assert stop.done(state(ok=20, errors=0))


def test_max_of_evaluations_counts_repeats_once() -> None:
    stop = StopMax(5, use="evals")
    assert not stop.done(state(ok=9, evals=4))
    assert stop.room(state(ok=9, evals=4)) == 1
    assert stop.done(state(ok=9, evals=5))


@pytest.mark.parametrize(
    ("stop", "text"),
    [
        (StopMax(100), "Counted trials: 17/100."),
        (StopMax(100, errors=False), "Counted trials without error: 12/100."),
        (StopMax(100, use="evals"), "Counted evaluations: 11/100."),
        (StopDuration(100), "Runtime in minutes: 41.5/100."),
        (StopLoss(0.1), "Best loss: 0.52, good enough at 0.1."),
        (StopNoProgress(50), "Trials without progress: 7/50."),
        (StopErrors(5), "Errors: 2/5 in a row."),
        (StopErrors(share=0.5), "Errors: 5 of 17 trials (limit 50 %, from 10 trials on)."),
        (StopCost(100), "Summed cost: 12.5/100."),
        (StopAny([StopMax(100), StopCost(9)]), "Any of (Counted trials: 17/100; Summed cost: 12.5/9)."),
        (StopAll([StopMax(100)]), "All of (Counted trials: 17/100)."),
    ],
)
def test_short_reports(stop: Stop, text: str) -> None:
    now = state(
        ok=12,
        errors=5,
        evals=11,
        best=best(0.52),
        total_cost=12.5,
        errors_in_a_row=2,
        since_best=7,
        runtime=2490.0,
    )
    assert stop.short_report(now) == text


def test_loss_report_before_the_first_success() -> None:
    assert StopLoss(0.1).short_report(state()) == "Best loss: none yet, good enough at 0.1."


def test_duration_is_in_minutes_and_the_runtime_in_seconds() -> None:
    stop = StopDuration(1.5)
    assert not stop.done(state(runtime=89.9))
    assert stop.done(state(runtime=90.0))


@pytest.mark.parametrize(("loss", "done"), [(0.2, False), (0.1, True), (-3.0, True)])
def test_loss(loss: float, done: bool) -> None:
    assert StopLoss(0.1).done(state(ok=1, best=best(loss))) is done


def test_loss_may_be_wanted_below_zero() -> None:
    assert not StopLoss(-1).done(state(ok=1, best=best(-0.5)))
    assert StopLoss(-1).done(state(ok=1, best=best(-1.5)))


def test_no_progress_starts_no_more_than_would_end_the_run() -> None:
    stop = StopNoProgress(10)
    assert stop.room(state(since_best=4)) == 6
    assert not stop.done(state(since_best=9))
    assert stop.done(state(since_best=10))
    assert stop.room(state(since_best=12)) == 0


def test_errors_in_a_row() -> None:
    stop = StopErrors(3)
    assert not stop.done(state(ok=0, errors=50, errors_in_a_row=2))
    assert stop.room(state(errors_in_a_row=2)) == math.inf
    assert stop.done(state(errors_in_a_row=3))
    assert stop.room(state(errors_in_a_row=3)) == 0


def test_share_of_errors_waits_for_the_minimum() -> None:
    stop = StopErrors(share=0.5, minimum=8)
    assert not stop.done(state(ok=0, errors=7, errors_in_a_row=7))
    assert not stop.done(state(ok=5, errors=4))
    assert stop.done(state(ok=4, errors=4))


def test_share_and_row_of_errors_together_are_either() -> None:
    stop = StopErrors(4, share=0.5, minimum=10)
    assert stop.done(state(ok=100, errors=4, errors_in_a_row=4))
    assert stop.done(state(ok=10, errors=10, errors_in_a_row=1))
    assert not stop.done(state(ok=11, errors=10, errors_in_a_row=1))


def test_cost() -> None:
    assert not StopCost(10).done(state(ok=5, total_cost=9.99))
    assert StopCost(10).done(state(ok=5, total_cost=10.0))


def test_any_is_done_with_the_first() -> None:
    stop = StopAny([StopMax(10), StopLoss(0.1)])
    assert not stop.done(state(ok=9, best=best(0.2)))
    assert stop.room(state(ok=9, best=best(0.2))) == 1
    assert stop.done(state(ok=1, best=best(0.1)))
    assert stop.room(state(ok=1, best=best(0.1))) == 0
    assert stop.done(state(ok=10, best=best(0.2)))


def test_all_waits_for_the_last() -> None:
    stop = StopAll([StopMax(10), StopLoss(0.1)])
    assert not stop.done(state(ok=10, best=best(0.2)))
    assert stop.room(state(ok=10, best=best(0.2))) == math.inf
    assert stop.room(state(ok=7, best=best(0.1))) == 3  # the loss is reached and wants nothing more
    assert stop.done(state(ok=10, best=best(0.1)))


def test_nested_stops_may_be_configs_and_nested_again() -> None:
    stop = from_config(
        {"stop_any": {"stops": [{"stop_max": {"count": 5}}, {"stop_all": {"stops": [StopLoss(0), StopCost(1)]}}]}},
        family=Stop,
    )
    assert stop.done(state(ok=5))
    assert stop.done(state(ok=1, best=best(0), total_cost=1.0))
    assert not stop.done(state(ok=1, best=best(0)))


@pytest.mark.parametrize(
    ("config", "path", "text"),
    [
        ({"stop_max": {"count": 0}}, "stop_max.count", "at least 1"),
        ({"stop_max": {"count": 2.5}}, "stop_max.count", "whole number"),
        ({"stop_max": {"count": True}}, "stop_max.count", "whole number"),
        ({"stop_max": {"count": "20"}}, "stop_max.count", "'20'"),
        ({"stop_max": {"count": 3, "errors": "no"}}, "stop_max.errors", "true or false"),
        ({"stop_max": {"count": 3, "use": "tries"}}, "stop_max.use", "'trials' or 'evals'"),
        ({"stop_duration": {"duration": 0}}, "stop_duration.duration", "above 0"),
        ({"stop_duration": {"duration": math.inf}}, "stop_duration.duration", "finite"),
        ({"stop_loss": {"threshold": math.nan}}, "stop_loss.threshold", "finite"),
        ({"stop_loss": {"threshold": None}}, "stop_loss.threshold", "None"),
        ({"stop_loss": {"threshold": 10**400}}, "stop_loss.threshold", "finite"),
        ({"stop_no_progress": {"count": -1}}, "stop_no_progress.count", "at least 1"),
        ({"stop_errors": {}}, "stop_errors", "'count'"),
        ({"stop_errors": {"count": 0}}, "stop_errors.count", "at least 1"),
        ({"stop_errors": {"share": 1.5}}, "stop_errors.share", "at most 1"),
        ({"stop_errors": {"share": 0}}, "stop_errors.share", "above 0"),
        ({"stop_errors": {"share": 0.5, "minimum": 0}}, "stop_errors.minimum", "at least 1"),
        ({"stop_cost": {"limit": -2}}, "stop_cost.limit", "above 0"),
        ({"stop_any": {"stops": []}}, "stop_any.stops", "at least one"),
        ({"stop_any": {"stops": {"stop_max": {"count": 0}}}}, "stop_any.stops.0.stop_max.count", "1"),
        ({"stop_all": {"stops": ["stop_max"]}}, "stop_all.stops.0.stop_max", "missing"),
        (
            {"stop_all": {"stops": [StopMax(1), {"stop_max": {"count": 0}}]}},
            "stop_all.stops.1.stop_max.count",
            "1",
        ),
    ],
)
def test_wrong_arguments_are_refused_with_their_path(config: Any, path: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_config(config, family=Stop)
    assert caught.value.path == path
    assert text in caught.value.reason


def test_an_unknown_nested_stop_is_named() -> None:
    with pytest.raises(UnknownKind, match=r"stops.0.*stop_maxx.*did you mean 'stop_max'"):
        StopAny([{"stop_maxx": {}}])


def test_whole_numbers_of_numpy_are_taken_and_written_plain() -> None:
    numpy = pytest.importorskip("numpy")
    assert StopMax(numpy.int64(3)).get_config() == {"stop_max": {"count": 3, "errors": True, "use": "trials"}}


class StopAtThree(Stop):
    """A stop that overrides no more than it must."""

    kind = "stop_at_three"

    def done(self, state: Any) -> bool:
        return len(state.trials) >= 3


class StopUndecided(Stop):
    """A stop that forgot to decide."""

    kind = "stop_undecided"


def test_what_a_stop_gets_from_the_base() -> None:
    stop = StopAtThree()
    assert stop.room(state(ok=2)) == math.inf
    assert stop.room(state(ok=3)) == 0
    assert stop.short_report(state(ok=2)) == "stop_at_three: not yet reached."
    assert stop.short_report(state(ok=3)) == "stop_at_three: reached."
    assert StopAll([stop, StopMax(5)]).room(state(ok=3)) == 2
    with pytest.raises(NotImplementedError, match=r"StopUndecided has no done\(\)"):
        StopUndecided().done(state())
