"""``search_chain``: parts one after the other, the later ones knowing the trials of the earlier ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hyperopt import hp

from runlib import ChainSearch, ConfigError, FixedSearch, Float, Hyperopt, Integer, RandomSearch, ReplayMismatch
from runlib.engine.component import from_config
from runlib.errors import SearchExhausted, SearchWaiting
from runlib.search.base import Search
from tests.fakes import SpySearch

SPACE = {"x": Float(0, 1)}
POINTS = [{"x": 0.25}, {"x": 0.75}]


class HeardAll(Search):
    """Suggests how much it was told of."""

    kind = "search_heard_all"

    def __init__(self, space: Any = None, seed: int = 123, context: Any = None) -> None:
        super().__init__(context)
        self.space, self.seed = space, seed
        self.events: list[Any] = []
        self.count = 0

    def suggest(self) -> tuple[int, Any]:
        self.count += 1
        return self.count - 1, {"events": [list(event) for event in self.events]}

    def submit(self, tid: int, *, error: bool = False, loss: float | None = None, var: float | None = None) -> None:
        self.events.append(("submit", tid, loss))

    def adopt(self, suggestion: Any) -> int:
        self.events.append(("adopt", suggestion))
        self.count += 1
        return self.count - 1

    def forget(self, tid: int) -> None:
        self.events.append(("forget", tid))


def test_the_first_so_many_from_one_and_the_rest_from_another() -> None:
    search = ChainSearch([{"search": RandomSearch(SPACE), "count": 3}, {"search": Hyperopt(SPACE, n_startup_jobs=4)}])
    alone = RandomSearch(SPACE)
    later = Hyperopt(SPACE, n_startup_jobs=4)
    for tid in range(8):
        expected = alone.suggest() if tid < 3 else later.suggest()
        if tid < 3:
            later.adopt(expected[1])
        assert search.suggest() == expected
        search.submit(tid, loss=expected[1]["x"])
        later.submit(tid, loss=expected[1]["x"])


def test_a_part_hears_of_all_trials_by_their_number() -> None:
    search = ChainSearch([{"search": FixedSearch(POINTS), "count": 5}, {"search": HeardAll()}])
    assert [search.suggest() for _ in range(2)] == list(enumerate(POINTS))
    assert search.adopt("somebody's") == 2
    search.submit(1, loss=0.5)
    search.submit(0, error=True)
    search.forget(1)
    tid, suggestion = search.suggest()
    assert tid == 3
    assert suggestion["events"] == [
        ["adopt", POINTS[0]],
        ["adopt", POINTS[1]],
        ["adopt", "somebody's"],
        ["submit", 1, 0.5],
        ["submit", 0, None],
        ["forget", 1],
    ]


def test_a_part_that_is_exhausted_gives_way_and_the_last_one_ends_the_chain() -> None:
    parts = [{"search": FixedSearch(POINTS)}, {"search": RandomSearch({"x": Integer(1, 2)})}]
    search = ChainSearch(parts)
    made = [search.suggest()[1] for _ in range(4)]
    assert made[:2] == POINTS
    assert sorted(s["x"] for s in made[2:]) == [1, 2]
    for _ in range(2):
        with pytest.raises(SearchExhausted, match="the last search of the chain is exhausted: all 2 points"):
            search.suggest()


def test_a_count_on_the_last_part_ends_the_chain() -> None:
    search = ChainSearch([{"search": RandomSearch(SPACE), "count": 2}])
    search.suggest(), search.suggest()
    with pytest.raises(SearchExhausted, match="it made its 2 suggestions"):
        search.suggest()


def test_a_later_random_search_does_not_repeat_what_the_first_one_made() -> None:
    space = {"x": Integer(1, 6)}
    search = ChainSearch([{"search": FixedSearch([{"x": 2}, {"x": 5}])}, {"search": RandomSearch(space)}])
    assert sorted(search.suggest()[1]["x"] for _ in range(6)) == [1, 2, 3, 4, 5, 6]


def test_waiting_parts_make_the_chain_wait() -> None:
    class Waits(HeardAll):
        kind = "search_waits"

        def suggest(self) -> tuple[int, Any]:
            raise SearchWaiting("not yet")

    search = ChainSearch([{"search": Waits()}, {"search": RandomSearch(SPACE)}])
    with pytest.raises(SearchWaiting):
        search.suggest()
    assert search.adopt({"x": 0.5}) == 0


def test_space_and_seed_are_handed_to_parts_that_have_none() -> None:
    config = {"searches": [{"search": "search_random", "count": 2}, {"search": {"search_hyperopt": {"seed": 5}}}]}
    search = from_config({"search_chain": {**config, "space": SPACE, "seed": 9}})
    assert search.suggest() == RandomSearch(SPACE, seed=9).suggest()
    assert search._parts[1].seed == 5
    again = from_config(search.get_config())
    assert again.get_config() == search.get_config()
    assert again.suggest() == RandomSearch(SPACE, seed=9).suggest()


@pytest.mark.parametrize(
    "space",
    [
        {"amltk": {"a": (0, 5)}},  # which as a list would be two options
        {"maggy": {"a": ("INTEGER", [0, 5])}},
        {"hyperopt": {"a": hp.uniformint("a", 0, 5)}},
        {"a": Integer(0, 5)},
    ],
)
def test_the_config_holds_spaces_of_parts_in_the_canonical_form(space: Any) -> None:
    search = ChainSearch([{"search": {"search_random": {"space": space, "seed": 4}}, "count": 3}], seed=9)
    config = json.loads(json.dumps(search.get_config()))
    [part] = config["search_chain"]["searches"]
    assert part["search"]["search_random"]["space"]["a"][0].startswith("hp_")
    again = from_config(config)
    assert again.get_config() == search.get_config()
    assert [again.suggest() for _ in range(3)] == [search.suggest() for _ in range(3)]


def test_what_a_part_read_from_a_file_stands_in_the_config(tmp_path: Path) -> None:
    file = tmp_path / "points.csv"
    file.write_text("x\n0.25\n0.75\n")
    search = ChainSearch([{"search": {"search_fixed": {"file": str(file)}}}], space=SPACE)
    file.unlink()
    again = from_config(search.get_config())
    assert [again.suggest()[1] for _ in range(2)] == POINTS
    [part] = again.get_config()["search_chain"]["searches"]
    assert part == {"search": {"search_fixed": {"suggestions": POINTS}}}


@pytest.mark.parametrize("cut", range(9))
def test_a_recalled_chain_goes_on_in_the_right_part(cut: int) -> None:
    def make() -> ChainSearch:
        parts = [{"search": FixedSearch(POINTS), "count": 4}, {"search": SpySearch(), "count": 3}]
        return ChainSearch([*parts, {"search": RandomSearch(SPACE)}])

    whole, again = make(), make()
    tape = []
    for _ in range(9):
        tid, suggestion = whole.suggest()
        tape.append((tid, suggestion, whole.memo(tid)))
        whole.submit(tid, loss=suggestion["x"])
    for entry in tape[:cut]:
        again.recall(*entry)
        again.submit(entry[0], loss=entry[1]["x"])
    for tid, suggestion, _ in tape[cut:]:
        assert again.suggest() == (tid, suggestion)
        again.submit(tid, loss=suggestion["x"])


@pytest.mark.parametrize("memo", [None, [2, None], [-1, None], [0], "x"])
def test_a_memo_that_names_no_part_is_a_mismatch(memo: Any) -> None:
    search = ChainSearch([{"search": RandomSearch(SPACE)}, {"search": RandomSearch(SPACE)}])
    with pytest.raises(ReplayMismatch, match="names no part of the chain"):
        search.recall(0, {"x": 0.5}, memo)
    assert search.suggest()[0] == 0


@pytest.mark.parametrize(
    ("searches", "message"),
    [
        ([], "search_chain.searches: must be a list of parts"),
        ([3], r"search_chain\.searches\.0: a part is written \{search: \.\.\., count: \.\.\.\}, got 3"),
        ([{"search": {"search_random": {}}, "counts": 3}], r"searches\.0: a part is written"),
        ([{"search": {"search_randm": {}}}], r"searches\.0\.search: no component .*did you mean 'search_random'"),
        ([{"search": {"stop_max": {"count": 1}}}], r"searches\.0\.search: 'stop_max' is no Search"),
        ([{"search": {"search_random": {"sed": 3}}}], r"searches\.0\.search\.search_random: unknown argument 'sed'"),
        ([{"search": {"search_random": {}}, "count": 0}], r"searches\.0\.count: must be at least 1, got 0"),
        ([{"search": {"search_random": {}}, "count": "a"}], r"searches\.0\.count: must be an integer, got 'a'"),
    ],
)
def test_wrong_parts(searches: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        from_config({"search_chain": {"searches": searches, "space": SPACE}})
