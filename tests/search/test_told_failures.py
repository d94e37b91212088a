"""Failures keep searches away: each that learns takes a failed trial for the worst there is, unless told not to."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from statistics import mean
from typing import Any

import numpy as np
import pytest
from hyperopt import STATUS_FAIL, STATUS_OK, Trials, fmin, hp, tpe

from runlib.engine.component import Component, from_config
from runlib.engine.earlier import with_earlier_defaults
from runlib.search.asktell import AskTell
from runlib.search.base import Search
from runlib.search.chain import ChainSearch
from runlib.search.common.by_history import complete
from runlib.search.evolution import EvolutionSearch
from runlib.search.hyperopt.search import Hyperopt

SPACE = {"x": ["hp_uniform", "x", -5, 5]}


def far(x: float) -> float:
    """The optimum lies far from where trials fail."""
    return (x - 1) ** 2


def behind(x: float) -> float:
    """The optimum lies where trials fail."""
    return (x - 4.5) ** 2


class Local(Component):
    """Asks near the best of what it was told."""

    kind = "local_steps"

    def __init__(self, seed: int = 1, context: Any = None) -> None:
        super().__init__(context)
        self.seed, self.asked = seed, 0
        self.told: list[tuple[float, float]] = []

    def ask(self) -> dict[str, float]:
        rng = np.random.default_rng([self.seed, self.asked])
        self.asked += 1
        centre = min(self.told)[1] if self.told else 0.0
        return {"x": float(np.clip(centre + rng.normal(), -5, 5))}

    def tell(self, key: Any, loss: float) -> None:
        self.told.append((loss, key["x"]))


def failures(search: Search, loss: Callable[[float], float], sign: int = 1, fails: Any = lambda x: x > 4) -> int:
    """How many of trials 20 to 59 fail."""
    count = 0
    for k in range(60):
        tid, suggestion = search.suggest()
        x = suggestion["x"]
        if fails(x):
            search.submit(tid, error=True)
            count += k >= 20
        else:
            search.submit(tid, loss=sign * loss(x))
    return count


def of_hyperopt(loss: Callable[[float], float], seed: int) -> int:
    """How many of trials 20 to 59 fail in hyperopt itself."""

    def objective(x: float) -> Any:
        return {"status": STATUS_FAIL} if x > 4 else {"status": STATUS_OK, "loss": loss(x)}

    trials, rng = Trials(), np.random.default_rng(seed)
    suggest = partial(tpe.suggest, verbose=False)
    fmin(objective, hp.uniform("x", -5, 5), suggest, 60, trials=trials, rstate=rng, verbose=False)
    return sum(result["status"] == STATUS_FAIL for result in trials.results[20:])


def test_tpe_keeps_away_from_where_trials_fail() -> None:
    counts = [failures(Hyperopt(SPACE, seed=seed), far) for seed in range(6)]
    assert max(counts) <= 6  # by chance it would be 4
    assert mean(counts) <= 5
    hidden = [failures(Hyperopt(SPACE, seed=seed, errors_ok=False), far) for seed in range(2)]
    assert min(hidden) > 15  # what it was, and what errors_ok=False still means


@pytest.mark.slow
@pytest.mark.parametrize("loss", [far, behind])
def test_tpe_fails_as_often_as_that_of_hyperopt(loss: Callable[[float], float]) -> None:
    ours = [failures(Hyperopt(SPACE, seed=seed), loss) for seed in range(20)]
    theirs = [of_hyperopt(loss, seed) for seed in range(20)]
    print(f"\n{loss.__name__}: ours {mean(ours)} {ours}, of hyperopt {mean(theirs)} {theirs}")
    assert abs(mean(ours) - mean(theirs)) < 1.5


@pytest.mark.parametrize(
    ("fails", "loss"),
    [
        (lambda x: x < -4, lambda x: (x + 1) ** 2),  # the other edge
        (lambda x: abs(x) > 4.5, lambda x: x * x),  # both
        (lambda x: -2 < x < -1, far),  # a hole
        (lambda x: x > 4, lambda x: 100 + far(x)),  # far from zero
    ],
)
def test_tpe_keeps_away_from_other_corners(fails: Any, loss: Any) -> None:
    assert mean(failures(Hyperopt(SPACE, seed=seed), loss, fails=fails) for seed in range(4)) <= 6


def test_tpe_keeps_away_where_greater_is_better() -> None:
    # A run that maximises turns the losses, and never the failures.
    assert mean(failures(Hyperopt(SPACE, seed=seed), lambda x: -far(x), sign=-1) for seed in range(4)) <= 6


def test_no_search_is_drawn_to_failures() -> None:
    made: dict[str, Callable[[int], Search]] = {
        "anneal": lambda seed: Hyperopt(SPACE, seed=seed, method="anneal"),
        "mix": lambda seed: Hyperopt(SPACE, seed=seed, method="mix"),
        "evolution": lambda seed: EvolutionSearch(SPACE, seed=seed, population=10, sample=5),
        "asktell": lambda seed: AskTell(Local(seed)),
        "chain": lambda seed: ChainSearch(
            [
                {"search": {"search_evolution": {"population": 6, "sample": 3}}, "count": 15},
                {"search": {"search_hyperopt": {"n_startup_jobs": 5}}},
            ],
            space=SPACE,
            seed=seed,
        ),
    }
    for name, make in made.items():
        counts = [failures(complete(make(seed)), far) for seed in range(3)]
        assert mean(counts) <= 6, f"{name}: {counts}"


def test_an_optimizer_of_ones_own_moves_on_from_failures() -> None:
    class Repeating(Local):
        """Tries the best that it was told of until it knows better; a point of which it hears nothing, for ever."""

        kind = "repeating"

        def ask(self) -> dict[str, float]:
            tried = {x for _, x in self.told}
            return {"x": next(x for x in (5.0, 4.5, 2.0, 1.0) if x not in tried)}

    search = AskTell(Repeating())
    xs = []
    for _ in range(3):
        tid, suggestion = search.suggest()
        xs.append(suggestion["x"])
        search.submit(tid, **({"error": True} if suggestion["x"] > 4 else {"loss": 1.0}))
    assert xs == [5.0, 4.5, 2.0]


def test_a_failed_trial_has_no_child_and_takes_a_place_in_the_population() -> None:
    search = EvolutionSearch(SPACE, population=4, sample=4, seed=3, scale=1e-6)
    xs = []
    for loss in (1.0, 0.0, None, None, None, None, None, None):
        tid, suggestion = search.suggest()
        search.submit(tid, error=loss is None, loss=loss)
        xs.append(suggestion["x"])
    # From the seventh on all the living are failed ones: what comes is drawn at random, and no mutation of any.
    assert min(abs(new - old) for new in xs[6:] for old in xs[:6]) > 1e-3
    hidden = EvolutionSearch(SPACE, population=4, sample=4, seed=3, errors_ok=False)
    for _ in range(6):
        tid, _ = hidden.suggest()
        hidden.submit(tid, error=True)
    assert hidden._history.states.count(1) == 0


def test_nobody_learns_from_what_is_void() -> None:
    search = complete(AskTell(Local()))
    for _ in range(3):
        search.suggest()
    search.submit(0, loss=1.0)
    search.submit(1, error=True)
    assert [loss for loss, _ in search.inner._optimizer.told] == [1.0, math.inf]
    search.void(2)
    search.forget(2)
    search.forget(1)
    assert [loss for loss, _ in search.inner._optimizer.told] == [1.0]
    search.forget(0)
    assert search.inner._optimizer.told == []
    search.submit(1, loss=2.0)
    assert [loss for loss, _ in search.inner._optimizer.told] == [2.0]


def test_the_parts_of_a_chain_hear_what_is_void() -> None:
    chain = ChainSearch([{"search": AskTell(Local())}])
    for _ in range(2):
        chain.suggest()
    chain.void(0)
    chain.forget(0)
    chain.submit(1, error=True)
    told = chain._parts[0].inner._optimizer.told
    assert [loss for loss, _ in told] == [math.inf]


def test_the_silence_of_an_old_config_means_what_it_meant() -> None:
    old = {"search_evolution": {"space": SPACE, "seed": 1, "population": 50, "sample": 10, "scale": 0.1}}
    assert from_config(with_earlier_defaults(old)).errors_ok is False
    assert from_config(old).errors_ok is True  # as a person writes it
    told = {"search_evolution": {**old["search_evolution"], "errors_ok": True}}
    assert with_earlier_defaults(told) == told
    chain = {"search_chain": {"searches": [{"search": old, "count": 3}], "space": None, "seed": 1}}
    [part] = with_earlier_defaults(chain)["search_chain"]["searches"]
    assert part["search"]["search_evolution"]["errors_ok"] is False
    unknown = {"search_of_a_plugin": {"space": SPACE, "mix": [old]}}
    assert with_earlier_defaults(unknown)["search_of_a_plugin"]["space"] == SPACE
    assert with_earlier_defaults({"search_sobol": None}) == {"search_sobol": None}
