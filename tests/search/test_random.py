"""``search_random``: unique by default, spaces used up to the last point, samplers of one's own."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runlib import (
    Categorical,
    Choice,
    Component,
    ConfigError,
    Float,
    Integer,
    Normal,
    RandomSearch,
    Run,
    SearchError,
    SearchExhausted,
    SpaceError,
    StopMax,
    from_config,
)
from runlib.search.common.known import Known
from runlib.search.common.units import units
from tests.fakes import DirectPool
from tests.search import samplers

MIXED = {
    "lr": Float(1e-4, 1, log=True),
    "net": Choice([{"kind": "mlp", "width": Integer(8, 64)}, {"kind": "linear"}]),
    "opt": Categorical(["adam", "sgd"]),
}


def drawn(search: RandomSearch, count: int) -> list[Any]:
    return [search.suggest()[1] for _ in range(count)]


def used_up(search: RandomSearch) -> list[Any]:
    made = []
    while True:
        try:
            made.append(search.suggest()[1])
        except SearchExhausted:
            return made


def test_suggestions_lie_in_the_space_and_follow_it() -> None:
    search = RandomSearch(MIXED)
    made = drawn(search, 2000)
    for suggestion in made:
        search._space.validate(suggestion)
    assert sum(s["lr"] < 1e-2 for s in made) / 2000 == pytest.approx(0.5, abs=0.05)
    assert sum(s["net"]["kind"] == "mlp" for s in made) / 2000 == pytest.approx(0.5, abs=0.05)
    assert all(("width" in s["net"]) == (s["net"]["kind"] == "mlp") for s in made)


@pytest.mark.parametrize("seed", range(20))
def test_a_space_of_two_points_gives_both_and_is_exhausted(seed: int) -> None:
    search = RandomSearch({"x": ["hp_choice", "x", ["a", "b"]]}, seed=seed, max_sample_attempts=1)
    assert sorted(s["x"] for s in used_up(search)) == ["a", "b"]
    with pytest.raises(SearchExhausted, match="all 2 points of the search space were suggested"):
        search.suggest()


def test_a_run_over_two_points_ends_and_says_so(tmp_path: Any) -> None:
    run = Run(RandomSearch({"x": Categorical([0.1, 0.2])}), lambda x: x, StopMax(10), pool=DirectPool())
    run.prepare(tmp_path).run()
    assert sorted(outcome["suggestion"]["x"] for _, outcome in run.state.trials.values()) == [0.1, 0.2]
    assert run.state.ended is not None
    assert run.state.ended.reason == "exhausted"
    assert "all 2 points of the search space were suggested" in run.state.ended.text


def test_what_is_improbable_comes_too() -> None:
    space = {"x": ["hp_pchoice", "x", [[0.999999, 0], [0.000001, 1], [0.0, 2]]], "n": ["hp_qnormal", "n", 0, 1e-9, 1]}
    first = RandomSearch({"x": space["x"]})
    assert sorted(s["x"] for s in used_up(first)) == [0, 1]
    with pytest.raises(SearchExhausted, match="the last 50 draws in a row were known already"):
        drawn(RandomSearch(space), 3)


def test_every_point_of_a_conditional_space_once() -> None:
    space = {
        "a": Choice([{"n": Integer(1, 6)}, {"m": Integer(1, 3), "o": Categorical(["x", "y", "z"])}, None]),
        "b": Integer(0, 4, step=2),
    }
    made = used_up(RandomSearch(space))
    assert len(made) == (6 + 9 + 1) * 3
    assert len({repr(s) for s in made}) == len(made)


def test_the_rest_of_a_space_comes_in_no_particular_order() -> None:
    search = RandomSearch({"x": Integer(1, 400)}, max_sample_attempts=1)
    made = [s["x"] for s in used_up(search)]
    assert sorted(made) == list(range(1, 401))
    rising = sum(a < b for a, b in itertools.pairwise(made[300:]))
    assert 20 < rising < 80


def test_equal_options_are_one_point() -> None:
    assert len(used_up(RandomSearch({"x": ["hp_choice", "x", [1, 1, 1.0, True]]}))) == 3


def test_adopted_suggestions_are_not_made_again() -> None:
    search = RandomSearch({"x": Integer(1, 5)})
    search.adopt({"x": 2})
    search.adopt({"x": 5})
    search.submit(0, error=True)
    assert sorted(s["x"] for s in used_up(search)) == [1, 3, 4]


def test_with_duplicates_it_goes_on_for_ever() -> None:
    made = drawn(RandomSearch({"x": Categorical(["a", "b"])}, duplicates=True), 200)
    assert 60 < sum(s["x"] == "a" for s in made) < 140


def test_where_nothing_repeats_uniqueness_changes_nothing() -> None:
    assert drawn(RandomSearch(MIXED), 50) == drawn(RandomSearch(MIXED, duplicates=True), 50)


def test_a_suggestion_follows_from_seed_and_number_alone() -> None:
    expected = drawn(RandomSearch(MIXED), 10)
    search = RandomSearch(MIXED)
    for tid in range(9):
        assert search.adopt("something else") == tid
    assert search.suggest() == (9, expected[9])


@pytest.mark.parametrize("cut", range(14))
def test_a_space_that_is_nearly_used_up_goes_on_after_a_recall(cut: int) -> None:
    space = {"x": Integer(1, 12)}
    whole, again = (RandomSearch(space, max_sample_attempts=1) for _ in range(2))
    made = []
    for _ in range(12):
        tid, suggestion = whole.suggest()
        made.append((tid, suggestion, whole.memo(tid)))
    for entry in made[:cut]:
        again.recall(*entry)
    assert drawn(again, 12 - min(cut, 12)) == [suggestion for _, suggestion, _ in made[cut:]]
    with pytest.raises(SearchExhausted):
        again.suggest()


def test_a_vast_finite_space_starts_at_once() -> None:
    space = {f"n{k}": Integer(1, 10**9) for k in range(5)} | {"q": ["hp_quniform", "q", 0, 1e7, 1]}
    assert len({repr(s) for s in drawn(RandomSearch(space), 100)}) == 100


def test_fidelities_are_at_their_upper_bound() -> None:
    made = drawn(RandomSearch({"epochs": Integer(1, 50, fidelity=True), "x": Normal(0, 1)}), 5)
    assert [s["epochs"] for s in made] == [50] * 5
    assert len({s["x"] for s in made}) == 5


class TestSamplers:
    SPACE = {"x": Float(0, 1)}

    @pytest.mark.parametrize("given", ["tests.search.samplers:seventh", samplers.seventh])
    def test_a_function_draws_and_is_exhausted_after_so_many_known(self, given: Any) -> None:
        search = RandomSearch(self.SPACE, sampler=given, max_sample_attempts=500)
        assert sorted(s["x"] for s in used_up(search)) == [k / 7 for k in range(7)]
        assert search.get_config()["search_random"]["sampler"] == "tests.search.samplers:seventh"
        assert used_up(from_config(search.get_config())) == used_up(RandomSearch(self.SPACE, sampler=given))

    def test_a_component_draws(self) -> None:
        class Halves(Component):
            kind = "sampler_halves"

            def __init__(self, power: int, context: Any = None) -> None:
                super().__init__(context)
                self.power = power

            def __call__(self, space: Any, seed: int) -> Any:
                return {"x": seed % 2**self.power / 2**self.power}

        search = RandomSearch(self.SPACE, sampler=Halves(2), max_sample_attempts=200)
        assert search.get_config()["search_random"]["sampler"] == {"sampler_halves": {"power": 2}}
        made = used_up(from_config(search.get_config()))
        assert sorted(s["x"] for s in made) == [0, 0.25, 0.5, 0.75]

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("outside", r"the sampler tests\.search\.samplers:outside left the search space: suggestion: .*'x'"),
            ("no_data", r"made a suggestion that is no plain data: x: is no data, but of type object"),
            ("broken", r"the sampler tests\.search\.samplers:broken failed: KeyError: 'seven'"),
        ],
    )
    def test_what_a_sampler_does_wrong_is_named(self, name: str, message: str) -> None:
        search = RandomSearch(self.SPACE, sampler=f"tests.search.samplers:{name}")
        with pytest.raises(SearchError, match=message):
            search.suggest()
        assert search.adopt({"x": 0.5}) == 0

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            (lambda space, seed: {"x": 0.5}, r"sampler: .*<lambda>.*cannot be found by its name"),
            ("tests.search.samplers:sevent", r"sampler: there is no 'sevent' in .*did you mean 'seventh'"),
            ("sampler_nobody", r"sampler: no component of kind 'sampler_nobody'"),
            ({"pool_serial": {}}, r"sampler: must be callable with \(space, seed\)"),
            (7, r"sampler: a sampler is a function of \(space, seed\), its name, or a component, got 7"),
        ],
    )
    def test_wrong_samplers(self, given: Any, message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            RandomSearch(self.SPACE, sampler=given)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": "a"}, "search_random.seed: must be an integer, got 'a'"),
        ({"duplicates": 1}, "search_random.duplicates: must be true or false, got 1"),
        ({"max_sample_attempts": 0}, "search_random.max_sample_attempts: must be at least 1, got 0"),
        ({"max_sample_attempt": 3}, "search_random: unknown argument 'max_sample_attempt'; did you mean"),
    ],
)
def test_wrong_arguments_are_named_with_their_path(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        from_config({"search_random": {"space": MIXED, **arguments}})


def test_a_wrong_space_is_named_with_its_path() -> None:
    with pytest.raises(SpaceError, match=r"search_random\.space\.x: .*hp_uniform"):
        from_config({"search_random": {"space": {"x": ["hp_unifrm", "x", 0, 1]}}})


PLAIN = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers(-(2**70), 2**70) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(PLAIN, PLAIN)
def test_known_tells_data_apart_as_evaluations_are(one: Any, other: Any) -> None:
    from runlib.engine.data.canonical import hash_suggestion

    known = Known()
    assert known.add(one)
    assert not known.add(one)
    assert known.add(other) is (hash_suggestion(one) != hash_suggestion(other))


def test_units_are_uniform_and_of_their_own_for_each_number() -> None:
    points = [units(1, k, 3) for k in range(3000)]
    for place in range(3):
        column = sorted(point[place] for point in points)
        furthest = max(abs(x - k / 3000) for k, x in enumerate(column))
        assert furthest < 1.63 / math.sqrt(3000)  # Kolmogorov-Smirnov, 1 %
    assert len({x for point in points for x in point}) == 9000
    assert units(1, 0, 3) != units(1, 0, 3, 1)
    assert units(1, 5, 3)[:2] == units(1, 5, 2)
