"""What people write and plainly mean is taken; what cannot be taken is answered in one sentence."""

from __future__ import annotations

import logging
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runlib import (
    Choice,
    ConfigError,
    Float,
    Hyperopt,
    Run,
    SerialPool,
    Space,
    Stop,
    StopAny,
    StopLoss,
    StopMax,
    UnknownArgument,
    UnknownKind,
)

SPACE: dict[str, Any] = {"x": ["hp_uniform", "x", -5, 5]}


def square(x: float) -> float:
    return x * x


def make(stop: Any = 3, **more: Any) -> Run:
    return Run(Hyperopt(SPACE), square, stop, **more)


class Sense(Enum):
    MINIMIZE = 1
    MAXIMIZE = 2


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (40, StopMax(40)),
        (np.int64(40), StopMax(40)),
        ({"stop_max": 40}, StopMax(40)),
        ({"stop_loss": 0.1}, StopLoss(0.1)),
        ([StopMax(40), {"stop_loss": 0.1}], StopAny([StopMax(40), StopLoss(0.1)])),
        ({"stop_any": [40, {"stop_loss": 0.1}]}, StopAny([StopMax(40), StopLoss(0.1)])),
    ],
)
def test_a_stop_in_short(given: Any, meant: Stop) -> None:
    assert make(given).stop.get_config() == meant.get_config()


@pytest.mark.parametrize("given", [True, -4, 0, 40.5, float("nan"), np.float64(0.5)])
def test_a_number_that_cannot_be_one_of_trials_is_refused(given: Any) -> None:
    with pytest.raises(ConfigError, match=r"^stop\.stop_max\.count: must be a whole number of at least 1, got"):
        make(given)


def test_a_number_is_a_stop_wherever_one_is_taken(tmp_path: Path) -> None:
    run = make(2, pool=SerialPool()).prepare(tmp_path).run()
    longer = Run.restore(run.work_directory, new_stop=4).run()
    assert len(longer.state.trials) == 4
    assert len(Run.fork(run.work_directory, directory=tmp_path, stop=6).run().state.trials) == 6
    assert Run.checkout(run.work_directory).stop.get_config() == StopMax(4).get_config()


@pytest.mark.parametrize(
    "given",
    [
        SPACE,
        {"x": Float(0, 1)},
        {"x": Float(0, 1), "y": ["hp_choice", "y", [1, 2]]},
        {"model": {"depth": Float(0, 1)}},
        Float(0, 1),
        Choice([1, 2]),
        2 * Float(0, 1),
        ["hp_uniform", "x", 0, 1],
        Space.of(SPACE),
    ],
)
def test_a_space_is_to_be_wrapped(given: Any) -> None:
    with pytest.raises(ConfigError, match=r"^search: .*wrap the space: Hyperopt\(space\)"):
        Run(given, square, StopMax(3))


def test_a_search_that_is_not_known_here_is_no_space() -> None:
    with pytest.raises(UnknownKind, match=r"^search: no component of kind 'search_mine'"):
        Run({"search_mine": {"space": {"x": Float(0, 1)}}}, square, StopMax(3))


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ([ValueError], ["ValueError"]),
        ((ValueError, "KeyError"), ["ValueError", "KeyError"]),
        ({ValueError}, ["ValueError"]),
        (ValueError, ["ValueError"]),
        ("ValueError", ["ValueError"]),
        (["torch.cuda.OutOfMemoryError"], ["OutOfMemoryError"]),
        ([], []),
    ],
)
def test_exceptions_are_names_or_classes(given: Any, names: list[str]) -> None:
    assert make(caught_exceptions=given).caught_exceptions == names


def test_retries_are_for_names_or_classes() -> None:
    assert make(retries={ValueError: 2, "KeyError": 1}).retries == {"ValueError": 2, "KeyError": 1}


def test_caught_classes_are_caught(tmp_path: Path) -> None:
    def fail(x: float) -> float:
        raise FileNotFoundError(x)

    run = Run(Hyperopt(SPACE), fail, 3, caught_exceptions=[OSError], pool=SerialPool()).prepare(tmp_path)
    try:
        run.run()
    finally:
        run.close()
    assert run.state.count_by_error == {"FileNotFoundError": 3}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ValuError", "ValueError"),
        ("valueerror", "ValueError"),
        ("TimeOutError", "TimeoutError"),
        ("RuntimError", "RuntimeError"),
        ("WorkerLoss", "WorkerLost"),
    ],
)
def test_a_misspelt_name_is_said(name: str, meant: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "runlib"):
        make(caught_exceptions=[name])
    assert caplog.messages == [f"caught_exceptions.0: no exception {name} is known here; did you mean {meant}?"]


def test_a_class_that_hides_its_name_is_in_nobodys_way(caplog: pytest.LogCaptureFixture) -> None:
    class Hiding(type):
        def __getattribute__(cls, name: str) -> Any:
            if name == "__name__":
                raise SystemExit(4)
            return type.__getattribute__(cls, name)

    class Hidden(ValueError, metaclass=Hiding):
        """Defined by somebody, somewhere."""

    with caplog.at_level(logging.WARNING, "runlib"):
        run = make(caught_exceptions=["ValuError", Hidden])
    assert run.caught_exceptions == ["ValuError", "Hidden"]
    assert caplog.messages == ["caught_exceptions.0: no exception ValuError is known here; did you mean ValueError?"]


def test_names_of_others_are_taken_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    class ValuError(Exception):
        """Not misspelt: somebody has it."""

    with caplog.at_level(logging.WARNING, "runlib"):
        make(caught_exceptions=["ValuError", "OutOfMemoryError", "LinAlgError", "XGBoostError"])
    assert caplog.messages == []
    assert ValuError.__doc__


@pytest.mark.parametrize("given", ["OSError, KeyError", 3, None, {"ValueError": 1}, [3], [square], [int]])
def test_what_is_no_exception_is_refused(given: Any) -> None:
    with pytest.raises(ConfigError, match=r"^caught_exceptions(\.0)?: takes "):
        make(caught_exceptions=given)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("maximize", "max"),
        ("minimize", "min"),
        ("maximise", "max"),
        ("MAX", "max"),
        ("minimum", "min"),
        (Sense.MAXIMIZE, "max"),
    ],
)
def test_directions_in_other_words(given: Any, meant: str) -> None:
    run = make(direction=given)
    assert run.direction == meant
    assert run.get_config()["run"]["direction"] == meant


def test_the_function_is_not_the_objective() -> None:
    with pytest.raises(ConfigError, match=r"^objective: .*Run\(search, evaluator, stop\)$"):
        make(objective=square)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"n_jobs": 2}, "Run does not take n_jobs; max_workers stands in the context: context={'max_workers': ...}"),
        ({"callbacks": []}, "Run takes observers, not callbacks"),
        (
            {"timeout": 3},
            "Run takes trial_timeout (in seconds, for each trial; run(duration=...) takes the minutes for all), "
            "not timeout",
        ),
        (
            {"trials": 3},
            "Run does not take trials; for their number there is StopMax(...), and what was tried stands in "
            "run.state.trials",
        ),
        (
            {"points_to_evaluate": []},
            "Run does not take points_to_evaluate; run.enqueue(suggestion) has one tried before the search's own",
        ),
        (
            {"n_startup_trials": 3},
            "Run does not take n_startup_trials; the search has it: Hyperopt(space, n_startup_jobs=...)",
        ),
        ({"algo": print}, 'Run does not take algo; the search has it by name: Hyperopt(space, method="tpe")'),
        ({"early_stop_fn": print}, "Run does not take early_stop_fn; for that there is StopNoProgress(...)"),
        (
            {"load_if_exists": True},
            "Run does not take load_if_exists; prepare(resume=True) goes on with the run of that name",
        ),
        ({"mode": "max"}, "Run takes direction, not mode"),
        ({"catch": [ValueError]}, "Run takes caught_exceptions, not catch"),
        ({"seed": 3}, "Run does not take seed; the search has it: Hyperopt(space, seed=...)"),
        ({"storage": "x"}, "Run does not take storage; prepare(directory) makes the folder of the run there"),
    ],
)
def test_other_names_of_what_a_run_takes(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UnknownArgument) as caught:
        make(**given)
    assert str(caught.value) == said


def test_arguments_instead_of_others() -> None:
    with pytest.raises(UnknownArgument, match=r"^Run takes stop, not n_trials$"):
        Run(Hyperopt(SPACE), square, n_trials=3)  # type: ignore[call-arg]
    with pytest.raises(UnknownArgument, match=r"^Run does not take space; wrap the space in a search: Run\(Hyperopt"):
        Run(space=SPACE, evaluator=square, stop=3)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("call", "given", "said"),
    [
        ("run", {"workers": 4}, "Run.run does not take workers; max_workers stands in the context: context={'max_"),
        ("run", {"timeout": 4}, "Run.run takes duration (in minutes), not timeout"),
        ("run", {"callbacks": []}, "Run.run does not take callbacks; Run(..., observers=...) takes it"),
        ("run", {"n_trials": 4}, "Run.run does not take n_trials; Run(search, evaluator, stop)"),
        ("prepare", {"path": "x"}, "Run.prepare takes directory, not path"),
        ("prepare", {"name": "x"}, "Run.prepare does not take name; Run(..., name=...) takes it"),
        ("fork", {"folder": "x", "record": 3}, "Run.fork takes at, not record"),
        ("checkout", {"run_folder": "x"}, "Run.checkout takes folder, not run_folder"),
        ("submit", {"tid": 1, "value": 3}, "Run.submit takes loss, not value"),
        ("enqueue", {"params": {}}, "Run.enqueue takes suggestion, not params"),
        ("void", {"trial": 3}, "Run.void takes tid, not trial"),
    ],
)
def test_methods_say_which_argument_is_meant(call: str, given: dict[str, Any], said: str) -> None:
    with pytest.raises(UnknownArgument) as caught:
        getattr(make(), call)(**given)
    assert str(caught.value).startswith(said)
