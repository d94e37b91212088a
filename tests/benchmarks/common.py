"""What the benchmarks share: the 10-dimensional space, a run of trials that do nothing, and how a ratio is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runlib import Hyperopt, Run, StopMax

SPACE: dict[str, Any] = {
    **{f"u{i}": ["hp_uniform", f"u{i}", 0, 1] for i in range(6)},
    **{f"l{i}": ["hp_loguniform", f"l{i}", -5, 0] for i in range(2)},
    "i": ["hp_uniformint", "i", 1, 10],
    "c": ["hp_choice", "c", ["a", "b", "c"]],
}


def noop(suggestion: Any) -> float:
    """An evaluation without work."""
    return 0.5


def nap(suggestion: Any) -> float:
    """An evaluation of 10 ms."""
    time.sleep(0.01)
    return 0.5


def run_trials(folder: Path, count: int, *, evaluator: Any = noop, workers: int = 1, **more: Any) -> Run:
    """A run of so many trials, by random search, with the defaults of runlib but for ``more``."""
    context = {"max_workers": workers, **more.pop("context", {})}
    search = Hyperopt(SPACE, method=more.pop("method", "rand"), **more)
    return Run(search, evaluator, StopMax(count), context=context).prepare(folder).run()


def submit_times(run: Run) -> list[float]:
    """When each trial was submitted, seconds since 1970."""
    return [r.t for r in run.state.tape if r.event is not None and r.event.kind == "submit"]


def rate(times: list[float]) -> float:
    """Trials per second from the first to the last submit."""
    return (len(times) - 1) / (times[-1] - times[0])


def reaches(limit: float, measure: Callable[[], float], *, rounds: int = 5) -> list[float]:
    """Measure until a ratio is at least ``limit``, at most so often: other work on the machine only lowers it.

    Returns:
        What was measured; the test looks at the largest.
    """
    found: list[float] = []
    while len(found) < 3 or (max(found) < limit and len(found) < rounds):
        found.append(measure())
    return found


def tell(what: str, **figures: float) -> None:
    """Print figures for the README of the benchmarks."""
    print(f"\n{what}: " + ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in figures.items()))
