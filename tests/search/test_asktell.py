"""``search_asktell``: an optimizer of one's own, in the shapes that optimizers have."""

from __future__ import annotations

import math
from typing import Any

import pytest

from runlib import AskTell, Component, ConfigError, Float, Run, SearchError, SearchExhausted, SearchWaiting, StopMax
from runlib.engine.component import from_config
from tests.fakes import DirectPool, quadratic

SPACE = {"x": Float(0, 1)}


class Carrier:
    def __init__(self, name: str, suggestion: Any) -> None:
        setattr(self, name, suggestion)


class Halving(Component):
    """Goes to the better side; depends on all that it is told."""

    kind = "halving"

    def __init__(self, shape: str = "plain", seed: int = 1, space: Any = None, context: Any = None) -> None:
        super().__init__(context)
        self.shape, self.seed, self.space = shape, seed, space
        self.asked = 0
        self.told: list[Any] = []
        self.failed: list[Any] = []

    def ask(self) -> Any:
        self.asked += 1
        suggestion = {"x": (0.5 ** len(self.told) + 0.01 * self.asked * self.seed) % 1}
        if self.shape == "plain":
            return suggestion
        return (self.asked, suggestion) if self.shape == "pair" else Carrier(self.shape, suggestion)

    def tell(self, key: Any, loss: float) -> None:
        self.told.append((key, loss))

    def fail(self, key: Any) -> None:
        self.failed.append(key)


@pytest.mark.parametrize("shape", ["plain", "pair", "config", "params", "value"])
def test_the_key_goes_back_with_the_loss(shape: str) -> None:
    optimizer = Halving(shape)
    search = AskTell(optimizer)
    made = [search.suggest() for _ in range(3)]
    assert [tid for tid, _ in made] == [0, 1, 2]
    assert all(set(suggestion) == {"x"} for _, suggestion in made)
    search.submit(1, loss=0.5)
    search.submit(0, error=True)
    search.submit(2, loss=float("nan"))
    [(key, loss)] = optimizer.told
    assert loss == 0.5
    if shape == "plain":
        assert key == made[1][1]
    elif shape == "pair":
        assert (key, optimizer.failed) == (2, [1, 3])
    else:
        assert getattr(key, shape) == made[1][1]
    assert len(optimizer.failed) == 2


def test_a_list_is_a_suggestion_and_no_pair() -> None:
    class Point(Halving):
        kind = "point"

        def ask(self) -> Any:
            return [0.5, 0.25]

    search = AskTell(Point())
    assert search.suggest() == (0, [0.5, 0.25])
    search.submit(0, loss=1.0)
    assert search._optimizer.told == [([0.5, 0.25], 1.0)]


@pytest.mark.parametrize(("errors_ok", "told"), [(True, [(0.5, 0.01), (math.inf, None)]), (False, [(0.5, 0.01)])])
def test_the_variance_is_told_if_it_is_taken_and_failures_are_the_worst(errors_ok: bool, told: list[Any]) -> None:
    class Careful(Component):
        kind = "careful"

        def __init__(self, context: Any = None) -> None:
            super().__init__(context)
            self.told: list[Any] = []

        def ask(self) -> Any:
            return {"x": 0.5}

        def tell(self, key: Any, loss: float, var: float | None = None) -> None:
            self.told.append((loss, var))

    search = AskTell({"careful": {}}, errors_ok=errors_ok)
    for _ in range(2):
        search.suggest()
    search.submit(0, loss=0.5, var=0.01)
    search.submit(1, error=True)
    assert search._optimizer.told == told


@pytest.mark.parametrize("end", [None, StopIteration(), SearchExhausted("done")])
def test_nothing_left(end: Any) -> None:
    class Ends(Halving):
        kind = "ends"

        def ask(self) -> Any:
            if end is not None:
                raise end

    with pytest.raises(SearchExhausted):
        AskTell(Ends()).suggest()


def test_waiting_is_passed_on() -> None:
    class Waits(Halving):
        kind = "waits"

        def ask(self) -> Any:
            raise SearchWaiting("first a result")

    with pytest.raises(SearchWaiting, match="first a result"):
        AskTell(Waits()).suggest()


def test_space_and_seed_are_handed_down_and_the_space_is_kept() -> None:
    search = AskTell({"halving": {}}, space=SPACE, seed=7)
    assert search._optimizer.seed == 7
    assert search._optimizer.space == search.space
    assert AskTell({"halving": {"seed": 3}}, seed=7)._optimizer.seed == 3
    assert search.get_config()["search_asktell"]["optimizer"] == {"halving": {}}
    with pytest.raises(SearchError, match=r"ask\(\) of halving left the search space: suggestion\.x: must be"):
        AskTell({"halving": {}}, space={"x": Float(5, 6)}).suggest()


def test_an_optimizer_is_made_of_what_a_restore_reads() -> None:
    search = AskTell({"halving": {"space": {"amltk": {"a": (0, 5)}}}})
    again = from_config(search.get_config())
    assert repr(search._optimizer.space) == repr(again._optimizer.space)
    with pytest.raises(ConfigError, match=r"optimizer\.halving\.space\.x: is no data, but of type"):
        AskTell({"halving": {"space": SPACE}})


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (object(), r"ask\(\) of faulty gave a suggestion that is no plain data: is no data, but of type object"),
        ({"x": {1, 2}}, r"no plain data: x: is no data, but of type set"),
        (ValueError("ouch"), r"ask\(\) of faulty failed: ValueError: ouch"),
    ],
)
def test_faults_of_ask_are_named(asked: Any, message: str) -> None:
    class Faulty(Halving):
        kind = "faulty"

        def ask(self) -> Any:
            if isinstance(asked, Exception):
                raise asked
            return asked

    with pytest.raises(SearchError, match=message):
        AskTell(Faulty()).suggest()


def test_faults_of_tell_are_named() -> None:
    class Deaf(Halving):
        kind = "deaf"

        def tell(self, key: Any, loss: float) -> None:
            raise KeyError("what?")

    search = AskTell(Deaf())
    search.suggest()
    with pytest.raises(SearchError, match=r"tell\(\) of deaf failed: KeyError: 'what\?'"):
        search.submit(0, loss=0.5)


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        ({"stop_max": {"count": 3}}, r"search_asktell\.optimizer: stop_max has no ask\(\); an optimizer has ask\(\)"),
        ({"halvin": {}}, r"search_asktell\.optimizer: no component of kind 'halvin'"),
        ({"halving": {"shap": 1}}, r"search_asktell\.optimizer\.halving: unknown argument 'shap'"),
        (lambda: 1, r"search_asktell\.optimizer: .*has no ask"),
    ],
)
def test_wrong_optimizers(optimizer: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        from_config({"search_asktell": {"optimizer": optimizer}})


def test_a_run_that_maximises_tells_losses_that_are_better_smaller(tmp_path: Any) -> None:
    run = Run(AskTell(Halving()), quadratic, StopMax(3), pool=DirectPool(), direction="max").prepare(tmp_path).run()
    told = [loss for _, loss in run.state.search.inner._optimizer.told]
    assert told == [-outcome["loss"] for _, outcome in run.state.trials.values()]
    assert max(told) <= 0


def test_a_restored_run_goes_on_as_the_uninterrupted_one(tmp_path: Any) -> None:
    def suggestions(run: Any) -> list[Any]:
        return [outcome["suggestion"] for _, outcome in run.state.trials.values()]

    whole = Run(AskTell(Halving("pair")), quadratic, StopMax(9), pool=DirectPool()).prepare(tmp_path / "whole").run()
    part = Run(AskTell(Halving("pair")), quadratic, StopMax(4), pool=DirectPool()).prepare(tmp_path / "part").run()
    folder = part.work_directory
    part.close()
    longer = Run.restore(folder, evaluator=quadratic, pool=DirectPool(), new_stop=StopMax(9)).run()
    assert suggestions(longer) == suggestions(whole)
