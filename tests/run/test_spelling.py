"""What people enqueue, fork or list is written as the search would write it: one point is one evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runlib import (
    AskTell,
    ChainSearch,
    Component,
    FixedSearch,
    Float,
    GridSearch,
    Hyperopt,
    Inbox,
    Integer,
    RandomSearch,
    Run,
    Search,
    StopMax,
)
from runlib.run.edits.inbox import InboxFolder
from runlib.tape.events import Enqueue

SPACE = {"x": Float(0, 1, step=0.1), "n": Integer(0, 3)}
WRITTEN = {"x": 0.30000000000000004, "n": 1.0}
SPELLED = {"x": 0.3, "n": 1}


def loss(x: float, n: int) -> float:
    return x + n


def started(search: Search, folder: Path, count: int = 1) -> Run:
    return Run(search, loss, StopMax(count), pool="pool_serial").prepare(folder)


def suggestions(run: Run) -> list[Any]:
    return [entry[1]["suggestion"] for entry in run.state.trials.values()]


@pytest.mark.parametrize(
    "search",
    [
        Hyperopt(SPACE),
        RandomSearch(SPACE),
        GridSearch(SPACE),
        ChainSearch([{"search": {"search_random": {}}, "count": 5}, {"search": {"search_hyperopt": {}}}], space=SPACE),
        ChainSearch([{"search": RandomSearch(SPACE), "count": 5}, {"search": Hyperopt(SPACE)}]),
    ],
    ids=["hyperopt", "random", "grid", "chain", "chain of searches"],
)
def test_what_is_enqueued_is_one_evaluation_with_what_the_search_suggests(search: Search, tmp_path: Path) -> None:
    run = started(search, tmp_path, 3)
    for written in (WRITTEN, SPELLED, {"n": 1, "x": 0.3}):
        run.enqueue(written)
    run.run()
    assert [repr(s) for s in suggestions(run)[:2]] == [repr(SPELLED)] * 2
    assert len(run.state.evals) == 1
    assert repr(next(iter(run.state.evals.values()))[1]["suggestion"]) == repr(SPELLED)


def test_an_inbox_needs_neither_the_search_nor_the_writer(tmp_path: Path) -> None:
    run = started(Hyperopt(SPACE), tmp_path)
    run.close()
    assert Inbox(run.work_directory).enqueue(WRITTEN)
    assert Inbox(run.work_directory).enqueue({"x": 0.7000000000000001, "n": 2.0})
    queue = Run.checkout(run.work_directory).state.queue
    assert [repr(s) for s in queue.values()] == [repr(SPELLED), repr({"x": 0.7, "n": 2})]


def test_what_waits_in_the_inbox_of_a_run_is_spelled_when_it_is_taken(tmp_path: Path) -> None:
    run = started(Hyperopt(SPACE), tmp_path, 2)
    InboxFolder(run.work_directory).put(Enqueue(WRITTEN))
    assert repr(SPELLED) in map(repr, suggestions(run.run()))


def test_by_hand(tmp_path: Path) -> None:
    run = Run(RandomSearch(SPACE), None, StopMax(3)).prepare(tmp_path)
    run.enqueue(WRITTEN)
    assert repr(run.suggest()) == repr((0, SPELLED))


def test_what_lies_outside_of_the_space_is_tried_as_it_is(tmp_path: Path) -> None:
    run = started(Hyperopt(SPACE), tmp_path)
    run.enqueue({"x": 1.25, "n": 1.0})
    assert repr(suggestions(run.run())) == repr([{"x": 1.25, "n": 1}])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("points.csv", "x,n\n0.30000000000000004,1.0\n0.7,2\n"),
        ("points.json", '[{"x": 0.30000000000000004, "n": 1.0}, {"x": 0.7000000000000001, "n": 2}]'),
        ("points.yaml", "- {x: 0.30000000000000004, n: 1.0}\n- {x: 0.7, n: 2.0}\n"),
    ],
)
def test_what_is_read_from_a_file_is_spelled_as_the_space_has_it(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    search = FixedSearch(file=str(tmp_path / name), space=SPACE)
    assert repr(search.suggestions) == repr([SPELLED, {"x": 0.7, "n": 2}])
    assert repr([search.suggest()[1], search.suggest()[1]]) == repr(search.suggestions)
    assert repr(FixedSearch(file=str(tmp_path / name)).suggestions[0]) == repr(WRITTEN)


def test_a_search_that_adopts_does_not_suggest_the_point_again() -> None:
    for search in (RandomSearch({"n": Integer(0, 3)}), GridSearch({"n": Integer(0, 3)})):
        assert search.adopt({"n": 2.0}) == 0
        assert sorted(search.suggest()[1]["n"] for _ in range(3)) == [0, 1, 3]


class Asks(Component):
    kind = "asks_in_floats"

    def ask(self) -> dict[str, Any]:
        return dict(WRITTEN)

    def tell(self, key: Any, loss: float) -> None:
        assert key == WRITTEN


def test_what_an_optimizer_asks_is_spelled_and_told_as_it_asked() -> None:
    search = AskTell(Asks(), space=SPACE)
    tid, suggestion = search.suggest()
    assert repr(suggestion) == repr(SPELLED)
    search.submit(tid, loss=1.0)


def test_a_fork_with_another_search_knows_the_points_of_the_first(tmp_path: Path) -> None:
    space = {"n": Integer(0, 3)}
    origin = Run(FixedSearch([{"n": 2.0}, {"n": 0.0}]), None, StopMax(2)).prepare(tmp_path)
    for _ in range(2):
        tid, _ = origin.suggest()
        origin.submit(tid, loss=1.0)
    origin.close()
    other = Run.fork(origin.work_directory, search=RandomSearch(space), stop=StopMax(4), directory=tmp_path)
    made = []
    for _ in range(2):
        tid, suggestion = other.suggest()
        other.submit(tid, loss=1.0)
        made.append(suggestion["n"])
    other.close()
    assert sorted(made) == [1, 3]
