"""``search_evolution``: random first, then children of the best of the youngest, which differ in one variable."""

from __future__ import annotations

import random
from typing import Any

import pytest

from runlib import (
    Categorical,
    Choice,
    ConfigError,
    EvolutionSearch,
    Float,
    Integer,
    Normal,
    RandomSearch,
    Space,
    SpaceWarning,
)
from runlib.engine.component import from_config
from runlib.search.common.mutation import Mutation

MIXED = {
    "x": Float(0, 1),
    "l": Float(1e-5, 1, log=True, prior=1e-3),
    "n": Integer(1, 9),
    "c": Categorical(["a", "b", "c"]),
    "net": Choice([{"deep": Choice([{"u": Float(0, 1)}, {"v": Normal(0, 1)}])}, {"w": Integer(1, 50)}, "none"]),
}


def flat(data: Any, path: str = "") -> dict[str, Any]:
    if isinstance(data, dict):
        return {key: value for name, item in data.items() for key, value in flat(item, f"{path}.{name}").items()}
    return {path: data}


def lived(search: EvolutionSearch, count: int, loss: Any) -> list[Any]:
    made = []
    for _ in range(count):
        tid, suggestion = search.suggest()
        search.submit(tid, loss=loss(suggestion))
        made.append(suggestion)
    return made


@pytest.mark.parametrize("scale", [0.1, None])
def test_a_mutation_changes_one_active_variable_and_what_hangs_on_it(scale: float | None) -> None:
    space = Space.of(MIXED)
    mutation, rng = Mutation(space, scale), random.Random(3)
    changed = set()
    for _ in range(1000):
        parent = mutation.random_row(rng)
        child = mutation.child(parent, rng)
        space.validate(space.assemble(child))
        labels = [v.label for v in space.variables if repr(parent[v.index]) != repr(child[v.index])]
        roots = [label for label in labels if label in ("x", "l", "n", "c", "net")]
        assert labels
        assert len(roots) == 1 or (not roots and all(label.startswith("net.") for label in labels))
        changed.add(labels[0])
    assert changed >= {"x", "l", "n", "c", "net"}


def test_a_step_is_a_share_of_the_draws_and_stays_within_the_bounds() -> None:
    space = Space.of({"x": Float(0, 100), "k": Integer(1, 3)})
    mutation, rng = Mutation(space, 0.01), random.Random(1)
    for x in (0.0, 50.0, 100.0):
        moved = [mutation.child([x, 2.0], rng) for _ in range(400)]
        steps = [abs(row[0] - x) for row in moved if row[0] != x]
        assert all(0 <= row[0] <= 100 for row in moved)
        assert sum(steps) / len(steps) == pytest.approx(0.8, abs=0.15)
        assert {row[1] for row in moved} == {1.0, 2.0, 3.0}


def test_the_first_ones_are_random_and_later_ones_children_of_the_living() -> None:
    search = EvolutionSearch(MIXED, population=10, sample=4)
    made = lived(search, 60, lambda s: s["x"])
    for k in range(10, 60):
        living = made[k - 10 : k]
        child = flat(made[k])
        assert any(
            len(child.items() ^ flat(parent).items()) == 2 or parent["net"] != made[k]["net"] for parent in living
        )


def test_the_parent_is_the_best_of_the_sample_and_the_oldest_die() -> None:
    space = {"x": Float(0, 1), "y": Float(0, 1)}
    search = EvolutionSearch(space, population=5, sample=5, scale=0.001, errors_ok=False)
    first = lived(search, 1, lambda s: -100.0)[0]
    rest = lived(search, 4, lambda s: 1.0)
    parents = []
    for _ in range(30):
        tid, suggestion = search.suggest()
        nearest = min([first, *rest], key=lambda p: abs(p["x"] - suggestion["x"]) + abs(p["y"] - suggestion["y"]))
        parents.append(nearest is first)
        search.submit(tid, error=True)  # no failed trial joins the living
    assert sum(parents) > 12  # 1 - 0.8**5 of them
    search = EvolutionSearch(space, population=5, sample=5, scale=0.001)
    lived(search, 1, lambda s: -100.0)
    after = lived(search, 40, lambda s: 1.0)[10:]
    assert all(search._history.losses[tid] == 1.0 for tid in search._living())
    assert len(after) == 30


def test_failed_pending_and_voided_trials_are_no_parents() -> None:
    search = EvolutionSearch({"x": Float(0, 1)}, population=2, sample=2)
    for _ in range(6):
        search.suggest()
    assert search._living() == []
    search.submit(0, error=True)
    search.submit(1, loss=float("nan"))
    search.submit(2, loss=0.5)
    search.submit(4, loss=0.4)
    search.submit(5, loss=0.3)
    assert search._living() == [5, 4]
    search.forget(5)
    assert search._living() == [4, 2]
    search.submit(5, loss=9.0)
    assert search._living() == [5, 4]


def test_adopted_trials_take_part_if_they_lie_in_the_space() -> None:
    search = EvolutionSearch({"x": Float(0, 1)}, population=2, sample=2, scale=0.01)
    for x in (0.25, 7.0, 0.75):
        search.submit(search.adopt({"x": x}), loss=x)
    assert search._living() == [2, 0]
    children = [search.suggest()[1]["x"] for _ in range(20)]
    assert all(min(abs(x - 0.25), abs(x - 0.75)) < 0.1 for x in children)


def test_it_finds_more_than_random_search() -> None:
    space = {f"x{k}": Float(-5, 5) for k in range(4)} | {"c": Categorical([0, 1, 2, 3])}

    def loss(s: Any) -> float:
        return sum((s[f"x{k}"] - 1.5) ** 2 for k in range(4)) + 5.0 * s["c"]

    better = 0
    for seed in range(8):
        found = min(map(loss, lived(EvolutionSearch(space, seed, population=20, sample=5), 150, loss)))
        other = RandomSearch(space, seed)
        better += found < 0.5 * min(loss(other.suggest()[1]) for _ in range(150))
    assert better >= 7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"population": 1}, "search_evolution.population: must be at least 2, got 1"),
        ({"sample": 0}, "search_evolution.sample: must be at least 1, got 0"),
        ({"population": 5}, "search_evolution.sample: must not be above the population of 5, got 10"),
        ({"scale": 0}, "search_evolution.scale: must be a positive number, got 0"),
        ({"seed": 1.5}, "search_evolution.seed: must be an integer, got 1.5"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        from_config({"search_evolution": {"space": MIXED, **arguments}})


def test_a_space_in_which_nothing_varies() -> None:
    with pytest.warns(SpaceWarning, match=r"^space: nothing in it varies"):
        search = EvolutionSearch({"x": Integer(3, 3), "y": 1}, population=2, sample=2)
    assert lived(search, 10, lambda s: 1.0) == [{"x": 3, "y": 1}] * 10
