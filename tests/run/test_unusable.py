"""An evaluator of which nothing can be used is heard of at once, and ends the run early."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runlib import EvaluationError, InvalidResult, NoSuccess, Run, StopMax, WorkerLost
from tests.fakes import DirectPool, SpySearch

QUICK: Any = {"pool": DirectPool(), "context": {"sync": "never"}}


def run_of(tmp_path: Path, evaluator: Any, count: int = 100, **more: Any) -> Run:
    return Run(SpySearch(), evaluator, StopMax(count), **{**QUICK, **more}).prepare(tmp_path)


async def later(x: float) -> float:
    return x


UNUSABLE: dict[str, tuple[Any, str]] = {
    "no loss": (lambda x: {"score": x}, r"a dict without 'loss': its keys are \['score'\]"),
    "None": (lambda x: None, "returned no loss, but None"),
    "text": (lambda x: "good", "must be a number, got 'good' of type str"),
    "a tuple": (lambda x: (x, {}), "must be a number"),
    "an array": (lambda x: np.zeros(3), r"an array of shape \(3,\)"),
    "no number": (lambda x: {"loss": object()}, "loss: is no data, but of type object"),
    "NaN": (lambda x: math.nan, "must be finite, got nan"),
    "infinity": (lambda x: math.inf, "must be finite, got inf"),
    "a coroutine": (lambda x: later(x), "returned a coroutine, and no result"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", UNUSABLE)
def test_the_first_one_is_said_and_five_end_the_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    evaluator, reason = UNUSABLE[name]
    run = run_of(tmp_path, evaluator)
    with pytest.raises(InvalidResult, match=f"none of the first 5 results can be used; trial 4: .*{reason}"):
        run.run()
    assert len(run.state.trials) == 5
    said = [record.getMessage() for record in caplog.records if "cannot be used" in record.getMessage()]
    assert len(said) == 1
    assert said[0].startswith("the result of trial 0 cannot be used: ")
    assert run.state.ended is not None
    assert run.state.ended.reason == "error"
    assert "the result of trial 0 cannot be used" in (run.work_directory / "log.log").read_text()


def test_another_objective_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidResult, match=r"a dict without 'accuracy': its keys are \['loss'\]"):
        run_of(tmp_path, lambda x: {"loss": x}, objective="accuracy", direction="max").run()


def test_with_more_workers_it_takes_more(tmp_path: Path) -> None:
    run = run_of(tmp_path, lambda x: None, context={"sync": "never", "max_workers": 8})
    with pytest.raises(InvalidResult, match="none of the first 8 results"):
        run.run()
    assert len(run.state.trials) == 8


def test_one_usable_result_or_another_error_lets_it_go_on(tmp_path: Path) -> None:
    def mostly_nan(k: int, other: Any) -> Any:
        calls: Iterator[int] = iter(range(1000))

        def evaluate(x: float) -> Any:
            if next(calls) == k:
                return other()
            return math.nan

        return evaluate

    def fails() -> float:
        raise RuntimeError("no")

    for other in (lambda: 1.0, fails):
        run = run_of(tmp_path, mostly_nan(3, other), 20, caught_exceptions=["InvalidResult", "RuntimeError"]).run()
        assert run.state.count_by_error["InvalidResult"] == 19


def test_later_ones_are_accepted(tmp_path: Path) -> None:
    calls = iter([1.0, *[math.nan] * 30])
    run = run_of(tmp_path, lambda x: next(calls), 20).run()
    assert run.state.count_by_error == {"InvalidResult": 19}
    assert run.best is not None


def test_a_run_that_reaches_its_stop_before_ends_there(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = run_of(tmp_path, lambda x: None, 3).run()
    assert run.state.ended is not None
    assert run.state.ended.reason == "stop"
    assert "none of 3 trials succeeded: 3 InvalidResult (the evaluator returned no loss, but None)" in caplog.text


def test_each_session_counts_anew_and_a_mended_evaluator_goes_on(tmp_path: Path) -> None:
    usable = False

    def evaluate(x: float) -> Any:
        return x if usable else None

    run = run_of(tmp_path, evaluate, 20)
    with pytest.raises(InvalidResult):
        run.run()
    again = Run.restore(run.work_directory, evaluator=evaluate, **QUICK)
    with pytest.raises(InvalidResult, match="none of the first 5 results"):
        again.run()
    assert len(again.state.trials) == 10
    usable = True
    mended = Run.restore(run.work_directory, evaluator=evaluate, **QUICK).run()
    assert (mended.state.trials.ok_count, mended.state.trials.error_count) == (10, 10)


def test_where_it_is_not_caught_the_first_one_ends_the_run(tmp_path: Path) -> None:
    run = run_of(tmp_path, lambda x: None, caught_exceptions=[])
    with pytest.raises(EvaluationError, match="trial 0 failed with InvalidResult"):
        run.run()
    assert len(run.state.live_trials) == 1


def test_attempts_that_are_tried_again_are_no_results(tmp_path: Path) -> None:
    run = run_of(tmp_path, lambda x: None, retries={"InvalidResult": 2})
    with pytest.raises(InvalidResult, match="none of the first 5 results"):
        run.run()
    assert sum(record.event.kind == "retry" for record in run.state.tape) == 10


def test_the_best_is_none_until_a_trial_has_ended_and_then_says_why(tmp_path: Path) -> None:
    errors = iter([TimeoutError("too slow"), TimeoutError("too slow"), WorkerLost("killed"), ValueError("x < 0")])

    def evaluate(x: float) -> float:
        raise next(errors)

    run = run_of(tmp_path, evaluate, 4, caught_exceptions=["TimeoutError", "WorkerLost", "ValueError"])
    assert run.best is None
    run.run()
    reason = r"none of 4 trials succeeded: 2 TimeoutError \(too slow\), 1 WorkerLost \(killed\), 1 ValueError \(x < 0\)"
    for reader in (run, Run.checkout(run.work_directory)):
        with pytest.raises(NoSuccess, match=reason) as caught:
            _ = reader.best
        assert caught.value.counts == {"TimeoutError": 2, "WorkerLost": 1, "ValueError": 1}
        assert reader.state.best is None
        assert "no success yet" in repr(reader)


def test_of_many_kinds_of_errors_the_commonest_are_told(tmp_path: Path) -> None:
    kinds = iter([KeyError, ValueError, ValueError, TypeError, OSError, TypeError, ValueError])

    def evaluate(x: float) -> float:
        raise next(kinds)("text " * 200)

    run = run_of(tmp_path, evaluate, 7, caught_exceptions=["Exception"]).run()
    with pytest.raises(NoSuccess, match=r"3 ValueError \(.*\), 2 TypeError \(.*\), 1 KeyError.*, and 1 other kind$"):
        _ = run.best


def test_void_trials_have_not_ended(tmp_path: Path) -> None:
    run = run_of(tmp_path, lambda x: None, 1).run()
    run.void(0, "my mistake")
    assert run.best is None


def test_it_is_said_on_standard_error_while_the_run_goes_on(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    calls = iter(range(100))

    def evaluate(x: float) -> Any:
        if next(calls) == 2:
            said.append(capfd.readouterr().err)
        return {"loss": x, "odd": object()} if len(said) else {"score": x}

    run_of(tmp_path, evaluate, 6).run()
    assert "the result of trial 0 cannot be used: the evaluator returned a dict without 'loss'" in said[0]
    assert "of the result of trial 2 this is left out, being no data: odd" in capfd.readouterr().err


def test_it_is_said_once_where_logging_shows_it_too(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    handler = logging.StreamHandler()
    logging.getLogger("runlib").addHandler(handler)
    try:
        run_of(tmp_path, lambda x: None, 3).run()
    finally:
        logging.getLogger("runlib").removeHandler(handler)
    assert capfd.readouterr().err.count("the result of trial 0 cannot be used") == 1


def test_the_traceback_of_an_unusable_result_is_not_that_of_our_own_code(tmp_path: Path) -> None:
    run = run_of(tmp_path, lambda x: None, 1, pool="pool_serial").run()
    assert "File" not in run.state.trials[0][1]["traceback"]


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ([f"bad {k}" for k in range(12)], r"12 ValueError \(such as: bad 0\)$"),
        (["a", "b", "b", "c", "b", "c"], r"6 ValueError \(3 times b; 2 times c; 1 times a\)$"),
        (["a", "a"], r"2 ValueError \(a\)$"),
        (["a", "a", "b", "c", "d", "e"], r"6 ValueError \(2 times a; 1 times b; 1 times c; 2 other\)$"),
        (["", "", "x"], r"3 ValueError \(2 times without a text; 1 times x\)$"),
    ],
)
def test_what_failures_of_one_error_said_is_counted(tmp_path: Path, texts: list[str], says: str) -> None:
    left = iter(texts)

    def evaluate(x: float) -> float:
        raise ValueError(next(left))

    run = run_of(tmp_path, evaluate, len(texts), caught_exceptions=["ValueError"]).run()
    with pytest.raises(NoSuccess, match=says):
        _ = run.best
