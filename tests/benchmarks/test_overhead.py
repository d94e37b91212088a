"""What a trial costs beside its evaluation: against Optuna with a journal, over a long run, with two workers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from runlib import Run
from tests.benchmarks.common import nap, rate, reaches, run_trials, submit_times, tell

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]


def optuna_rate(file: Path, count: int) -> float:
    """Trials per second of Optuna's random search with a journal, first to last tell."""
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

    storage = JournalStorage(JournalFileBackend(str(file)))
    study = optuna.create_study(storage=storage, sampler=optuna.samplers.RandomSampler(seed=1))
    study.optimize(objective, n_trials=count, callbacks=[lambda study, trial: ends.append(time.time())])
    return rate(ends)


def test_five_times_the_trials_of_optuna_with_a_journal(tmp_path: Path) -> None:
    rates: list[tuple[float, float]] = []

    def measure() -> float:
        k = len(rates)
        ours = rate(submit_times(run_trials(tmp_path / f"ours{k}", 1000)))
        rates.append((ours, optuna_rate(tmp_path / f"journal{k}.log", 300)))
        return ours / rates[-1][1]

    ratios = reaches(5, measure)
    ours, theirs = rates[-1]
    tell("1,000 no-op trials, 1 worker, sync always", runlib=ours, optuna_journal=theirs, ratio=median(ratios))
    assert max(ratios) >= 5


def test_what_always_syncing_costs(tmp_path: Path) -> None:
    always = rate(submit_times(run_trials(tmp_path / "always", 1500)))
    never = rate(submit_times(run_trials(tmp_path / "never", 1500, context={"sync": "never"})))
    ahead = rate(submit_times(run_trials(tmp_path / "ahead", 1500, context={"ahead": 1})))
    tell("trials/s", sync_always=always, sync_never=never, always_with_one_ahead=ahead, never_by_always=never / always)
    assert always > never / 10


LONG = """
import sys, json, resource
from pathlib import Path
from tests.benchmarks.common import run_trials, submit_times
from runlib.observe.base import Observer

class Memory(Observer):
    kind = "observe_memory"
    sizes = {}
    def observe(self, event, state):
        if len(state.trials) in (1000, 10000):
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            Memory.sizes[len(state.trials)] = pages * resource.getpagesize()

from runlib import Hyperopt, Run, StopMax
from tests.benchmarks.common import SPACE, noop
run = Run(Hyperopt(SPACE, method="rand"), noop, StopMax(10000), context={"max_workers": 1},
          observers=["observe_status", "observe_log", Memory()])
run.prepare(sys.argv[1]).run()
t = submit_times(run)
kib = (Memory.sizes[10000] - Memory.sizes[1000]) / 9000 / 1024
print(json.dumps({"first": t[1000] - t[0], "last": t[9999] - t[8999], "kib": kib}))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads the memory from /proc")
def test_cost_stays_flat_over_ten_thousand_trials(tmp_path: Path) -> None:
    rounds: list[dict[str, float]] = []

    def measure() -> float:
        command = [sys.executable, "-c", LONG, str(tmp_path / str(len(rounds)))]
        rounds.append(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
        return rounds[-1]["first"] / rounds[-1]["last"]

    ratios = reaches(1 / 1.3, measure)
    kib = median(figures["kib"] for figures in rounds)
    tell("trials 9,001-10,000 against 1-1,000", ratio=1 / median(ratios), KiB_a_trial=kib)
    assert max(ratios) >= 1 / 1.3
    assert kib <= 3


PIPE = """
import contextlib, socket, sys, time
s = socket.socket(fileno=int(sys.argv[1]))
with contextlib.suppress(ConnectionError):
    while s.recv(64):
        time.sleep(0.01)
        s.send(b"done")
"""


def bare_pipe_rate(count: int) -> float:
    """Answers per second of two processes that sleep 10 ms, over bare pipes."""
    import selectors
    import socket

    pairs = [socket.socketpair() for _ in range(2)]
    processes = [
        subprocess.Popen([sys.executable, "-c", PIPE, str(child.fileno())], pass_fds=[child.fileno()])
        for _, child in pairs
    ]
    with selectors.DefaultSelector() as selector:
        for ours, child in pairs:
            child.close()
            selector.register(ours, selectors.EVENT_READ)
            ours.send(b"go")
        ends: list[float] = []
        while len(ends) < count:
            for key, _ in selector.select():
                key.fileobj.recv(64)  # type: ignore[union-attr]
                ends.append(time.time())
                key.fileobj.send(b"go")  # type: ignore[union-attr]
    for ours, _ in pairs:
        ours.close()
    for process in processes:
        process.kill()
        process.wait()
    return rate(ends)


def test_two_workers_are_as_busy_as_over_a_bare_pipe(tmp_path: Path) -> None:
    found: dict[int, list[float]] = {0: [], 1: [], 2: []}

    def measure() -> float:
        k, bare = len(found[2]), bare_pipe_rate(400)
        for ahead, ratios in found.items():
            ratios.append(rate(submit_times(nap_run(tmp_path / f"{ahead}-{k}", ahead))) / bare)
        return found[2][-1]

    reaches(0.97, measure)
    figures = {f"ahead_{ahead}": median(ratios) for ahead, ratios in found.items()}
    tell("2 workers, 10 ms, against a bare pipe", **figures)
    assert max(found[2]) >= 0.97


def nap_run(folder: Path, ahead: int) -> Run:
    """400 evaluations of 10 ms on two workers."""
    return run_trials(folder, 400, evaluator=nap, workers=2, context={"ahead": ahead})


def test_start_up_against_importing_hyperopt(tmp_path: Path) -> None:
    script = (
        "import sys, time; t = time.time()\n"
        "from tests.benchmarks.common import run_trials, submit_times\n"
        "run = run_trials(sys.argv[1], 3)\nprint(submit_times(run)[0] - t)"
    )
    ours, theirs = [], []
    for k in range(3):
        command = [sys.executable, "-c", script, str(tmp_path / str(k))]
        ours.append(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import hyperopt"], check=True)
        theirs.append(time.perf_counter() - began)
    tell(
        "first result against import hyperopt",
        runlib=median(ours),
        hyperopt=median(theirs),
        ratio=median(ours) / median(theirs),
    )
    assert min(ours) < 3 * min(theirs)


@pytest.mark.parametrize(
    ("words", "limit"),
    [("import runlib", 2.0), ("from runlib import Hyperopt, Run, StopMax", 3.0)],
    ids=["package", "names"],
)
def test_an_import_takes_little_beside_that_of_numpy(words: str, limit: float) -> None:
    """The package alone imports next to nothing; the names of a script of ten lines import what stands behind them."""
    ratios = []
    for _ in range(5):
        taken = []
        for line in (words, "import numpy"):
            code = f"import time; t = time.perf_counter(); {line}; print(time.perf_counter() - t)"
            taken.append(float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout))
        ratios.append(taken[0] / taken[1])
    tell(f"{words} against import numpy", ratio=median(ratios))
    assert min(ratios) <= limit
