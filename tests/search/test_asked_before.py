"""A search that somebody had a look at before is taken afresh: a run follows from its config."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runlib import ChainSearch, FixedSearch, Float, GridSearch, Hyperopt, RandomSearch, Run, Search, StopMax
from tests.fakes import DirectPool, SpySearch, story

SPACE = {"x": Float(-5, 5)}


def loss(x: float) -> float:
    return (x - 1) ** 2


def look(search: Search) -> None:
    for _ in range(3):
        search.suggest()


def look_and_tell(search: Search) -> None:
    tid, _ = search.suggest()
    search.submit(tid, loss=1.0)


def adopt(search: Search) -> None:
    search.adopt({"x": 0.5})


def run(search: Search, folder: Path) -> Run:
    return Run(search, loss, StopMax(5), pool=DirectPool()).prepare(folder).run()


MAKERS: list[Callable[[], Search]] = [
    lambda: Hyperopt(SPACE, method="tpe"),
    lambda: RandomSearch(SPACE),
    lambda: GridSearch(SPACE, resolution=3),  # three points: after a look there is nothing left
    lambda: FixedSearch([{"x": 0.1}, {"x": 0.2}, {"x": 0.3}]),
    lambda: ChainSearch([{"search": RandomSearch(SPACE), "count": 2}, {"search": Hyperopt(SPACE)}]),
    lambda: SpySearch(),
]


@pytest.mark.parametrize("make", MAKERS, ids=["tpe", "random", "grid", "fixed", "chain", "own"])
@pytest.mark.parametrize("use", [look, look_and_tell])
def test_the_run_is_that_of_a_search_that_nobody_asked(
    tmp_path: Path, make: Callable[[], Search], use: Callable[[Search], None]
) -> None:
    search = make()
    use(search)
    looked_at, plain = run(search, tmp_path / "a"), run(make(), tmp_path / "b")
    assert story(looked_at.state) == story(plain.state)
    assert looked_at.search is not search
    again = Run.restore(looked_at.work_directory, new_stop=StopMax(7), evaluator=loss, pool=DirectPool(), verify=True)
    again.close()


def test_one_that_adopted_a_trial(tmp_path: Path) -> None:
    search = RandomSearch(SPACE)
    adopt(search)
    assert story(run(search, tmp_path / "a").state) == story(run(RandomSearch(SPACE), tmp_path / "b").state)


def test_one_that_nobody_asked_stays_the_object_that_was_given(tmp_path: Path) -> None:
    search = SpySearch()
    assert run(search, tmp_path).search is search


def test_two_runs_may_be_given_one_search(tmp_path: Path) -> None:
    search = SpySearch()
    runs = [Run(search, loss, StopMax(4), pool=DirectPool()).prepare(tmp_path) for _ in range(2)]
    first, second = (each.run() for each in runs)
    assert story(first.state) == story(second.state)


def test_a_part_of_a_chain_that_was_asked(tmp_path: Path) -> None:
    def chain(first: Search) -> Search:
        return ChainSearch([{"search": first, "count": 2}, {"search": Hyperopt(SPACE)}])

    part = RandomSearch(SPACE)
    look(part)
    looked_at, plain = run(chain(part), tmp_path / "a"), run(chain(RandomSearch(SPACE)), tmp_path / "b")
    assert story(looked_at.state) == story(plain.state)


def test_a_search_whose_methods_come_from_elsewhere(tmp_path: Path) -> None:
    class Suggesting:
        made = 0

        def suggest(self) -> tuple[int, Any]:
            self.made += 1
            return self.made - 1, {"x": float(self.made)}

    class Mixed(Suggesting, Search):
        kind = "search_mixed"

        def __init__(self, space: Any = None, seed: int = 123, context: Any = None) -> None:
            super().__init__(context)  # type: ignore[call-arg]
            self.space, self.seed = space, seed

        def submit(self, tid: int, **_: Any) -> None:
            return None

    search = Mixed()
    look(search)
    assert story(run(search, tmp_path).state)[0].suggestion == {"x": 1.0}
