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


def test_ten_times_optuna_with_a_journal_and_as_quick_as_optuna_that_keeps_nothing(tmp_path: Path) -> None:
    journals: list[float] = []
    rates: dict[str, list[float]] = {"serial": [], "processes": [], "memory": [], "journal": []}

    def measure() -> float:
        k = len(journals)
        rates["memory"].append(optuna_rate(TRIALS))
        for pool in ("serial", "processes"):
            run = run_random(tmp_path / f"{pool}{k}", TRIALS, pool=f"pool_{pool}")
            rates[pool].append(rate(submit_times(run)))
        backend = JournalFileBackend(str(tmp_path / f"journal{k}.log"))
        rates["journal"].append(optuna_rate(300, JournalStorage(backend)))
        journals.append(rates["serial"][-1] / rates["journal"][-1])
        return min(rates["serial"][-1] / rates["memory"][-1], journals[-1] / 10)

    reaches(1, measure)
    memories = [ours / theirs for ours, theirs in zip(rates["serial"], rates["memory"], strict=True)]
    tell(
        "3,000 no-op trials by search_random, sync always",
        **{name: median(found) for name, found in rates.items()},
        serial_by_memory=median(memories),
        serial_by_journal=median(journals),
    )
    assert max(memories) >= 1
    assert max(journals) >= 10


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
