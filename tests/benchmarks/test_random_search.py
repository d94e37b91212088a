"""What a trial costs by ``search_random``: against Optuna with a journal and in memory, and the restore of 10,000."""

from __future__ import annotations

import json
import time
from pathlib import Path
from statistics import median
from typing import Any

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from runlib import RandomSearch, Run, StopMax
from tests.benchmarks.common import SPACE, noop, rate, reaches, submit_times, tell

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

TRIALS = 3000


def run_random(folder: Path, count: int, *, pool: str = "pool_serial", **context: Any) -> Run:
    """A run of so many trials, one at a time."""
    run = Run(RandomSearch(SPACE), noop, StopMax(count), pool=pool, context={"max_workers": 1, **context})
    return run.prepare(folder).run()


def optuna_rate(count: int, storage: Any = None) -> float:
    """Trials per second of Optuna's random search in this process, first to last tell."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    ends: list[float] = []

    def objective(trial: optuna.Trial) -> float:
        for i in range(6):
            trial.suggest_float(f"u{i}", 0, 1)
        for i in range(2):
            trial.suggest_float(f"l{i}", 0.0067, 1, log=True)
        trial.suggest_int("i", 1, 10)
        trial.suggest_categorical("c", ["a", "b", "c"])
        return 0.5

    study = optuna.create_study(storage=storage, sampler=optuna.samplers.RandomSampler(seed=1))
    study.optimize(objective, n_trials=count, callbacks=[lambda study, trial: ends.append(time.time())])
    return rate(ends)


# Where a trial is evaluated, and how many suggestions are made ahead: for a search that learns nothing that is no loss.
WAYS = {
    "serial": ("pool_serial", 0),
    "serial_ahead_8": ("pool_serial", 8),
    "processes": ("pool_processes", 0),
    "processes_ahead_8": ("pool_processes", 8),
}


def test_ten_times_optuna_with_a_journal_and_as_quick_as_optuna_that_keeps_nothing(tmp_path: Path) -> None:
    rates: dict[str, list[float]] = {name: [] for name in ("memory", "journal", *WAYS)}

    def measure() -> float:
        k = len(rates["memory"])
        rates["memory"].append(optuna_rate(TRIALS))
        for name, (pool, ahead) in WAYS.items():
            run = run_random(tmp_path / f"{name}{k}", TRIALS, pool=pool, ahead=ahead)
            rates[name].append(rate(submit_times(run)))
        backend = JournalFileBackend(str(tmp_path / f"journal{k}.log"))
        rates["journal"].append(optuna_rate(300, JournalStorage(backend)))
        best = max(rates[name][-1] for name in WAYS)
        return min(best / rates["memory"][-1], rates["serial"][-1] / rates["journal"][-1] / 10)

    reaches(1, measure)
    tell(
        "3,000 no-op trials by search_random, sync always, trials/s", **{n: median(found) for n, found in rates.items()}
    )
    by_memory = {name: against(rates, name, "memory") for name in WAYS}
    tell("against Optuna in memory", **{name: median(ratios) for name, ratios in by_memory.items()})
    journal = against(rates, "serial", "journal")
    tell("against Optuna with a journal", serial=median(journal))
    assert max(journal) >= 10
    assert max(max(ratios) for ratios in by_memory.values()) >= 1


def against(rates: dict[str, list[float]], ours: str, theirs: str) -> list[float]:
    """The ratio of two rates in each round."""
    return [one / other for one, other in zip(rates[ours], rates[theirs], strict=True)]


def test_the_search_itself_takes_a_small_part_of_a_trial() -> None:
    taken = []
    for _ in range(5):
        search = RandomSearch(SPACE)
        began = time.perf_counter()
        for _ in range(TRIALS):
            tid, _ = search.suggest()
            search.memo(tid)
            search.submit(tid, loss=0.5)
        taken.append((time.perf_counter() - began) / TRIALS * 1e6)
    tell("suggest, memo and submit, µs", best=min(taken), median=median(taken))
    assert min(taken) <= 30


def test_ten_thousand_random_trials_are_restored_in_five_times_the_parsing(tmp_path: Path) -> None:
    folder = run_random(tmp_path, 10_000, sync="never").work_directory
    lines = [line for line in (folder / "tape.son").read_bytes().split(b"\n") if line.startswith(b"{")]
    ratios = []
    for _ in range(5):
        began = time.perf_counter()
        for line in lines:
            json.loads(line)
        parsed = time.perf_counter()
        Run.restore(folder, evaluator=noop).close()
        ratios.append((time.perf_counter() - parsed) / (parsed - began))
    tell("10,000 trials of search_random", restore_by_json_loads=median(ratios), best=min(ratios))
    assert min(ratios) <= 5
