"""Keywords that a call does not take: which one is meant, and what stays as it is."""

from __future__ import annotations

import copy
import inspect
import pickle
from abc import ABC
from typing import Any

import pytest

import runlib
from runlib import (
    Categorical,
    ChainSearch,
    Component,
    ConfigError,
    EvolutionSearch,
    FixedSearch,
    Float,
    Hyperopt,
    Inbox,
    Integer,
    ProcessPool,
    Run,
    Space,
    StopAll,
    StopAny,
    StopDuration,
    StopLoss,
    StopMax,
    StopNoProgress,
    UnknownArgument,
)
from runlib.engine.arguments import known_arguments, listed

SPACE = {"x": Float(0, 1)}


@pytest.mark.parametrize(
    ("made", "given", "said"),
    [
        (Float, {"lower": 0, "upper": 1}, "Float takes low and high, not lower and upper"),
        (Float, {"low": 0, "high": 1, "log_scale": True}, "Float takes log, not log_scale"),
        (Float, {"low": 0, "high": 1, "q": 0.1}, "Float takes step, not q"),
        (Integer, {"min": 0, "max": 3}, "Integer takes low and high, not min and max"),
        (Integer, {"low": 0, "hihg": 3}, "Integer takes high, not hihg"),
        (Categorical, {"choices": [1, 2]}, "Categorical takes options, not choices"),
        (Hyperopt, {"space": SPACE, "random_state": 1}, "Hyperopt takes seed, not random_state"),
        (Hyperopt, {"search_space": SPACE}, "Hyperopt takes space, not search_space"),
        (Hyperopt, {"space": SPACE, "sed": 1}, "Hyperopt takes seed, not sed"),
        (
            Hyperopt,
            {"space": SPACE, "max_evals": 9},
            "Hyperopt does not take max_evals; for that there is StopMax(...)",
        ),
        (EvolutionSearch, {"space": SPACE, "pop_size": 3}, "EvolutionSearch takes population, not pop_size"),
        (StopMax, {"n_trials": 3}, "StopMax takes count, not n_trials"),
        (StopMax, {"count": 3, "colour": 1}, "StopMax does not take colour; it takes count, errors, use and context"),
        (StopNoProgress, {"patience": 3}, "StopNoProgress takes count, not patience"),
        (StopDuration, {"timeout": 3}, "StopDuration takes duration (in minutes), not timeout"),
        (StopLoss, {"target": 3}, "StopLoss takes threshold, not target"),
        (ProcessPool, {"n_jobs": 3}, "max_workers stands in the context: context={'max_workers': ...}"),
        (Inbox, {"directory": "x"}, "Inbox takes folder, not directory"),
        (Space.of, {"space": SPACE, "root": "x"}, "Space.of takes path, not root"),
    ],
)
def test_the_one_that_is_meant_is_named(made: Any, given: dict[str, Any], said: str) -> None:
    with pytest.raises(UnknownArgument) as caught:
        made(**given)
    assert said in str(caught.value)
    assert isinstance(caught.value, TypeError)  # what Python itself would raise
    assert isinstance(caught.value, ConfigError)


def test_signatures_are_what_they_were() -> None:
    assert list(inspect.signature(Float).parameters)[:4] == ["low", "high", "log", "step"]
    assert list(inspect.signature(StopMax).parameters) == ["count", "errors", "use", "context"]
    assert next(iter(inspect.signature(Run).parameters)) == "search"
    assert next(iter(inspect.signature(Run.restore).parameters)) == "folder"
    assert next(iter(inspect.signature(Run.run).parameters)) == "self"
    assert Run.run.__doc__ is not None
    assert Run.run.__doc__.startswith("Run until the stop is reached")


def test_one_that_takes_any_keyword_takes_it() -> None:
    class Free(Component):
        kind = "tested_free"

        def __init__(self, **options: Any) -> None:
            super().__init__()
            self.options = options

    assert Free(lower=1).options == {"lower": 1}


def test_components_with_other_bases_are_made_as_before() -> None:
    class Plain:
        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            made = super().__new__(cls)
            made.seen = (args, kwargs)
            return made

    class Both(Component, Plain, ABC):
        kind = "tested_both"

        def __init__(self, a: Any, b: Any = 2) -> None:
            super().__init__()
            self.a, self.b = a, b

    made: Any = Both(1, b=3)
    assert made.seen == ((1,), {"b": 3})
    with pytest.raises(UnknownArgument, match="Both does not take c; it takes a and b"):
        Both(1, c=3)


def test_copies_and_pickles_come_back() -> None:
    for value in (Float(0, 1, log=False), StopAny(StopMax(3), StopLoss(1.0)), Hyperopt(SPACE, seed=3)):
        assert repr(copy.deepcopy(value)) == repr(value) == repr(pickle.loads(pickle.dumps(value)))


def test_a_model_of_somebody_has_words_of_its_own() -> None:
    class Net(Component):
        kind = "tested_net"

        def __init__(self, width: int) -> None:
            super().__init__()
            self.width = width

    with pytest.raises(UnknownArgument, match=r"^Net does not take target; it takes width$"):
        Net(target=3)  # type: ignore[call-arg]


def test_functions() -> None:
    @known_arguments
    def fit(data: Any, *, seed: int = 0) -> Any:
        return data, seed

    assert fit(1, seed=2) == (1, 2)
    with pytest.raises(UnknownArgument, match=r"^fit takes seed, not rng$"):
        fit(1, rng=2)


@pytest.mark.parametrize(
    ("one_by_one", "in_a_list"),
    [
        (lambda: StopAny(StopMax(3), StopLoss(0.1)), lambda: StopAny([StopMax(3), StopLoss(0.1)])),
        (
            lambda: StopAll(StopMax(3), {"stop_loss": 0.1}, 40),
            lambda: StopAll([StopMax(3), StopLoss(0.1), StopMax(40)]),
        ),
        (lambda: StopAny(StopMax(3)), lambda: StopAny([StopMax(3)])),
        (lambda: FixedSearch({"x": 1}, {"x": 2}), lambda: FixedSearch([{"x": 1}, {"x": 2}])),
        (lambda: FixedSearch({"x": 1}), lambda: FixedSearch([{"x": 1}])),
        (
            lambda: ChainSearch((Hyperopt(SPACE), 3), Hyperopt(SPACE, seed=4)),
            lambda: ChainSearch([{"search": Hyperopt(SPACE), "count": 3}, {"search": Hyperopt(SPACE, seed=4)}]),
        ),
        (
            lambda: ChainSearch("search_sobol", "search_random", space=SPACE),
            lambda: ChainSearch([{"search": "search_sobol"}, {"search": "search_random"}], space=SPACE),
        ),
    ],
)
def test_what_may_stand_in_a_list_may_be_given_one_by_one(one_by_one: Any, in_a_list: Any) -> None:
    assert one_by_one().get_config() == in_a_list().get_config()
    assert runlib.from_config(one_by_one().get_config()).get_config() == in_a_list().get_config()


def test_what_follows_a_list_is_taken_by_its_position() -> None:
    parts = [{"search": "search_random", "count": 3}, {"search": "search_sobol"}]
    assert ChainSearch(parts, SPACE, 4).get_config() == ChainSearch(parts, space=SPACE, seed=4).get_config()
    points = [{"x": 0.5}]
    assert FixedSearch(points, None, SPACE).get_config() == FixedSearch(points, space=SPACE).get_config()
    with pytest.raises(UnknownArgument, match="takes 3 arguments behind a list, got 4"):
        ChainSearch(parts, SPACE, 4, None, 5)


def test_a_list_and_more_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^stops: takes them one by one or in one list, not both"):
        StopAny([StopMax(3)], StopLoss(0.1))
    assert listed("x", None, ()) is None
    assert listed("x", (1, 2), ()) == (1, 2)


@pytest.mark.parametrize(
    ("call", "given", "said"),
    [
        (runlib.from_config, {"confg": {}}, "from_config takes config, not confg"),
        (runlib.from_config, {"knd": "x"}, "from_config does not take knd; it takes config, context and family"),
        (runlib.to_config, {"valeu": 1}, "to_config takes value, not valeu"),
        (runlib.from_neps, {"pipeline_space": {}}, "from_neps takes space, not pipeline_space"),
        (runlib.from_hyperopt, {"search_space": {}}, "from_hyperopt takes space, not search_space"),
        (runlib.from_configspace, {"cs": {}}, "from_configspace does not take cs; it takes space"),
        (runlib.from_amltk, {"spce": {}}, "from_amltk takes space, not spce"),
        (runlib.from_maggy, {"searchspace": {}}, "from_maggy takes space, not searchspace"),
        (runlib.compute_hash, {"value": 1}, "compute_hash does not take value; it takes no keywords"),
        (runlib.register, {"cls": 1}, "register does not take cls"),
    ],
)
def test_functions_say_what_is_meant(call: Any, given: dict[str, Any], said: str) -> None:
    with pytest.raises(UnknownArgument) as caught:
        call(**given)
    assert str(caught.value).startswith(said)
