"""``order="suggested"`` with real workers of random speed, killed and restored: five runs, one story."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from runlib import Run
from tests.crash.test_sigkill import Victim, ledgers

__all__ = ["ledgers"]  # the fixture

TRIALS, WORKERS, KILLS = 48, 4, 4

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc"),
]


def outcome_of(run: Run) -> tuple[list[Any], list[Any]]:
    """The suggestions and what the search knew at each, and the results; both by trial."""
    suggests = [r.event for r in run.state.tape if r.event is not None and r.event.kind == "suggest"]
    results = ((tid, state, outcome["loss"]) for tid, (state, outcome) in run.state.trials.items())
    return [(e.tid, e.suggestion, e.memo, e.heard) for e in suggests], sorted(results)


@pytest.mark.timeout(400)
def test_five_runs_of_four_workers_killed_and_restored_are_the_same(tmp_path: Path, ledgers: Path, figure: Any) -> None:
    row = figure(f'SIGKILL of the manager, {WORKERS} workers, order="suggested"; 5 runs of {TRIALS} trials')
    finished, outcomes = [], []
    for i in range(5):
        victim = Victim(tmp_path / f"run_{i}", ledgers / str(i), TRIALS, workers=WORKERS, order="suggested")
        moments = random.Random(f"same tape {i}")
        for _ in range(KILLS):
            row.injected += 1
            victim.kill_once(moments)
        run = victim.finish()
        finished.append(list(run.state.trials))
        outcomes.append(outcome_of(run))
        assert len(victim.entries("returned")) <= TRIALS + victim.kills * WORKERS
        assert outcomes[-1] == outcomes[0]
        row.survived += KILLS
    assert len(outcomes[0][1]) == TRIALS
    assert any(order != finished[0] for order in finished)  # though the results came in another order
    row.remark = "all five the same, suggestion by suggestion and result by result"
