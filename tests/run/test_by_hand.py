"""A run that is driven by hand: what ``suggest`` gives away and ``submit`` takes is as durable as any."""

from __future__ import annotations

import itertools
import logging
import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runlib import (
    Hyperopt,
    Inbox,
    InvalidResult,
    ReadOnlyRun,
    Run,
    RunlibError,
    SearchExhausted,
    SearchWaiting,
    StopMax,
    StopReached,
    from_config,
)
from runlib.audit.verify import verify
from runlib.engine import disk
from tests.fakes import DirectPool, SpySearch, quadratic, story
from tests.run.test_cut_off import CutDisk, PowerCut, abandon


@pytest.fixture(autouse=True)
def no_handlers_are_left() -> Iterator[None]:
    """A loop that is given up does not close its log."""
    logger = logging.getLogger("runlib")
    before = list(logger.handlers)
    yield
    logger.handlers[:] = before


SPACE = {"x": ["hp_choice", "x", [["hp_uniform", "a", 0, 1], ["hp_quniform", "b", 0, 1, 0.25]]]}


def make(tmp_path: Path, search: Any = None, stop: Any = None, **more: Any) -> Run:
    return Run(search or SpySearch(), None, stop or StopMax(8), pool=DirectPool(), **more).prepare(tmp_path)


def drive(run: Run, count: int | None = None) -> Run:
    for tid, suggestion in run.suggestions() if count is None else itertools.islice(run.suggestions(), count):
        run.submit(tid, loss=quadratic(**suggestion), data={"duration": 0.25})
    return run


@pytest.mark.parametrize("search", [SpySearch, lambda: SpySearch(points=4), lambda: Hyperopt(SPACE, n_startup_jobs=3)])
def test_a_loop_of_ones_own_makes_the_run_that_an_evaluator_would(tmp_path: Path, search: Any) -> None:
    run = drive(make(tmp_path, search()))
    run.close()
    theirs = Run(search(), quadratic, StopMax(8), pool=DirectPool()).prepare(tmp_path).run()
    ours = [(tid, entry) for tid, entry in run.state.trials.items()]
    assert ours == [(tid, entry) for tid, entry in theirs.state.trials.items()]
    assert run.state.ended is not None
    assert run.state.ended.reason == "stop"
    assert (run.work_directory / "suggestion-0.yml").exists()
    assert "Ended: Counted trials: 8/8" in (run.work_directory / "status.txt").read_text()
    assert verify(run.work_directory, replay=True).verdict == "intact"


def test_it_ends_when_the_stop_leaves_no_room(tmp_path: Path) -> None:
    run = make(tmp_path, stop=StopMax(3))
    first = [run.suggest() for _ in range(3)]
    assert [tid for tid, _ in first] == [0, 1, 2]
    with pytest.raises(StopReached, match=r"Counted trials: 0/3\. Trials that are given away: 3"):
        run.suggest()
    assert not run.done
    for tid, _ in first:
        run.submit(tid, loss=1.0)
    assert run.done
    with pytest.raises(StopReached, match="Counted trials: 3/3"):
        run.suggest()


def test_a_loop_that_died_is_gone_on_with_where_it_was(tmp_path: Path) -> None:
    run = drive(make(tmp_path, Hyperopt(SPACE, n_startup_jobs=2), StopMax(20)), 5)
    live = run.suggest()
    abandon(run)
    again = Run.restore(run.work_directory, pool=DirectPool())
    assert again.evaluator is None
    assert again.suggest() == live
    again.submit(live[0], loss=quadratic(**live[1]), data={"duration": 0.25})
    drive(again).close()
    whole = drive(make(tmp_path, Hyperopt(SPACE, n_startup_jobs=2), StopMax(20)))
    assert again.state.trials == whole.state.trials


@pytest.mark.parametrize("count", range(2, 24))
def test_cut_off_at_every_record_it_is_the_same_run(tmp_path: Path, count: int) -> None:
    whole = drive(make(tmp_path, stop=StopMax(6)))
    run = make(tmp_path, stop=StopMax(6))
    folder = run.work_directory
    run.close()
    with disk.use(CutDisk(count)):
        try:
            run = Run.restore(folder, pool=DirectPool())
            drive(run).close()
        except PowerCut:
            abandon(run)
    again = drive(Run.restore(folder, pool=DirectPool()))
    assert story(again.state) == story(whole.state)


def test_a_known_suggestion_is_answered_and_not_given_away(tmp_path: Path) -> None:
    run = make(tmp_path, SpySearch(points=3), StopMax(3, use="evals"))
    given = []
    for tid, suggestion in run.suggestions():
        given.append(suggestion["x"])
        run.submit(tid, loss=float(suggestion["x"]))
    assert sorted(given) == [0, 1, 2]
    assert len(run.state.trials) >= 3


def test_the_repetition_of_one_that_is_given_away_waits_for_it(tmp_path: Path) -> None:
    run = make(tmp_path, SpySearch(points=2), StopMax(50))
    first, second = run.suggest(), run.suggest()
    assert first[1] != second[1]
    with pytest.raises(SearchWaiting, match="until a result is submitted"):
        run.suggest()
    assert len(run.state.live_trials) < 40
    for tid, suggestion in (first, second):
        run.submit(tid, loss=float(suggestion["x"]))
    with pytest.raises(StopReached, match="50/50"):
        run.suggest()


def test_exhausted_and_waiting_searches_say_so(tmp_path: Path) -> None:
    class Patient(SpySearch):
        kind = "search_patient"

        def suggest(self) -> tuple[int, Any]:
            if self.suggested and len(self.heard) < self.suggested:
                raise SearchWaiting
            return super().suggest()

    run = make(tmp_path, Patient(total=2))
    tid, _ = run.suggest()
    with pytest.raises(SearchWaiting, match="until a result is submitted"):
        run.suggest()
    run.submit(tid, loss=1.0)
    tid, _ = run.suggest()
    run.submit(tid, error="it broke")
    with pytest.raises(SearchExhausted, match="all 2 suggestions were made"):
        run.suggest()


def test_errors_are_results(tmp_path: Path) -> None:
    run = make(tmp_path)
    run.submit(run.suggest()[0], error="the node was gone")
    try:
        raise KeyError("x")
    except KeyError as error:
        run.submit(run.suggest()[0], error=error)
    first, second = (entry[1] for entry in run.state.trials.values())
    assert (first["error"], first["error_text"]) == ("Error", "the node was gone")
    assert (second["error"], second["error_text"]) == ("KeyError", "'x'")
    assert "test_by_hand.py" in second["traceback"]


def test_what_is_wrong_is_said_and_the_trial_stays_live(tmp_path: Path) -> None:
    run = make(tmp_path)
    tid, _ = run.suggest()
    for wrong in (math.nan, math.inf, "1.0", True):
        with pytest.raises(InvalidResult, match="loss must be"):
            run.submit(tid, loss=wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidResult, match="no plain data: cost: is no data, but of type object"):
        run.submit(tid, loss=1.0, data={"cost": object()})
    with pytest.raises(RunlibError, match="takes either a loss or an error"):
        run.submit(tid)
    with pytest.raises(RunlibError, match="takes either a loss or an error"):
        run.submit(tid, loss=1.0, error="both")
    with pytest.raises(RunlibError, match="loss: an argument of its own"):
        run.submit(tid, loss=1.0, data={"loss": 2.0})
    with pytest.raises(RunlibError, match="takes no var and no data"):
        run.submit(tid, error="x", data={"a": 1})
    with pytest.raises(RunlibError, match=r"there is no trial 7; live are \[0\]"):
        run.submit(7, loss=1.0)
    assert list(run.state.live_trials) == [tid]
    run.submit(tid, loss=1.0)
    with pytest.raises(RunlibError, match="trial 0 has its result"):
        run.submit(tid, loss=1.0)
    run.void(0, "wrong unit")
    with pytest.raises(RunlibError, match="trial 0 is void: wrong unit"):
        run.submit(tid, loss=1.0)


@pytest.mark.parametrize("number", [0.0, False, "0", None, [0], {}])
def test_what_only_equals_the_number_of_a_trial_does_not_get_on_the_tape(tmp_path: Path, number: Any) -> None:
    run = make(tmp_path)
    run.suggest()
    with pytest.raises(RunlibError, match="tid: takes the number of a trial, got"):
        run.submit(number, loss=1.0)
    assert list(run.state.live_trials) == [0]
    run.submit(np.int64(0), loss=np.float32(0.5))  # type: ignore[arg-type]
    run.close()
    assert Run.restore(run.work_directory, pool=DirectPool()).state.trials[0][1]["loss"] == 0.5


@pytest.mark.parametrize("wrong", [{"loss": 1.0, "data": 3}, {"loss": 1.0, "data": [1]}, {"error": ValueError}])
def test_data_is_a_dict_and_an_error_a_text_or_an_exception(tmp_path: Path, wrong: Any) -> None:
    run = make(tmp_path)
    tid, _ = run.suggest()
    with pytest.raises(InvalidResult, match=r"data must be a dict|error must be a text or an exception"):
        run.submit(tid, **wrong)
    assert list(run.state.live_trials) == [tid]
    run.submit(tid, error="\ud800 is no text")
    assert run.state.trials[tid][1]["error_text"] == "\\ud800 is no text"


def test_the_objective_may_stand_in_the_data(tmp_path: Path) -> None:
    run = make(tmp_path, objective="score", direction="max")
    for score in (0.25, 0.75):
        run.submit(run.suggest()[0], data={"score": score, "note": "x"})
    run.submit(run.suggest()[0], loss=0.5, data={"note": "y"})
    assert run.state.top == [(1, 0.75), (2, 0.5), (0, 0.25)]
    assert run.state.trials[1][1]["score"] == 0.75
    tid, _ = run.suggest()
    with pytest.raises(RunlibError, match="'score' in data is the objective, and so is the loss; give one of them"):
        run.submit(tid, loss=0.5, data={"score": 0.75})
    with pytest.raises(RunlibError, match="either a loss or an error; the loss may stand in data, as 'score'"):
        run.submit(tid, data={"note": "z"})
    with pytest.raises(InvalidResult, match="the objective 'score' must be finite"):
        run.submit(tid, data={"score": math.nan})
    assert list(run.state.live_trials) == [tid]


def test_what_is_no_data_is_left_out_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = make(tmp_path)
    tid, _ = run.suggest()
    run.submit(tid, loss=1.0, data={"model": object(), "weights": b"\x00", "epochs": 3})
    result = run.full_result(tid)
    assert (result["ok"]["epochs"], result["ok"]["weights"]) == (3, b"\x00")
    assert result["dropped"] == {"model": "is no data, but of type object"}
    assert "of the result of trial 0 this is left out" in caplog.text


def test_data_may_say_that_the_trial_failed(tmp_path: Path) -> None:
    run = make(tmp_path)
    tid, _ = run.suggest()
    run.submit(tid, loss=1.0, data={"status": "fail", "why": "diverged"})
    kind, outcome = run.state.trials[tid]
    assert (kind, outcome["error"]) == ("error", "Failed")
    assert "why: 'diverged'" in outcome["error_text"]


def test_what_is_given_beside_the_loss_is_kept(tmp_path: Path) -> None:
    run = make(tmp_path)
    tid, _ = run.suggest()
    run.submit(tid, loss=1.0, var=0.5, data={"cost": 3.0, "note": "x", "refined_suggestion": {"x": 2}})
    outcome = run.state.trials.get_outcome(tid)
    assert (outcome["var"], outcome["cost"], outcome["note"]) == (0.5, 3.0, "x")
    assert outcome["duration"] >= 0.0
    tid, _ = run.suggest()
    run.submit(tid, loss=1.0, data={"text": "x" * 100_000})
    assert run.full_result(tid)["ok"]["text"] == "x" * 100_000


def test_a_suggestion_that_the_user_changes_is_not_that_of_the_run(tmp_path: Path) -> None:
    run = make(tmp_path)
    tid, suggestion = run.suggest()
    kept = dict(suggestion)
    suggestion["x"] = "changed"
    run.submit(tid, loss=1.0)
    assert run.state.trials.get_outcome(tid)["suggestion"] == kept


def test_threads_share_a_run(tmp_path: Path) -> None:
    run = make(tmp_path, stop=StopMax(60))

    def work() -> None:
        while True:
            try:
                tid, suggestion = run.suggest()
            except StopReached:
                return
            run.submit(tid, loss=quadratic(**suggestion))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30.0)
    run.close()
    assert sorted(run.state.trials) == list(range(60))
    assert not run.state.live_trials
    assert verify(run.work_directory, replay=True).verdict == "intact"


def test_in_the_order_of_suggestions_the_window_is_kept(tmp_path: Path) -> None:
    run = make(tmp_path, order="suggested", context={"max_workers": 2})
    first, second = run.suggest()[0], run.suggest()[0]
    run.submit(second, loss=1.0)
    with pytest.raises(SearchWaiting):
        run.suggest()
    run.submit(first, loss=2.0)
    assert run.suggest()[0] == 2


def test_edits_reach_it(tmp_path: Path) -> None:
    run = make(tmp_path)
    run.enqueue({"x": 0.5})
    assert run.suggest() == (0, {"x": 0.5})
    live, _ = run.suggest()
    run.void(live)
    with pytest.raises(RunlibError, match="is void"):
        run.submit(live, loss=1.0)
    run.close()
    Inbox(run.work_directory).enqueue({"x": 0.25})
    again = Run.restore(run.work_directory, pool=DirectPool())
    assert again.suggest() == (0, {"x": 0.5})
    assert again.suggest() == (2, {"x": 0.25})
    again.stop("enough")
    assert again.done
    with pytest.raises(StopReached, match="asked to stop: enough"):
        again.suggest()


def test_a_trial_that_is_void_takes_no_place(tmp_path: Path) -> None:
    run = make(tmp_path, stop=StopMax(2))
    first, _ = run.suggest()
    run.suggest()
    run.void(first)
    third, _ = run.suggest()
    assert (first, third) == (0, 2)
    assert list(run.state.live_trials) == [1, 2]
    with pytest.raises(StopReached, match="given away: 2"):
        run.suggest()


def test_it_is_one_way_or_the_other(tmp_path: Path) -> None:
    run = make(tmp_path)
    with pytest.raises(RunlibError, match="has no evaluator: drive it by"):
        run.run()
    both = Run(SpySearch(), quadratic, StopMax(3), pool=DirectPool()).prepare(tmp_path)
    both.suggest()
    with pytest.raises(RunlibError, match="is driven by hand; close"):
        both.run()
    both.close()
    assert len(both.run().state.trials) == 3
    with pytest.raises(ReadOnlyRun, match=r"suggest\(\) or submit\(\) needs Run\.restore"):
        Run.checkout(both.work_directory).suggest()
    with pytest.raises(RunlibError, match="call prepare"):
        Run(SpySearch(), None, StopMax(3), pool=DirectPool()).suggest()


def test_a_run_without_an_evaluator_has_a_config(tmp_path: Path) -> None:
    run = make(tmp_path)
    assert run.get_config()["run"]["evaluator"] is None
    assert from_config(run.get_config()).evaluator is None
    run.close()
    assert Run.checkout(run.work_directory).evaluator is None
