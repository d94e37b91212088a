"""Nothing that is handed out is shared: whoever reads a run may change what he gets."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runlib import (
    AskTell,
    ChainSearch,
    Component,
    EvolutionSearch,
    FixedSearch,
    GridSearch,
    Hyperopt,
    Observer,
    RandomSearch,
    Run,
    SobolSearch,
    StopMax,
)
from runlib.engine.data.copies import copied
from tests.fakes import DirectPool

SPACE = {"kind": "krr", "model": {"x": ["hp_uniform", "x", 0, 1], "layers": [8, ["hp_choice", "n", [4, 2]]]}}


def evaluate(suggestion: dict[str, Any]) -> dict[str, Any]:
    x = suggestion["model"]["x"]
    if x > 0.9:
        raise RuntimeError("no")
    refined = {"model": {"x": [x]}}
    return {"loss": x, "refined_suggestion": refined, "history": [1, {"a": [2]}], "odd": object(), "raw": b"abc"}


class Changing(Observer):
    """Changes all that it hears of."""

    kind = "observe_changing"

    def observe(self, event: Any, state: Any) -> None:
        for name in ("suggestion", "result", "info"):
            spoil(getattr(event.event, name, None))
        spoil(state.live_trials.get(0))
        spoil(state.best)


def spoil(value: Any) -> None:
    """Change everything inside that can be changed."""
    if isinstance(value, dict):
        for inner in list(value.values()):
            spoil(inner)
        value.clear()
        value["spoilt"] = True
    elif isinstance(value, list):
        for inner in value:
            spoil(inner)
        value[:] = ["spoilt"]
    elif isinstance(value, tuple):
        for inner in value:
            spoil(inner)
    elif hasattr(value, "suggestion"):
        spoil(value.suggestion)
    elif hasattr(value, "items"):
        spoil(list(dict(value.items()).values()))


def made(tmp_path: Path, **more: Any) -> Run:
    settings: Any = {"caught_exceptions": ["RuntimeError"], "pool": DirectPool(), **more}
    run = Run(Hyperopt(SPACE, n_startup_jobs=3), evaluate, StopMax(8), context={"sync": "never"}, **settings)
    run.prepare(tmp_path)
    run.enqueue({"kind": "krr", "model": {"x": 0.5, "layers": [8, 4]}})
    return run.run()


DOORS: dict[str, Callable[[Run], Any]] = {
    "best": lambda run: run.best,
    "best of the state": lambda run: run.state.best,
    "top suggestions": lambda run: run.state.evals.top_suggestions(3),
    "top refined suggestions": lambda run: run.state.evals.top_refined_suggestions(3),
    "an outcome": lambda run: run.state.trials.get_outcome(0),
    "a result": lambda run: run.state.trials.get_result(0),
    "an entry": lambda run: run.state.trials[0],
    "an entry or another": lambda run: run.state.trials.get(0),
    "all entries": lambda run: list(run.state.trials.values()),
    "all items": lambda run: list(run.state.evals.items()),
    "the ok ones": lambda run: run.state.trials.where_state("ok"),
    "a full result": lambda run: run.full_result(0),
    "live trials": lambda run: dict(run.state.live_trials),
    "the queue": lambda run: dict(run.state.queue),
    "beside": lambda run: dict(run.state.beside),
    "the last session": lambda run: run.state.last_session,
    "changes": lambda run: run.state.changes,
    "errors": lambda run: run.state.count_by_error,
    "errors of the table": lambda run: run.state.trials.count_by_error(),
    "losses": lambda run: run.state.trials.losses,
    "the space": lambda run: run.search.space,
    "the context": lambda run: run.context,
    "the context of the pool": lambda run: run.pool.context,
    "the config": lambda run: run.get_config(),
    "caught exceptions": lambda run: run.caught_exceptions,
    "retries": lambda run: run.retries,
    "the tape": lambda run: [record.event for record in run.state.tape],
}


def portrait(run: Run) -> Any:
    return copy.deepcopy({name: door(run) for name, door in DOORS.items() if name != "the tape"})


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("reading", [False, True])
def test_what_is_read_may_be_changed(tmp_path: Path, door: str, reading: bool) -> None:
    run = made(tmp_path)
    if reading and door != "the context of the pool":
        run.close()
        run = Run.checkout(run.work_directory)
        run.pool = DirectPool()
    before = portrait(run)
    got = DOORS[door](run)
    spoil(got)
    assert portrait(run) == before


def test_what_was_got_stays_changed(tmp_path: Path) -> None:
    run = made(tmp_path)
    best = run.best
    assert best is not None
    assert best.suggestion.pop("kind") == "krr"
    assert "kind" not in best.suggestion
    assert run.best is not None
    assert run.best.suggestion["kind"] == "krr"
    outcome = run.state.trials.get_outcome(0)
    outcome["mine"] = 1
    assert "mine" not in run.state.trials.get_outcome(0)


def test_files_and_later_trials_are_those_of_a_run_that_nobody_changed(tmp_path: Path) -> None:
    quiet, spoilt = made(tmp_path / "quiet"), made(tmp_path / "spoilt", observers=[Changing()])
    for door in DOORS.values():
        spoil(door(spoilt))
    for run in (quiet, spoilt):
        run.close()
    again = [
        Run.restore(run.work_directory, evaluator=evaluate, new_stop=StopMax(14), pool=DirectPool(), verify=True).run()
        for run in (quiet, spoilt)
    ]
    assert again[0].state.trials.top_suggestions(20) == again[1].state.trials.top_suggestions(20)
    for name in ("suggestion-0.yml", "suggestion-4.yml", "refined_suggestion-0.yml"):
        assert (quiet.work_directory / name).read_bytes() == (spoilt.work_directory / name).read_bytes()
    assert again[1].search.get_config() == again[0].search.get_config()


def test_an_observer_of_somebody_gets_events_of_its_own(tmp_path: Path) -> None:
    run = made(tmp_path, observers=[Changing()])
    assert all("spoilt" not in str(outcome) for outcome in run.state.trials.values())
    assert "spoilt" not in str(run.state.live_trials)


def test_by_hand_what_is_given_away_is_the_users(tmp_path: Path) -> None:
    run = Run(Hyperopt(SPACE), None, StopMax(3), pool=DirectPool()).prepare(tmp_path)
    tid, suggestion = run.suggest()
    spoil(suggestion)
    run.submit(tid, loss=1.0)
    assert run.state.trials[tid][1]["suggestion"]["kind"] == "krr"
    assert run.best is not None
    run.close()


class Asked(Component):
    kind = "asked_for_copies"

    def ask(self) -> Any:
        return {"x": 1.0}

    def tell(self, key: Any, loss: float) -> None:
        assert loss < 1e9


@pytest.mark.parametrize(
    ("search", "attributes"),
    [
        (Hyperopt(SPACE, method={"mix": [[1.0, "rand"]]}), ["space", "method"]),
        (RandomSearch(SPACE), ["space"]),
        (GridSearch(SPACE, resolution={"x": 3}), ["space", "resolution"]),
        (SobolSearch(SPACE), ["space"]),
        (EvolutionSearch(SPACE), ["space"]),
        (FixedSearch([{"x": [1]}]), ["suggestions", "space"]),
        (AskTell(Asked(), {"x": ["hp_uniform", "x", 0, 1]}), ["space", "optimizer"]),
        (ChainSearch([{"search": {"search_sobol": {}}, "count": 2}], space=SPACE), ["space", "searches"]),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_the_arguments_of_a_search_are_copies(search: Any, attributes: list[str]) -> None:
    config = search.get_config()
    for name in attributes:
        spoil(getattr(search, name))
    assert search.get_config() == config
    assert search.suggest()[0] == 0


def test_what_is_no_data_is_not_copied() -> None:
    thing = object()
    given = {"a": [thing, (1, [2])], "b": thing}
    got = copied(given)
    assert got == given
    assert got["a"][0] is thing
    got["a"][1][1].append(3)
    assert given["a"][1] == (1, [2])
