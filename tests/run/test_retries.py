"""A failed attempt is noted and made again, as often as the run says; the last one is the result."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from runlib import ConfigError, EvaluationError, PoolError, Run, StopMax
from runlib.pool.base import Finished, Task
from runlib.tape.codec import encode_line
from runlib.tape.events import Retry, Session, Submit
from runlib.tape.whole import raw_records, whole_tape
from tests.fakes import DirectPool, SpySearch, quadratic, story


class BadLuck(ValueError):
    """Goes away."""


class Failing:
    """Fails by a plan: a list of errors (or None) for each attempt, whatever the trial; then succeeds."""

    def __init__(self, *plan: BaseException | None) -> None:
        self.plan = list(plan)
        self.calls: list[float] = []

    def evaluator(self) -> Callable[[float], float]:
        def evaluate(x: float) -> float:
            self.calls.append(x)
            error = self.plan.pop(0) if self.plan else None
            if error is not None:
                raise error
            return quadratic(x)

        return evaluate


def make(tmp_path: Path, failing: Failing, retries: Mapping[str, int] | None, count: int = 3, **more: Any) -> Run:
    more = {"pool": DirectPool(), **more}
    return Run(SpySearch(), failing.evaluator(), StopMax(count), retries=retries, **more).prepare(tmp_path)


def attempts(run: Run) -> list[Retry]:
    return [record.event for record in run.state.tape if isinstance(record.event, Retry)]


def numbered(run: Run) -> list[tuple[int, int, str, str]]:
    return [(event.tid, event.attempt, event.rule, event.error["error"]) for event in attempts(run)]


def test_attempts_are_numbered_on_the_tape_and_the_last_is_the_result(tmp_path: Path) -> None:
    failing = Failing(BadLuck("one"), BadLuck("two"), None)
    run = make(tmp_path, failing, {"BadLuck": 2}).run()
    assert numbered(run) == [(0, 1, "BadLuck", "BadLuck"), (0, 2, "BadLuck", "BadLuck")]
    assert [event.error["error_text"] for event in attempts(run)] == ["one", "two"]
    assert "BadLuck: two" in attempts(run)[1].error["traceback"]
    assert run.state.trials[0] == ["ok", run.state.trials[0][1]]
    assert failing.calls[0] == failing.calls[1] == failing.calls[2]
    assert len(failing.calls) == 5
    assert run.state.attempts == {}
    assert dict(run.state.count_by_error) == {}
    assert [tid for tid, _ in run.search.heard] == [0, 1, 2]  # type: ignore[attr-defined]


def test_the_suggestions_are_those_of_a_run_without_bad_luck(tmp_path: Path) -> None:
    unlucky = make(tmp_path, Failing(BadLuck(), None, BadLuck()), {"BadLuck": 1}, count=6).run()
    lucky = make(tmp_path, Failing(), None, count=6).run()
    assert story(unlucky.state) == story(lucky.state)


def test_each_trial_has_attempts_of_its_own(tmp_path: Path) -> None:
    failing = Failing(BadLuck(), None, BadLuck(), None, BadLuck(), None)
    run = make(tmp_path, failing, {"BadLuck": 1}).run()
    assert [(tid, attempt) for tid, attempt, *_ in numbered(run)] == [(0, 1), (1, 1), (2, 1)]
    assert run.state.trials.ok_count == 3


def test_each_name_has_a_count_of_its_own(tmp_path: Path) -> None:
    failing = Failing(BadLuck(), TimeoutError(), BadLuck(), TimeoutError(), TimeoutError())
    run = make(tmp_path, failing, {"BadLuck": 2, "TimeoutError": 2}).run()
    assert [(attempt, rule) for _, attempt, rule, _ in numbered(run)] == [
        (1, "BadLuck"),
        (2, "TimeoutError"),
        (3, "BadLuck"),
        (4, "TimeoutError"),
    ]
    assert run.state.trials[0][1]["error"] == "TimeoutError"


def test_a_name_means_all_classes_below_it_and_the_nearest_comes_first(tmp_path: Path) -> None:
    failing = Failing(BadLuck(), BadLuck(), BadLuck(), None)
    run = make(tmp_path, failing, {"ValueError": 2, "BadLuck": 1}).run()
    assert [(rule, error) for *_, rule, error in numbered(run)] == [
        ("BadLuck", "BadLuck"),
        ("ValueError", "BadLuck"),
        ("ValueError", "BadLuck"),
    ]
    assert run.state.trials[0][0] == "ok"


def test_only_after_the_last_attempt_it_is_asked_what_is_caught(tmp_path: Path) -> None:
    caught = make(tmp_path, Failing(BadLuck(), BadLuck("last")), {"BadLuck": 1}, caught_exceptions=["BadLuck"]).run()
    assert caught.state.trials[0][1]["error_text"] == "last"
    assert caught.state.count_by_error == {"BadLuck": 1}
    assert len(attempts(caught)) == 1


def test_what_is_not_caught_ends_the_run_after_the_last_attempt(tmp_path: Path) -> None:
    failing = Failing(BadLuck(), BadLuck("last"))
    run = make(tmp_path, failing, {"BadLuck": 1})
    with pytest.raises(EvaluationError, match="trial 0 failed with BadLuck: last"):
        run.run()
    assert len(attempts(run)) == 1
    assert list(run.state.live_trials) == [0]
    run.run()  # the attempt that ended the run is none of those on the tape, and there is no other one
    assert run.state.trials[0][0] == "ok"


@pytest.mark.parametrize("retries", [None, {}, {"BadLuck": 0}, {"WorkerLost": 3}])
def test_without_a_rule_there_is_one_attempt(tmp_path: Path, retries: Any) -> None:
    run = make(tmp_path, Failing(BadLuck()), retries, caught_exceptions=["BadLuck"]).run()
    assert attempts(run) == []
    assert run.state.trials.error_count == 1


def test_a_restore_in_the_middle_keeps_counting(tmp_path: Path) -> None:
    failing = Failing(BadLuck(), KeyError("ends the run"), BadLuck(), BadLuck("third"))
    run = make(tmp_path, failing, {"BadLuck": 2}, caught_exceptions=["BadLuck"])
    with pytest.raises(EvaluationError):
        run.run()
    assert run.state.attempts == {0: ["BadLuck"]}
    again = Run.restore(run.work_directory, evaluator=failing.evaluator(), pool=DirectPool())
    assert again.retries == {"BadLuck": 2}
    assert again.state.attempts == {0: ["BadLuck"]}
    again.run()
    assert [attempt for _, attempt, *_ in numbered(again)] == [1, 2]
    assert again.state.trials[0][1]["error_text"] == "third"


def test_they_can_be_changed_on_restore(tmp_path: Path) -> None:
    failing = Failing(BadLuck(), BadLuck("no more"))
    run = make(tmp_path, failing, {"BadLuck": 1})
    with pytest.raises(EvaluationError):
        run.run()
    failing.plan = [BadLuck(), BadLuck(), None]
    again = Run.restore(
        run.work_directory, evaluator=failing.evaluator(), pool=DirectPool(), retries={"BadLuck": 3}
    ).run()
    assert [attempt for _, attempt, *_ in numbered(again)] == [1, 2, 3]
    sessions = [record.event.info for record in again.state.tape if isinstance(record.event, Session)]
    assert sessions[-1]["changed"] == {"retries": {"BadLuck": 3}}
    assert Run.checkout(run.work_directory).retries == {"BadLuck": 3}
    kept = Run.restore(run.work_directory, evaluator=failing.evaluator(), pool=DirectPool())
    assert kept.retries == {"BadLuck": 3}
    kept.close()
    none = Run.restore(run.work_directory, evaluator=failing.evaluator(), pool=DirectPool(), retries=None)
    assert none.retries == {}
    none.close()


def test_a_tape_that_knew_no_retries_gets_some(tmp_path: Path) -> None:
    run = make(tmp_path, Failing(), None, count=2).run()
    tape = run.work_directory / "tape.son"
    metadata = json.loads(tape.read_bytes().splitlines()[0])
    del metadata["h"], metadata["run"]["retries"]
    tape.write_bytes(whole_tape(metadata, list(raw_records(tape, run.state.n))))
    failing = Failing(BadLuck(), None)
    again = Run.restore(
        run.work_directory,
        evaluator=failing.evaluator(),
        pool=DirectPool(),
        new_stop=StopMax(3),
        retries={"BadLuck": 1},
    ).run()
    assert len(attempts(again)) == 1
    assert encode_line(metadata, b"")[0] == tape.read_bytes().splitlines()[0]


def test_a_retried_trial_is_started_before_younger_ones(tmp_path: Path) -> None:
    failing = Failing(BadLuck(), None)
    pool = DirectPool()
    run = make(tmp_path, failing, {"BadLuck": 1}, pool=pool)
    run.run()
    assert pool.started == [0, 0, 1, 2]


def test_results_of_one_turn_beside_a_failed_attempt(tmp_path: Path) -> None:
    pool = DirectPool(lambda waiting: list(waiting))
    failing = Failing(None, BadLuck(), None, BadLuck())
    run = make(tmp_path, failing, {"BadLuck": 2}, count=6, pool=pool, context={"max_workers": 3}).run()
    assert run.state.trials.ok_count == 6
    assert len(attempts(run)) == 2


def lost(task: Task) -> Finished:
    error = {"error": "WorkerLost", "error_text": "its process is gone", "traceback": ""}
    return Finished(task.tid, {"error": error}, ("WorkerLost", "EvaluationError", "RunlibError", "Exception"))


class Losing(DirectPool):
    """Loses a worker with each trial but those that a plan spares."""

    kind = "pool_losing"

    def __init__(self, spared: list[bool], context: Any = None) -> None:
        super().__init__(context=context)
        self.spared = spared

    def _evaluate(self, task: Task) -> Finished:
        spared = self.spared.pop(0) if self.spared else False
        return super()._evaluate(task) if spared else lost(task)


def test_five_lost_in_a_row_end_the_run_also_if_they_are_retried(tmp_path: Path) -> None:
    run = make(tmp_path, Failing(), {"WorkerLost": 2}, count=9, pool=Losing([]))
    with pytest.raises(PoolError, match="5 workers in a row were lost"):
        run.run()
    assert [(tid, attempt) for tid, attempt, *_ in numbered(run)] == [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert run.state.trials[0][1]["error"] == "WorkerLost"
    assert next(iter(run.state.live_trials)) == 1


@pytest.mark.parametrize("answer", [None, BadLuck()])
def test_an_answer_of_a_worker_ends_the_row(tmp_path: Path, answer: BaseException | None) -> None:
    spared = [False] * 4 + [True] + [False] * 4 + [True] * 9
    run = make(tmp_path, Failing(answer), {"WorkerLost": 9, "BadLuck": 1}, count=2, pool=Losing(spared)).run()
    assert run.state.trials.ok_count == 2


def test_a_killed_worker_is_tried_once_more(tmp_path: Path) -> None:
    marker = tmp_path / "killed"

    def evaluate(x: float) -> float:
        import os
        import pathlib
        import signal

        if not pathlib.Path(marker).exists():
            pathlib.Path(marker).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return x

    run = Run(
        SpySearch(), evaluate, StopMax(2), retries={"WorkerLost": 1}, context={"max_workers": 1}, observers=[]
    ).prepare(tmp_path)
    run.run()
    [retry] = attempts(run)
    assert (retry.tid, retry.attempt, retry.rule) == (0, 1, "WorkerLost")
    assert "SIGKILL" in retry.error["error_text"]
    assert run.state.trials.ok_count == 2
    assert os.path.exists(marker)
    assert signal.SIGKILL == 9


def test_a_repeat_waits_for_the_attempts_of_the_first(tmp_path: Path) -> None:
    failing = Failing(BadLuck(), None)
    context = {"ahead": 2}
    run = Run(
        SpySearch(points=1),
        failing.evaluator(),
        StopMax(3),
        retries={"BadLuck": 1},
        pool=DirectPool(),
        context=context,
    ).prepare(tmp_path)
    run.run()
    assert len(failing.calls) == 2
    assert [e.of for e in (r.event for r in run.state.tape) if isinstance(e, Submit)] == [None, 0, 0]


@pytest.mark.parametrize(
    ("retries", "message"),
    [
        (["WorkerLost"], r"^retries: takes names with numbers, such as \{WorkerLost: 1\}, got \['WorkerLost'\]"),
        ({3: 1}, "^retries: takes an exception or its name, such as ValueError, got 3"),
        ({"WorkerLost": -1}, r"^retries\.WorkerLost: takes a whole number of more attempts, got -1"),
        ({"WorkerLost": True}, r"^retries\.WorkerLost: .* got True"),
        ({"WorkerLost": 1.5}, r"^retries\.WorkerLost: .* got 1\.5"),
    ],
)
def test_wrong_arguments_are_refused_with_their_place(retries: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Run(SpySearch(), quadratic, StopMax(1), retries=retries)


def test_they_are_part_of_the_config() -> None:
    run = Run(SpySearch(), quadratic, StopMax(1), retries={"BadLuck": 2})
    assert run.get_config()["run"]["retries"] == {"BadLuck": 2}
    assert Run(SpySearch(), quadratic, StopMax(1)).get_config()["run"]["retries"] == {}
