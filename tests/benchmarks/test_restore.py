"""How long a restore takes, against parsing the lines of the tape."""

from __future__ import annotations

import json
import time
from pathlib import Path
from statistics import median

import pytest

from runlib import Run
from tests.benchmarks.common import noop, run_trials, tell

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]


def timed(action: object) -> float:
    """Seconds that a call takes."""
    assert callable(action)
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def test_ten_thousand_trials_are_restored_in_six_times_the_parsing(tmp_path: Path) -> None:
    context = {"ahead": 1, "sync": "never"}
    run = run_trials(tmp_path, 10_000, method="tpe", n_startup_jobs=20_000, context=context)
    folder = run.work_directory
    lines = [line for line in (folder / "tape.son").read_bytes().split(b"\n") if line.startswith(b"{")]
    restores, parses, looks = [], [], []
    for _ in range(5):
        parses.append(timed(lambda: [json.loads(line) for line in lines]))
        restores.append(timed(lambda: Run.restore(folder, evaluator=noop).close()))
        looks.append(timed(lambda: Run.checkout(folder)))
    ratio, look = median(restores) / median(parses), median(looks) / median(parses)
    tell("10,000 trials", restore_by_json_loads=ratio, checkout_by_json_loads=look, restore_s=median(restores))
    assert min(restores) / min(parses) <= 6
