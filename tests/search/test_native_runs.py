"""Whole runs of each native search over a mixed conditional space: cut off, with failures, restored exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runlib import (
    AskTell,
    Categorical,
    ChainSearch,
    Choice,
    Component,
    EvolutionSearch,
    FixedSearch,
    Float,
    GridSearch,
    Integer,
    LogNormal,
    Ordinal,
    RandomSearch,
    Run,
    SobolSearch,
    StopMax,
)
from runlib.engine import disk
from tests.fakes import DirectPool, story
from tests.run.test_cut_off import CutDisk, PowerCut, abandon

SPACE = {
    "lr": Float(1e-4, 1, log=True, prior=1e-2),
    "net": Choice(
        [
            {"kind": "mlp", "layers": Integer(1, 4), "act": Categorical(["relu", "tanh"])},
            {"kind": "tree", "depth": Ordinal([2, 4, 8]), "more": Choice([{"p": LogNormal(0, 1)}, None])},
        ]
    ),
    "old": ["hp_quniform", "old", 0, 1, 0.1],
    "grid": ["hp_loggrid", "grid", -4, 4, 0.5],
    "sum": 1 + Float(0, 1),
    "fixed": [1, None, "text"],
}
TRIALS = 24


class Shrinking(Component):
    """An optimizer that depends on all that it was told."""

    kind = "shrinking"

    def __init__(self, context: Any = None) -> None:
        super().__init__(context)
        self.asked, self.sum = 0, 0.0

    def ask(self) -> Any:
        self.asked += 1
        return self.asked, {"x": self.asked + self.sum}

    def tell(self, key: int, loss: float) -> None:
        self.sum += loss / key

    def fail(self, key: int) -> None:
        self.sum -= key


SEARCHES: dict[str, Any] = {
    "random": lambda: RandomSearch(SPACE),
    "used up": lambda: RandomSearch({"x": Integer(1, 20), "c": Categorical(["a"])}, max_sample_attempts=2),
    "grid": lambda: GridSearch(SPACE, resolution=2),
    "sobol": lambda: SobolSearch(SPACE),
    "fixed": lambda: FixedSearch([{"x": k % 13} for k in range(20)]),
    "evolution": lambda: EvolutionSearch(SPACE, population=6, sample=3),
    "chain": lambda: ChainSearch(
        [
            {"search": FixedSearch([{"x": 1}, {"x": 2}])},
            {"search": SobolSearch(SPACE), "count": 6},
            {"search": EvolutionSearch(SPACE, population=6, sample=3)},
        ]
    ),
    "ask and tell": lambda: AskTell(Shrinking()),
}


def evaluator(suggestion: Any) -> float:
    """A loss from the suggestion alone; now and then an error."""
    text = repr(sorted(suggestion.items(), key=lambda pair: pair[0]))
    number = sum(map(ord, text))
    if number % 7 == 3:
        raise TimeoutError("one of the failures")
    return number % 100 / 100


def make(folder: Path, search: Any, **more: Any) -> Run:
    return Run(search, evaluator, StopMax(TRIALS), pool=DirectPool(), **more).prepare(folder)


def go_on(folder: Path, **more: Any) -> Run:
    return Run.restore(folder, evaluator=evaluator, pool=DirectPool(), **more).run()


@pytest.mark.parametrize("name", SEARCHES)
def test_cut_off_at_any_record_it_goes_on_as_if_it_had_not_been(tmp_path: Path, name: str) -> None:
    expected = story(make(tmp_path, SEARCHES[name]()).run().state)
    assert len(expected) >= 40
    for count in (2, 3, 8, 17, 29, len(expected) - 1):
        with disk.use(CutDisk(count)):
            run = make(tmp_path, SEARCHES[name]())
            with pytest.raises(PowerCut):
                run.run()
            abandon(run)
        assert story(go_on(run.work_directory).state) == expected


@pytest.mark.parametrize("name", SEARCHES)
def test_asked_again_for_everything_it_suggests_the_same(tmp_path: Path, name: str) -> None:
    run = make(tmp_path, SEARCHES[name]()).run()
    run.close()
    again = Run.restore(run.work_directory, evaluator=evaluator, pool=DirectPool(), verify=True)
    assert story(again.state) == story(run.state)
    again.close()


@pytest.mark.parametrize("name", ["random", "grid", "sobol", "evolution", "chain"])
def test_suggestions_lie_in_the_space(name: str, tmp_path: Path) -> None:
    run = make(tmp_path, SEARCHES[name]()).run()
    space = RandomSearch(SPACE)._space
    made = [outcome["suggestion"] for _, outcome in run.state.trials.values()][2 if name == "chain" else 0 :]
    assert len(made) >= 20
    for suggestion in made:
        space.validate(suggestion)
    assert {suggestion["net"]["kind"] for suggestion in made} >= ({"mlp"} if name == "grid" else {"mlp", "tree"})


@pytest.mark.parametrize("name", SEARCHES)
def test_with_two_workers_and_results_out_of_order(tmp_path: Path, name: str) -> None:
    def last_first(waiting: Any) -> Any:
        return waiting[-1:] if len(waiting) > 1 else waiting

    stories = []
    for k in range(2):
        run = Run(SEARCHES[name](), evaluator, StopMax(TRIALS), pool=DirectPool(last_first), context={"max_workers": 2})
        stories.append(story(run.prepare(tmp_path / str(k)).run().state))
    assert stories[0] == stories[1]
