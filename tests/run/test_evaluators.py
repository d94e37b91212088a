"""What an evaluator may be, through whole runs: in both pools, restored, and refused with one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runlib import Component, ConfigError, EvaluationError, FixedSearch, Float, Hyperopt, RandomSearch, Run, StopMax
from runlib.space.accidents import quiet
from tests.fakes import DirectPool, SpySearch

SPACE = {"x": Float(0, 1)}
QUICK: Any = {"context": {"sync": "never", "max_workers": 1}}


class Mock(Component):
    """As the ancestor's users write it."""

    kind = "mock_of_runs"

    def __init__(self, shift: float = 0.0, context: Any = None) -> None:
        super().__init__(context)
        self.shift = shift

    def __call__(self, model: Any) -> Any:
        return {"loss": model["x"] + self.shift, "score": -model["x"]}

    def _get_config(self) -> dict[str, Any]:
        return {"shift": self.shift}


def folds(params, n_folds=5):  # type: ignore[no-untyped-def]
    return params["x"] + n_folds


def maybe(params: dict | None, seed: int = 1) -> float:  # type: ignore[type-arg]
    return 0.0 if params is None else params["x"]


def nothing() -> float:
    return 1.0


@pytest.mark.parametrize("pool", ["pool_serial", "pool_processes"])
@pytest.mark.parametrize("given", ["object", "config"])
def test_a_component_of_ones_own_runs_and_is_restored(tmp_path: Path, pool: str, given: str) -> None:
    config = {"mock_of_runs": {"shift": 0.5}}
    evaluator: Any = Mock(0.5) if given == "object" else config
    run = Run(RandomSearch(SPACE), evaluator, StopMax(2), pool=pool, **QUICK).prepare(tmp_path).run()
    assert run.get_config()["run"]["evaluator"] == config
    assert run.state.trials.ok_count == 2
    assert Run.checkout(run.work_directory).get_config()["run"]["evaluator"] == config
    again = Run.restore(run.work_directory, new_stop=StopMax(3)).run()
    assert all(loss >= 0.5 for loss in again.state.trials.losses)
    with Run.restore(run.work_directory, evaluator=Mock(0.5)) as same:
        assert same.evaluator.component.shift == 0.5  # type: ignore[union-attr]
    with pytest.raises(ConfigError, match=r"evaluator: is another evaluator.*mock_of_runs.shift the tape has 0.5"):
        Run.restore(run.work_directory, evaluator=Mock(0.25))


def test_its_objective_is_that_of_the_run(tmp_path: Path) -> None:
    run = Run(RandomSearch(SPACE), Mock(), StopMax(3), objective="score", direction="max", pool=DirectPool())
    run.prepare(tmp_path).run()
    assert max(run.state.trials.losses) <= 0.0
    assert all("given_loss" in outcome for _, outcome in run.state.trials.values())


@pytest.mark.parametrize("pool", ["pool_serial", "pool_processes"])
def test_functions_that_mean_the_whole_get_it(tmp_path: Path, pool: str) -> None:
    for function, least in ((folds, 5.0), (maybe, 0.0)):
        run = Run(RandomSearch(SPACE), function, StopMax(2), pool=pool, **QUICK).prepare(tmp_path).run()
        assert run.best is not None
        assert run.best.loss >= least


@pytest.mark.parametrize("search", [RandomSearch(SPACE), Hyperopt({"model": {"x": ["hp_uniform", "x", 0, 1]}})])
def test_a_function_that_takes_nothing_is_refused_where_there_is_something(search: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        Run(search, nothing, StopMax(3))
    said = str(caught.value)
    assert said.startswith("evaluator: the function nothing() has no parameter, so it does not take what is suggested")
    assert "let it take the whole suggestion: def nothing(params)" in said
    assert f"def nothing({next(iter(search.space))})" in said


@pytest.mark.parametrize("pool", [DirectPool(), "pool_processes"])
@pytest.mark.parametrize("space", [{}, {"epochs": 3}, None])
def test_it_is_called_where_the_space_has_none_either(tmp_path: Path, pool: Any, space: Any) -> None:
    with quiet():  # of a space in which nothing varies
        search = FixedSearch([{}]) if space is None else Hyperopt(space)
    run = Run(search, nothing, StopMax(1), pool=pool, **QUICK).prepare(tmp_path).run()
    assert run.state.trials.losses == [1.0]


def test_where_the_space_is_not_known_the_first_trial_says_so(tmp_path: Path) -> None:
    for search in (SpySearch(), FixedSearch([{"x": 1}])):
        run = Run(search, nothing, StopMax(1), pool=DirectPool()).prepare(tmp_path)
        with pytest.raises(EvaluationError, match=r"nothing\(\) has no parameter.*def nothing\(x\)"):
            run.run()
        run.close()
