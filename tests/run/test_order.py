"""``order="suggested"``: parallel runs are the same whatever the timing, also when they are cut off and restored."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from runlib import ConfigError, Hyperopt, Run, Search, SearchWaiting, StopMax
from runlib.engine import disk
from runlib.pool.base import Task
from tests.fakes import DirectPool, SpySearch, quadratic, story
from tests.run.test_cut_off import CutDisk, PowerCut, abandon

WORKERS = {"max_workers": 4}
SPACE = {"x": ["hp_uniform", "x", 0, 1]}


def shuffled(seed: int) -> DirectPool:
    """A pool in which any of the running trials may end next, several at once at times."""
    stream = random.Random(seed)

    def order(waiting: list[Task]) -> list[Task]:
        return stream.sample(waiting, stream.randint(1, len(waiting)))

    return DirectPool(order)


def outcome_of(run: Run) -> tuple[list[Any], dict[int, Any]]:
    """The suggestions in their order, and the results by trial."""
    events = story(run.state)
    return [(e.tid, e.suggestion, e.heard) for e in events if e.kind == "suggest"], dict(run.state.trials)


def make(tmp_path: Path, search: Search, seed: int, **more: Any) -> Run:
    more = {"order": "suggested", "pool": shuffled(seed), "context": WORKERS, **more}
    return Run(search, quadratic, StopMax(24), **more).prepare(tmp_path)


@pytest.mark.parametrize("search", [SpySearch, lambda: Hyperopt(SPACE, n_startup_jobs=6)])
def test_five_runs_with_other_timing_are_the_same(tmp_path: Path, search: Any) -> None:
    first, *others = (outcome_of(make(tmp_path, search(), seed).run()) for seed in range(5))
    assert len(first[1]) == 24
    assert len(first[0]) == 28  # and as many live ones as there are workers
    for other in others:
        assert other == first


def test_the_other_order_depends_on_the_timing(tmp_path: Path) -> None:
    runs = [outcome_of(make(tmp_path, SpySearch(), seed, order="completed").run())[0] for seed in range(5)]
    assert any(run != runs[0] for run in runs)


@pytest.mark.parametrize("seed", range(3))
def test_cut_off_at_random_records_and_restored(tmp_path: Path, seed: int) -> None:
    expected = outcome_of(make(tmp_path, SpySearch(), 99).run())
    stream = random.Random(seed)
    run = make(tmp_path, SpySearch(), seed)
    folder = run.work_directory
    run.close()
    cuts = 0
    while (ended := Run.checkout(folder).state.ended) is None or ended.reason != "stop":
        with disk.use(CutDisk(stream.randint(2, 12))):
            try:
                run = Run.restore(folder, evaluator=quadratic, pool=shuffled(seed + cuts))
                run.run()
            except PowerCut:
                cuts += 1
                abandon(run)
    assert cuts >= 3
    assert outcome_of(Run.checkout(folder)) == expected


def test_the_search_hears_in_the_order_of_suggestions(tmp_path: Path) -> None:
    search = SpySearch()
    run = make(tmp_path, search, 1).run()
    assert [tid for tid, _ in search.heard] == list(range(len(search.heard)))
    assert len(search.heard) == 24
    finished = list(run.state.trials)
    assert finished != sorted(finished)


def test_a_suggestion_knows_all_results_but_those_of_the_other_workers(tmp_path: Path) -> None:
    suggestions, _ = outcome_of(make(tmp_path, SpySearch(), 2).run())
    assert [heard for _, _, heard in suggestions] == [max(0, k - 3) for k in range(28)]


def test_a_search_that_waits_is_told_the_next_result_in_order(tmp_path: Path) -> None:
    class Pairs(SpySearch):
        """Suggests two, then waits until both results are in."""

        kind = "search_pairs_of_two"

        def suggest(self) -> tuple[int, Any]:
            if self.suggested % 2 == 0 and len(self.heard) < self.suggested:
                raise SearchWaiting
            return super().suggest()

    first, *others = (outcome_of(make(tmp_path, Pairs(), seed).run()) for seed in range(4))
    assert len(first[1]) == 24
    for other in others:
        assert other == first


def test_a_wrong_order_is_refused() -> None:
    with pytest.raises(ConfigError, match="order: takes completed or suggested, got 'sorted'"):
        Run(SpySearch(), quadratic, StopMax(1), order="sorted")  # type: ignore[arg-type]


def test_the_order_is_part_of_the_config_and_kept(tmp_path: Path) -> None:
    run = make(tmp_path, SpySearch(), 1).run()
    assert run.get_config()["run"]["order"] == "suggested"
    restored = Run.restore(run.work_directory, evaluator=quadratic, pool=DirectPool())
    assert restored.order == "suggested"
    restored.close()
