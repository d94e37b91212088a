"""Failures in a run keep its search away; ``loss_on_error`` and ``cost_on_error`` give them a value."""

from __future__ import annotations

from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from runlib import AskTell, Component, ConfigError, EvolutionSearch, Hyperopt, Run, StopCost, StopMax, StopNoProgress
from tests.fakes import DirectPool, SpySearch

SPACE = {"x": ["hp_uniform", "x", -5, 5]}
QUICK: Any = {"pool": DirectPool(), "context": {"sync": "never"}}


class Asked(Component):
    kind = "asked_only"

    def ask(self) -> Any:
        return {"x": 1.0}

    def tell(self, key: Any, loss: float) -> None:
        assert loss < 1e9


def cliff(x: float) -> float:
    if x > 4:
        raise RuntimeError("over the edge")
    return (x - 1) ** 2


def late_failures(run: Run) -> int:
    outcomes = run.state.trials
    return sum(outcomes[tid][0] == "error" for tid in range(20, 60))


@pytest.mark.parametrize("direction", ["min", "max"])
def test_a_run_keeps_away_from_where_it_fails(tmp_path: Path, direction: str) -> None:
    counts = []
    for seed in range(3):
        sign = 1 if direction == "min" else -1
        run = Run(
            Hyperopt(SPACE, seed=seed),
            lambda x, sign=sign: sign * cliff(x),
            StopMax(60),
            caught_exceptions=["RuntimeError"],
            direction=direction,
            **QUICK,
        )
        counts.append(late_failures(run.prepare(tmp_path).run()))
    assert mean(counts) <= 6


def slow_in_a_corner(x: float) -> float:
    if x > 4:
        raise TimeoutError("exceeded trial_timeout")
    return (x - 1) ** 2


def test_timeouts_in_a_slow_corner_keep_it_away_too(tmp_path: Path) -> None:
    run = Run(Hyperopt(SPACE, seed=1), slow_in_a_corner, StopMax(60), **QUICK).prepare(tmp_path).run()
    assert late_failures(run) <= 6


def test_retries_are_used_up_before_the_search_hears(tmp_path: Path) -> None:
    search = SpySearch()

    def evaluate(x: float) -> float:
        raise RuntimeError("never")

    settings: Any = {"caught_exceptions": ["RuntimeError"], "retries": {"RuntimeError": 2}}
    run = Run(search, evaluate, StopMax(2), **settings, **QUICK).prepare(tmp_path).run()
    assert [record.event.kind for record in run.state.tape if record.event.kind == "retry"] == ["retry"] * 4
    assert run.state.search.inner.heard == [(0, None), (1, None)]


@pytest.mark.parametrize(("direction", "told"), [("min", 30.0), ("max", -30.0)])
def test_a_failed_trial_is_told_the_value_that_the_run_gives_it(tmp_path: Path, direction: str, told: float) -> None:
    def evaluate(x: float) -> float:
        raise RuntimeError("never")

    settings: Any = {"caught_exceptions": ["RuntimeError"], "direction": direction}
    run = Run(SpySearch(), evaluate, StopMax(2), loss_on_error=30, **settings, **QUICK).prepare(tmp_path).run()
    assert run.state.search.inner.heard == [(0, told), (1, told)]
    assert run.state.trials.error_count == 2
    assert run.state.best is None
    run.close()
    with Run.restore(run.work_directory, evaluator=evaluate, verify=True, **QUICK) as again:
        assert again.loss_on_error == 30.0
        assert again.state.search.inner.heard == [(0, told), (1, told)]


def test_in_the_order_of_suggestions_too(tmp_path: Path) -> None:
    settings: Any = {"caught_exceptions": ["ZeroDivisionError"], "order": "suggested"}
    run = Run(SpySearch(), lambda x: 1 / 0, StopMax(3), loss_on_error=7.5, **settings, **QUICK).prepare(tmp_path).run()
    assert run.state.search.inner.heard[:2] == [(0, 7.5), (1, 7.5)]


def test_what_is_void_is_not_told_the_value(tmp_path: Path) -> None:
    run = Run(SpySearch(), None, StopMax(3), loss_on_error=7.5, **QUICK).prepare(tmp_path)
    run.suggest()
    run.void(0, "no")
    assert run.state.search.inner.heard == [(0, None)]
    run.close()


def test_failed_trials_cost_what_the_run_says(tmp_path: Path) -> None:
    def evaluate(x: float) -> dict[str, float]:
        if x > 0:
            raise RuntimeError("no")
        return {"loss": x, "cost": 1.0}

    settings: Any = {"caught_exceptions": ["RuntimeError"], "cost_on_error": 0.5}
    run = Run(EvolutionSearch(SPACE), evaluate, StopCost(10), **settings, **QUICK).prepare(tmp_path).run()
    expected = run.state.trials.ok_count + 0.5 * run.state.trials.error_count
    assert run.state.total_cost == expected >= 10
    assert run.state.trials.error_count > 0
    assert Run.checkout(run.work_directory).state.total_cost == expected


def test_what_is_answered_from_a_failure_costs_nothing_again(tmp_path: Path) -> None:
    settings: Any = {"caught_exceptions": ["ZeroDivisionError"], "cost_on_error": 2.0}
    run = Run(SpySearch(points=1), lambda x: 1 / 0, StopMax(3), **settings, **QUICK).prepare(tmp_path).run()
    assert (len(run.state.trials), run.state.total_cost) == (3, 2.0)


@pytest.mark.parametrize("name", ["loss_on_error", "cost_on_error"])
@pytest.mark.parametrize("value", ["much", float("inf"), float("nan"), True, [1]])
def test_a_value_is_a_finite_number(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"^{name}: takes a finite number"):
        Run(SpySearch(), cliff, StopNoProgress(3), **{name: value})


def test_a_run_says_how_its_search_takes_failures() -> None:
    for search in (Hyperopt(SPACE), EvolutionSearch(SPACE), AskTell(Asked())):
        [arguments] = search.get_config().values()
        assert arguments["errors_ok"] is True
