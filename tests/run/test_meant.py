"""What people write and plainly mean is taken; what cannot be taken is answered in one sentence."""

from __future__ import annotations

import copy
import functools
import logging
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runlib import (
    AskTell,
    Categorical,
    Choice,
    ConfigError,
    Float,
    Hyperopt,
    Ordinal,
    Run,
    SerialPool,
    Space,
    Stop,
    StopAll,
    StopAny,
    StopDuration,
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


H = Hyperopt(SPACE)
RIGHT = r"it is Run\(search, evaluator, stop\), such as Run\(Hyperopt\(space\), evaluate, StopMax\(100\)\)"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ((square, H, 3), "^search: got what is meant as the evaluator, square: "),
        (("job.py:square", H, 3), "^search: got what is meant as the evaluator"),
        ((3, H, square), "^search: got what is meant as the stop, 3: "),
        ((H, 3, square), "^evaluator: got what is meant as the stop, 3: "),
        ((H, StopMax(3), square), "^evaluator: got what is meant as the stop, StopMax"),
        ((H, H, 3), "^evaluator: got what is meant as the search, Hyperopt"),
        ((H, square, square), "^stop: got what is meant as the evaluator, square: "),
        ((H, square, H), "^stop: got what is meant as the search, Hyperopt"),
    ],
)
def test_parts_in_the_place_of_others_are_told_with_the_right_order(given: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=says + (".*" if says[-1] != " " else "") + RIGHT):
        Run(*given)


@pytest.mark.parametrize(
    ("given", "place"), [((H, square), "stop"), ((H, None), "stop"), ((H,), "evaluator"), ((), "search")]
)
def test_a_part_that_is_missing_is_told_with_an_example(given: Any, place: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{place}: is missing.*: Run\(search, evaluator, stop\), such as Run"):
        Run(*given)


@pytest.mark.parametrize("stop", [2.0, "40", " 40 ", np.float64(3)])
def test_whole_numbers_of_trials(stop: Any) -> None:
    assert make(stop).stop.get_config() == StopMax(int(float(stop))).get_config()


@pytest.mark.parametrize("stop", [2.5, "2.5", "-1", "forty", 0.0, float("nan"), float("inf")])
def test_no_whole_numbers_of_trials(stop: Any) -> None:
    with pytest.raises(ConfigError, match=r"^stop"):
        make(stop)


def test_stops_are_joined_by_or_and_and() -> None:
    a, b, c = StopMax(2), StopDuration(1), StopLoss(0.1)
    assert (a | b).get_config() == StopAny([a, b]).get_config()
    assert (a & b).get_config() == StopAll([a, b]).get_config()
    assert (a | b | c).get_config() == StopAny([a, b, c]).get_config()
    assert ((a & b) | c).get_config() == StopAny([StopAll([a, b]), c]).get_config()
    assert make(a | b).stop.get_config() == StopAny([a, b]).get_config()
    with pytest.raises(TypeError, match="unsupported operand"):
        _ = a | square


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("seconds", r"it takes minutes: StopDuration\(seconds / 60\)"),
        ("hours", r"it takes minutes: StopDuration\(60 \* hours\)"),
        ("time_limit", "it takes duration and context|StopDuration takes"),
    ],
)
def test_units_of_a_duration(word: str, says: str) -> None:
    with pytest.raises(UnknownArgument, match=says) as caught:
        StopDuration(**{word: 3})
    assert "for that there is StopDuration" not in str(caught.value)


@pytest.mark.parametrize("given", [("a", "b"), (1, 2, 3), ([1], [2])])
@pytest.mark.parametrize("kind", [Categorical, Ordinal, Choice])
def test_options_one_by_one(kind: Any, given: Any) -> None:
    shown = ", ".join(map(repr, given))
    with pytest.raises(UnknownArgument) as caught:
        kind(*given)
    assert str(caught.value) == f"{kind.__name__} takes its options in one list: {kind.__name__}([{shown}])"
    assert copy.deepcopy(kind([1, 2])).to_data() == kind([1, 2]).to_data()


class OnlyAsk:
    def ask(self) -> Any:
        return {}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (OnlyAsk(), r"OnlyAsk has no tell\(\); an optimizer has ask\(\) and tell"),
        (3, r"int has no ask\(\) and no tell\(\)"),
        (OnlyAsk, r"takes an object, got the class OnlyAsk; write OnlyAsk\(\.\.\.\)"),
        (square, r"square has no ask\(\) and no tell\(\)"),
    ],
)
def test_an_object_that_is_no_optimizer(given: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        AskTell(given)


def one(x: float) -> float:
    return x


def two(params: Any, data: Any) -> float:
    return 0.0


@pytest.mark.parametrize("function", [one, two, functools.partial(two), lambda x, z: x])
def test_a_function_that_does_not_take_the_keys_is_refused_when_it_is_given(function: Any) -> None:
    space = {"x": Float(0, 1), "y": Choice([1, {"z": Float(0, 1)}])}
    with pytest.raises(ConfigError, match=r"^evaluator: the function .* does not fit the keys of the suggestion"):
        Run(Hyperopt(space), function, 3)


@pytest.mark.parametrize(
    ("space", "function"),
    [
        ({"x": Float(0, 1), "y": 3}, lambda x, y: x),
        ({"x": Float(0, 1), "y": 3}, lambda x, **rest: x),
        ({"x": Float(0, 1), "y": 3}, lambda params, data=None: 0),
        ({"x": Float(0, 1), "y": 3}, functools.partial(two, data=3)),
        (Choice([{"x": Float(0, 1)}, {"x": 1, "y": 2}]), one),  # nobody knows which keys come
    ],
)
def test_functions_that_may_fit_are_taken(space: Any, function: Any) -> None:
    assert Run(Hyperopt(space), function, 3).evaluator is not None


def test_the_list_of_observers_is_a_copy() -> None:
    run = make(observers=["observe_log"])
    run.observers.clear()
    assert [observer.kind for observer in run.observers] == ["observe_log"]
    run.observers = ["observe_status", *run.observers]
    assert [observer.kind for observer in run.observers] == ["observe_status", "observe_log"]


def test_the_name_of_a_file_is_no_name_of_a_function() -> None:
    with pytest.raises(
        ConfigError, match=r"^evaluator: job\.py is a file; the function in it is named .* job\.py:NAME"
    ):
        Run(H, "job.py", 3)
