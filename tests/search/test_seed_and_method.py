"""What is given for the seed and the method of a search by who comes from another tool."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
from hyperopt import anneal, rand, tpe

from runlib import (
    ConfigError,
    EvolutionSearch,
    FixedSearch,
    Float,
    GridSearch,
    Hyperopt,
    RandomSearch,
    SobolSearch,
    UnknownArgument,
)

SPACE = {"x": Float(0, 1)}
SEARCHES = [
    Hyperopt,
    RandomSearch,
    GridSearch,
    SobolSearch,
    EvolutionSearch,
    functools.partial(FixedSearch, [{"x": 0}]),
]


@pytest.mark.parametrize("make", SEARCHES)
@pytest.mark.parametrize(
    ("seed", "said"),
    [
        (None, r"^seed: must be an integer, got None; leave it out for 123"),
        (np.random.default_rng(1), r"^seed: must be an integer, got a Generator; give the number .*: seed=1$"),
        (np.random.RandomState(1), r"^seed: must be an integer, got a RandomState; give the number"),
        (__import__("random").Random(1), r"^seed: must be an integer, got a Random; give the number"),
        ("1", r"^seed: must be an integer, got '1'$"),
        (1.5, r"^seed: must be an integer, got 1\.5$"),
    ],
)
def test_a_seed_is_a_number(make: Any, seed: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        make(space=SPACE, seed=seed)


def test_a_seed_of_numpy_is_one() -> None:
    assert Hyperopt(SPACE, seed=np.int64(7)).get_config() == Hyperopt(SPACE, seed=7).get_config()


@pytest.mark.parametrize(
    ("method", "said"),
    [
        (tpe.suggest, r'^method: takes the name of a method, and no function; say method="tpe"$'),
        (rand.suggest, r'^method: .*say method="rand"$'),
        (anneal.suggest, r'^method: .*say method="anneal"$'),
        (
            functools.partial(tpe.suggest, n_startup_jobs=5),
            r'^method: .*say method="tpe"; what partial\(\.\.\.\) fixes',
        ),
        (len, r"^method: takes the name of a method, and no function; known are tpe, rand, anneal$"),
        ("tpe.suggest", r"^method: unknown method 'tpe\.suggest'.*did you mean 'tpe'\?$"),
    ],
)
def test_a_method_is_a_name(method: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Hyperopt(SPACE, method=method)


@pytest.mark.parametrize(("other", "own"), [("random", "rand"), ("annealing", "anneal")])
def test_other_names_of_a_method_are_taken(other: str, own: str) -> None:
    search = Hyperopt(SPACE, method=other)
    assert search.get_config() == Hyperopt(SPACE, method=own).get_config()
    assert search.suggest() == Hyperopt(SPACE, method=own).suggest()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"n_startup_trials": 5}, "Hyperopt takes n_startup_jobs, not n_startup_trials"),
        (
            {"algo": tpe.suggest},
            'Hyperopt does not take algo; the search has it by name: Hyperopt(space, method="tpe")',
        ),
        ({"points_to_evaluate": []}, "Hyperopt does not take points_to_evaluate; run.enqueue(suggestion) has one"),
        ({"trials": []}, "Hyperopt does not take trials; for their number there is StopMax(...)"),
        ({"rstate": None}, "Hyperopt takes seed, not rstate"),
    ],
)
def test_other_arguments_are_told(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UnknownArgument) as caught:
        Hyperopt(SPACE, **given)
    assert str(caught.value).startswith(said)
