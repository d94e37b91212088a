"""TPE learns through a whole run: what it hears is what the evaluator returned."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import pytest

from runlib import Hyperopt, Run, StopMax
from tests.fakes import DirectPool

SPACE = {"x": ["hp_uniform", "x", -5, 5], "y": ["hp_uniform", "y", -5, 5]}


def evaluate(x: float, y: float) -> float:
    return (x - 1) ** 2 + (y + 2) ** 2


def late_losses(folder: Path, method: str, seed: int) -> float:
    """The median loss of trials 41 to 60."""
    run = Run(
        Hyperopt(SPACE, seed=seed, method=method), evaluate, StopMax(60), pool=DirectPool(), context={"sync": "never"}
    )
    return median(run.prepare(folder).run().state.trials.losses[40:60])


@pytest.mark.slow
def test_late_trials_of_tpe_are_better_than_random_ones(tmp_path: Path) -> None:
    better = sum(late_losses(tmp_path, "tpe", seed) < late_losses(tmp_path, "rand", seed) for seed in range(20))
    print(f"\ntpe is better than rand for {better} of 20 seeds")
    assert better >= 15


def test_what_is_told_changes_what_is_suggested(tmp_path: Path) -> None:
    def story_with(factor: float) -> list[object]:
        search = Hyperopt(SPACE, n_startup_jobs=5)
        run = Run(search, lambda x, y: factor * evaluate(x, y), StopMax(12), pool=DirectPool()).prepare(tmp_path).run()
        return [outcome["suggestion"] for _, outcome in run.state.trials.values()]

    upward, downward = story_with(1.0), story_with(-1.0)
    assert upward[:5] == downward[:5]
    assert upward[5:] != downward[5:]
