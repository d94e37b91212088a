"""TPE, random search and restoring against hyperopt and against reading JSON, in one run.

The ratios are printed (``pytest -s``) and asserted with room; values must be equal.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from runlib.search.hyperopt.search import Hyperopt

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from hyperopt import JOB_STATE_DONE, Trials, hp, rand, tpe
    from hyperopt.base import Domain

pytestmark = pytest.mark.benchmark

TRIALS = 1000
SPACE: dict[str, list[Any]] = {
    **{f"u{k}": ["hp_uniform", f"u{k}", 0, 1] for k in range(6)},
    **{f"l{k}": ["hp_loguniform", f"l{k}", -5, 2] for k in range(2)},
    "q": ["hp_quniform", "q", 0, 20, 1],
    "c": ["hp_choice", "c", ["one", "two", "three"]],
}


def best_time(work: Callable[[], Any], repeats: int) -> float:
    """Seconds of the fastest of several calls."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def histories() -> tuple[Domain, Trials, Hyperopt]:
    """The same thousand trials in hyperopt and in ours."""
    space = {key: getattr(hp, text[0][3:])(*text[1:]) for key, text in SPACE.items()}
    domain, trials = Domain(lambda suggestion: 0.0, space), Trials()
    drawn, ours = Hyperopt(SPACE, method="rand"), Hyperopt(SPACE)
    for tid, suggestion in [drawn.suggest() for _ in range(TRIALS)]:
        loss = sum((suggestion[f"u{k}"] - 0.3) ** 2 for k in range(6)) + suggestion["l0"]
        vals = {key: [value] for key, value in suggestion.items()} | {"c": [drawn.memo(tid)["c"]]}
        misc = {"tid": tid, "idxs": {key: [tid] for key in SPACE}, "vals": vals}
        [doc] = trials.new_trial_docs([tid], [None], [{"status": "ok", "loss": loss}], [misc])
        doc["state"] = JOB_STATE_DONE
        trials._insert_trial_docs([doc])
        ours.recall(tid, suggestion, drawn.memo(tid))
        ours.submit(tid, loss=loss)
    trials.refresh()
    return domain, trials, ours


def test_a_tpe_suggestion_after_1000_trials() -> None:
    domain, trials, ours = histories()
    engine = ours._ready()
    for seed in range(5):
        [doc] = tpe.suggest([TRIALS], domain, trials, seed, verbose=False)
        row = engine.suggest(ours._history, seed)
        assert {v.label: [row[v.index]] for v in ours._space.variables} == doc["misc"]["vals"]
    theirs = best_time(lambda: tpe.suggest([TRIALS], domain, trials, 5, verbose=False), 15)
    mine = best_time(lambda: engine.suggest(ours._history, 5), 40)
    print(
        f"\ntpe after {TRIALS} trials: hyperopt {theirs * 1e3:.1f} ms, ours {mine * 1e3:.2f} ms, {theirs / mine:.1f} x"
    )
    assert theirs / mine >= 2.5


def test_a_random_suggestion() -> None:
    domain, trials, _ = histories()
    ours = Hyperopt(SPACE, method="rand")
    ours.suggest()
    theirs = best_time(lambda: rand.suggest([0], domain, trials, 5), 100)
    mine = best_time(ours.suggest, 1000)
    print(f"\nrand: hyperopt {theirs * 1e6:.0f} us, ours {mine * 1e6:.1f} us, {theirs / mine:.1f} x")
    assert theirs / mine >= 2.5


def test_restoring_10000_trials_against_reading_their_lines() -> None:
    drawn = Hyperopt(SPACE, method="rand")
    lines = [
        json.dumps(
            {
                "suggest": {"tid": tid, "suggestion": suggestion, "memo": drawn.memo(tid)},
                "n": tid,
                "h": "0" * 16,
            }
        )
        for tid, suggestion in [drawn.suggest() for _ in range(10_000)]
    ]
    records = [json.loads(line)["suggest"] for line in lines]

    def restore() -> None:
        search = Hyperopt(SPACE)
        for record in records:
            search.recall(record["tid"], record["suggestion"], record["memo"])
            search.submit(record["tid"], loss=0.5)

    reading, restoring = best_time(lambda: [json.loads(line) for line in lines], 5), best_time(restore, 5)
    each = restoring / len(lines) * 1e6
    print(
        f"\nrestore: json.loads {reading * 1e3:.0f} ms, recall and submit {restoring * 1e3:.0f} ms, {each:.1f} us each"
    )
    assert restoring <= 2 * reading
