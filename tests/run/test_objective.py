"""Which key of the result counts, and whether smaller or greater is better."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runlib import (
    ChainSearch,
    Choice,
    ConfigError,
    EvolutionSearch,
    Float,
    GridSearch,
    Hyperopt,
    Integer,
    RandomSearch,
    Run,
    SobolSearch,
    StopAny,
    StopLoss,
    StopMax,
    StopNoProgress,
)
from runlib.audit.verify import verify
from tests.fakes import DirectPool, SpySearch

SPACE = {"x": ["hp_uniform", "x", 0, 1], "n": ["hp_choice", "n", [1, 2, 3]]}


def loss_of(x: float, n: int = 1) -> dict[str, Any]:
    return {"loss": (x - 0.3) ** 2 + n}


def score_of(x: float, n: int = 1) -> dict[str, Any]:
    return {"score": -((x - 0.3) ** 2 + n), "loss": "something else"}


def make(tmp_path: Path, evaluator: Any, **more: Any) -> Run:
    arguments = {"stop": StopMax(30), "search": Hyperopt(SPACE, n_startup_jobs=5), **more}
    search, stop = arguments.pop("search"), arguments.pop("stop")
    return Run(search, evaluator, stop, pool=DirectPool(), **arguments).prepare(tmp_path)


@pytest.mark.parametrize("order", ["completed", "suggested"])
def test_maximising_the_negative_is_the_mirror_image(tmp_path: Path, order: str) -> None:
    less = make(tmp_path, loss_of, order=order).run()
    more = make(tmp_path, score_of, objective="score", direction="max", order=order).run()
    suggestions = [[o["suggestion"] for _, o in run.state.trials.values()] for run in (less, more)]
    assert suggestions[0] == suggestions[1]
    assert less.best is not None
    assert more.best is not None
    assert (more.best.tid, more.best.loss) == (less.best.tid, -less.best.loss)
    assert more.state.top == [(tid, -loss) for tid, loss in less.state.top]
    for table in ("trials", "evals"):
        ours, theirs = getattr(more.state, table), getattr(less.state, table)
        assert ours.sorted_losses == [-loss for loss in theirs.sorted_losses]
        assert ours.top_suggestions(7) == theirs.top_suggestions(7)
    assert more.state.trials[0][1]["loss"] == more.state.trials[0][1]["score"] < 0
    assert more.state.trials[0][1]["given_loss"] == "something else"
    assert verify(more.work_directory, replay=True).verdict == "intact"


TYPED = {"x": Float(0, 1, step=0.05), "part": Choice([{"n": Integer(1, 3)}, None])}
SEARCHES = {
    "random": lambda: RandomSearch(TYPED, duplicates=True),
    "grid": lambda: GridSearch(TYPED),
    "sobol": lambda: SobolSearch(TYPED),
    "evolution": lambda: EvolutionSearch(TYPED, population=6, sample=3),
    "anneal": lambda: Hyperopt(TYPED, method="anneal", errors_ok=True),
    "chain": lambda: ChainSearch(
        [{"search": {"search_sobol": {}}, "count": 9}, {"search": {"search_hyperopt": {"n_startup_jobs": 5}}}],
        space=TYPED,
    ),
}


def edited(tmp_path: Path, name: str, **settings: Any) -> tuple[Run, Run]:
    """A run that was edited and extended, and a fork of it."""
    evaluator = settings.pop("evaluator")
    more = {"search": SEARCHES[name](), "stop": StopMax(20), "caught_exceptions": ["ValueError"], **settings}
    run = make(tmp_path, evaluator, **more).run()
    assert run.best is not None
    run.void(run.best.tid, "too good")
    run.enqueue({"x": 0.5, "part": None})
    restored = Run.restore(run.work_directory, evaluator=evaluator, pool=DirectPool(), new_stop=StopMax(30)).run()
    fork = Run.fork(
        run.work_directory, at=30, directory=tmp_path, stop=StopMax(25), evaluator=evaluator, pool=DirectPool()
    )
    return restored, fork.run()


@pytest.mark.parametrize("order", ["completed", "suggested"])
@pytest.mark.parametrize("name", SEARCHES)
def test_every_search_voided_extended_and_forked_is_mirrored(tmp_path: Path, name: str, order: str) -> None:
    def loss(x: float, part: Any) -> float:
        if round(20 * x) % 7 == 3:
            raise ValueError(x)
        return round((x - 0.3) ** 2, 2) + (part or {"n": 2})["n"]

    def score(x: float, part: Any) -> dict[str, float]:
        return {"score": -loss(x, part)}

    less = edited(tmp_path, name, evaluator=loss, order=order)
    more = edited(tmp_path, name, evaluator=score, order=order, objective="score", direction="max")
    for ours, theirs in zip(more, less, strict=True):
        assert [o["suggestion"] for _, o in ours.state.trials.values()] == [
            o["suggestion"] for _, o in theirs.state.trials.values()
        ]
        assert ours.state.top == [(tid, -loss) for tid, loss in theirs.state.top]
        assert ours.state.since_best == theirs.state.since_best
        assert ours.state.trials.error_count == theirs.state.trials.error_count
        assert verify(ours.work_directory, replay=True).verdict == "intact"


def test_a_run_that_maximises_is_restored_and_checked_out_as_one(tmp_path: Path) -> None:
    whole = make(tmp_path, score_of, objective="score", direction="max", search=SpySearch()).run()
    run = make(tmp_path, score_of, objective="score", direction="max", search=SpySearch(), stop=StopMax(10)).run()
    restored = Run.restore(run.work_directory, evaluator=score_of, pool=DirectPool(), new_stop=StopMax(30)).run()
    seen = Run.checkout(run.work_directory)
    assert (seen.objective, seen.direction) == ("score", "max")
    assert seen.best == restored.best == whole.best
    assert isinstance(restored.search, SpySearch)
    assert isinstance(whole.search, SpySearch)
    assert restored.search.heard == whole.search.heard
    assert all(loss is not None and loss > 0 for _, loss in whole.search.heard)


def test_a_stop_by_loss_or_progress_looks_the_other_way(tmp_path: Path) -> None:
    by_loss = make(tmp_path, lambda x: -abs(x - 0.5), search=SpySearch(), direction="max", stop=StopLoss(-0.1)).run()
    assert by_loss.best is not None
    assert by_loss.best.loss >= -0.1
    assert all(loss < -0.1 for loss in by_loss.state.trials.losses[:-1])
    stop = StopAny([StopNoProgress(5), StopMax(100)])
    stuck = make(tmp_path, lambda x: -abs(x - 0.5), search=SpySearch(), direction="max", stop=stop).run()
    assert stuck.state.since_best == 5
    assert stuck.best is not None
    assert stuck.best.loss == max(stuck.state.trials.losses)


def test_a_result_without_the_objective_is_an_error_of_its_trial(tmp_path: Path) -> None:
    def sometimes(x: float) -> Any:
        return {"score": x} if x < 0.4 else {"loss": x} if x < 0.7 else x

    run = make(tmp_path, sometimes, search=SpySearch(), objective="score", direction="max").run()
    assert run.state.trials.ok_count > 0
    assert set(run.state.count_by_error) == {"InvalidResult"}
    texts = {o["error_text"] for o in run.state.trials.where_state("error").values()}
    assert "the evaluator returned a dict without 'score': its keys are ['loss']" in texts
    assert any("and no dict with the objective 'score'" in text for text in texts)


def test_the_objective_reaches_worker_processes(tmp_path: Path) -> None:
    run = Run(SpySearch(), score_of, StopMax(3), objective="score", direction="max", context={"max_workers": 1})
    assert [entry[0] for entry in run.prepare(tmp_path).run().state.trials.values()] == ["ok"] * 3


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"direction": "up"}, "direction: takes min or max, got 'up'"),
        ({"objective": 3}, "objective: takes the name of a key of the result, got 3"),
        ({"objective": ""}, "objective: takes the name"),
    ],
)
def test_wrong_arguments(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Run(SpySearch(), loss_of, StopMax(1), **wrong)
