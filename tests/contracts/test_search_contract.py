"""The contract of a search, over every registered class: what a run relies on.

A new search is held to it by being registered; it has to bring an example below. All are used as a run uses them:
made complete, so that one with two methods alone keeps the whole contract too.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Mapping
from typing import Any

import pytest

import runlib  # noqa: F401  registers
from runlib.engine import registry
from runlib.engine.component import Component, from_config
from runlib.engine.data.canonical import canonical_json, dump, load, plain
from runlib.errors import ReplayMismatch, RunlibError, SearchError, SearchExhausted, SearchWaiting
from runlib.search.base import Search, seed_for
from runlib.search.common.by_history import complete

SPACE = {
    "x": ["hp_uniform", "x", -5, 5],
    "n": ["hp_uniformint", "n", 0, 20],
    "grid": ["hp_loggrid", "grid", -4, 4, 0.5],
    "part": [
        "hp_choice",
        "part",
        [
            {"kind": "a", "width": ["hp_lognormal", "width", 0, 1]},
            {"kind": "b", "size": ["hp_randint", "size", 3, 9]},
        ],
    ],
    "fixed": {"list": [1, 2.5, None], "flag": True},
}
TYPED = {
    "x": ["hp_float", {"low": 1e-4, "high": 1, "log": True, "prior": 0.01}],
    "n": ["hp_integer", {"low": 1, "high": 64, "log": True}],
    "part": [
        "hp_choice",
        {
            "options": [
                {"kind": "a", "deep": ["hp_choice", {"options": [["hp_normal", {"mu": 0, "sigma": 1}], None]}]},
                {"kind": "b", "order": ["hp_ordinal", {"options": ["s", "m", "l"]}]},
            ]
        },
    ],
    "sum": ["hp_add", 1, ["hp_lognormal", {"mu": 0, "sigma": 1}]],
}
# No dict at the root, and numbers that do not show in the suggestion.
EXPRESSION = [
    "hp_add",
    [
        "hp_mul",
        2,
        ["hp_choice", {"options": [["hp_float", {"low": 0, "high": 1}], ["hp_integer", {"low": 5, "high": 90}]]}],
    ],
    ["hp_pow", 2, ["hp_integer", {"low": -3, "high": 3}]],
]
# For each kind arguments that make it do everything it can within 40 trials, and a suggestion in the space.
EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "search_hyperopt": [
        {"space": SPACE, "n_startup_jobs": 8},
        {"space": SPACE, "n_startup_jobs": 8, "errors_ok": True, "seed": 4},
        {"space": SPACE, "method": "rand"},
        {"space": SPACE, "method": "anneal"},
        {
            "space": SPACE,
            "method": {"mix": [[0.5, "tpe"], [0.3, "anneal"], [0.2, "rand"]]},
            "n_startup_jobs": 5,
        },
        {"space": TYPED, "n_startup_jobs": 8},
        {"space": TYPED, "method": "anneal"},
        {"space": EXPRESSION, "n_startup_jobs": 8},
    ],
    "search_random": [
        {"space": SPACE},
        {"space": TYPED, "seed": 4},
        {"space": EXPRESSION},
        {"space": SPACE, "duplicates": True},
        {"space": SPACE, "sampler": "tests.search.samplers:sampled"},
    ],
    "search_grid": [
        {"space": SPACE, "resolution": {"x": 3, "n": 2}},
        {"space": TYPED, "resolution": 2},
        {"space": EXPRESSION, "resolution": 12},
    ],
    "search_sobol": [{"space": SPACE}, {"space": SPACE, "scramble": False}, {"space": TYPED}, {"space": EXPRESSION}],
    "search_fixed": [{"suggestions": [{"x": k % 50, "part": [k, None]} for k in range(90)]}],
    "search_evolution": [
        {"space": SPACE, "population": 8, "sample": 3},
        {"space": TYPED, "population": 8, "sample": 3, "scale": None},
        {"space": EXPRESSION, "population": 8, "sample": 3},
    ],
    "search_chain": [
        {
            "searches": [
                {"search": {"search_random": {}}, "count": 6},
                {"search": {"search_grid": {"resolution": 2, "space": {"x": ["hp_uniform", "x", 0, 1]}}}},
                {"search": {"search_two_methods": {}}, "count": 5},
                {"search": {"search_evolution": {"population": 4, "sample": 2}}},
            ],
            "space": SPACE,
        },
        {
            "searches": [
                {"search": {"search_asktell": {"optimizer": {"own_optimizer": {}}}}, "count": 12},
                {"search": {"search_random": {"space": TYPED}}},
            ]
        },
    ],
    "search_asktell": [
        {"optimizer": {"own_optimizer": {}}},
        {"optimizer": {"own_optimizer": {"shape": "pair"}}},
        {
            "optimizer": {"own_optimizer": {"shape": "object"}},
            "space": {"x": ["hp_uniform", "x", 0, 1], "part": [["hp_randint", "k", 5], None]},
        },
    ],
}
# Nothing in these is random: another seed makes no difference.
SEEDLESS = {"search_grid", "search_fixed"}
UNSEEDED = [{"search_sobol": EXAMPLES["search_sobol"][1]}]
INSIDE = {
    "x": 0.25,
    "n": 3,
    "grid": 2.0,
    "part": {"kind": "b", "size": 4},
    "fixed": {"list": [1, 2.5, None], "flag": True},
}


class TwoMethods(Search):
    """The least that a search can be: suggestions that depend on all that it heard."""

    kind = "search_two_methods"

    def __init__(self, space: Any, seed: int = 123, context: Mapping[str, Any] | None = None) -> None:
        super().__init__(context)
        self.space, self.seed = space, seed
        self.made = 0
        self.heard: list[float | None] = []

    def suggest(self) -> tuple[int, Any]:
        stream = random.Random(f"{seed_for(self.seed, self.made)}/{self.heard}")
        self.made += 1
        return self.made - 1, {"x": stream.random(), "part": [stream.randrange(5), None]}

    def submit(self, tid: int, *, error: bool = False, loss: float | None = None, var: float | None = None) -> None:
        self.heard.append(None if error else loss)


class Asked:
    """What an optimizer may give in place of a suggestion."""

    def __init__(self, config: Any) -> None:
        self.config = config


class OwnOptimizer(Component):
    """Asked and told, and nothing else."""

    kind = "own_optimizer"

    def __init__(self, seed: int = 123, shape: str = "plain", context: Mapping[str, Any] | None = None) -> None:
        super().__init__(context)
        self.seed, self.shape = seed, shape
        self.inner = TwoMethods(None, seed)
        self.tids: dict[Any, int] = {}

    def ask(self) -> Any:
        tid, suggestion = self.inner.suggest()
        if self.shape == "plain":
            return suggestion
        if self.shape == "pair":
            return f"trial {tid}", suggestion
        return Asked(suggestion)

    def tell(self, key: Any, loss: float) -> None:
        assert isinstance(key, {"plain": dict, "pair": str, "object": Asked}[self.shape])
        self.inner.heard.append(loss)

    def fail(self, key: Any) -> None:
        self.inner.heard.append(None)


# Searches that the tests of other things define are no business of this suite.
KINDS = [cls.kind for cls in registry.classes(Search) if cls.__module__.startswith("runlib.")]
CASES = [
    pytest.param({kind: arguments}, id=f"{kind}-{number}")
    for kind in KINDS
    for number, arguments in enumerate(EXAMPLES.get(kind, []))
]
CASES.append(pytest.param({TwoMethods.kind: {"space": SPACE}}, id="suggest-and-submit-alone"))
each = pytest.mark.parametrize("config", CASES)


def make(config: dict[str, Any]) -> Search:
    return complete(from_config(config, family=Search))


def loss_of(suggestion: Any) -> float:
    """A loss from the suggestion alone, with ties."""
    return round(random.Random(canonical_json(suggestion)).random(), 1)


def lived(search: Search, count: int) -> list[tuple[str, Any]]:
    """A life with failures, adopted, pending and forgotten trials; what stands on the tape of it."""
    tape: list[tuple[str, Any]] = []
    for k in range(count):
        if k % 9 == 4:
            tid = search.adopt(INSIDE)
            suggestion: Any = INSIDE
            tape.append(("adopt", INSIDE))
        else:
            tid, suggestion = search.suggest()
            tape.append(("suggest", load(dump([tid, suggestion, search.memo(tid)]))))
        if k % 5 == 3:
            search.submit(tid, error=True)
            tape.append(("submit", (tid, None)))
        elif k % 7 != 2:
            search.submit(tid, loss=loss_of(suggestion), var=0.5)
            tape.append(("submit", (tid, loss_of(suggestion))))
        if k % 13 == 12:
            search.forget(k - 1)
            tape.append(("forget", k - 1))
    return tape


def restored(search: Search, tape: list[tuple[str, Any]]) -> Search:
    """A search that got what stands on a tape."""
    for what, data in tape:
        if what == "adopt":
            search.adopt(data)
        elif what == "suggest":
            search.recall(*data)
        elif what == "submit":
            search.submit(data[0], error=data[1] is None, loss=data[1])
        else:
            search.forget(data)
    return search


def following(search: Search, count: int = 5) -> list[tuple[int, Any]]:
    """The next suggestions, a result in between."""
    made = []
    for _ in range(count):
        made.append(search.suggest())
        if len(made) % 2:
            search.submit(made[-1][0], loss=loss_of(made[-1][1]))
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_there_is_an_example(kind: str) -> None:
    assert EXAMPLES.get(kind), f"give {kind} an example in {__file__}: without one its contract is not tested"


@each
def test_tids_count_from_zero_adopted_ones_included(config: dict[str, Any]) -> None:
    search = make(config)
    assert [search.suggest()[0] for _ in range(3)] == [0, 1, 2]
    assert search.adopt(INSIDE) == 3
    assert search.suggest()[0] == 4
    assert search.adopt("not in the search space at all") == 5
    search.submit(5, loss=0.5)
    search.submit(3, loss=0.5)
    assert search.suggest()[0] == 6


@each
def test_the_same_life_gives_the_same_suggestions(config: dict[str, Any]) -> None:
    first, second = make(config), make(config)
    assert lived(first, 40) == lived(second, 40)
    assert following(first) == following(second)


@each
def test_a_config_that_went_through_json_gives_the_same_suggestions(config: dict[str, Any]) -> None:
    search = make(config)
    again = make(json.loads(json.dumps(search.get_config())))
    assert again.get_config() == search.get_config()
    assert lived(again, 30) == lived(search, 30)


@each
def test_the_order_of_keys_in_a_config_does_not_matter(config: dict[str, Any]) -> None:
    sorted_config = json.loads(json.dumps(config, sort_keys=True))
    search, again = make(config), make(sorted_config)
    assert again.get_config_hash() == search.get_config_hash()
    tape = lived(search, 30)
    assert lived(again, 30) == tape
    assert following(restored(make(sorted_config), tape)) == following(search)


@each
def test_another_seed_gives_other_suggestions(config: dict[str, Any]) -> None:
    [(kind, arguments)] = config.items()
    other = make({kind: arguments | {"seed": 99}})
    differs = following(other) != following(make(config))
    assert differs is not (kind in SEEDLESS or config in UNSEEDED)


@each
@pytest.mark.parametrize("count", [0, 1, 7, 40])
def test_what_was_recalled_goes_on_as_what_was_never_stopped(config: dict[str, Any], count: int) -> None:
    search = make(config)
    tape = lived(search, count)
    assert following(restored(make(config), tape), 8) == following(search, 8)


@each
def test_suggestions_and_memos_are_plain_data(config: dict[str, Any]) -> None:
    search = make(config)
    for _ in range(30):
        tid, suggestion = search.suggest()
        for data in (suggestion, search.memo(tid)):
            assert dump(data) == dump(plain(data))
            assert deep_types(data) <= {dict, list, str, int, float, bool, type(None)}
        search.submit(tid, loss=loss_of(suggestion))


def deep_types(data: Any) -> set[type]:
    """The types of everything in it."""
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else []
    return {type(data)}.union(*map(deep_types, inner))


@each
def test_whoever_changes_a_suggestion_changes_nothing_else(config: dict[str, Any]) -> None:
    search, other = make(config), make(config)
    for _ in range(20):
        tid, suggestion = search.suggest()
        expected = copy.deepcopy(suggestion)
        memo = search.memo(tid)
        for data in (suggestion, memo):
            vandalise(data)
        assert other.suggest() == (tid, expected)
        for told in (search, other):
            told.submit(tid, loss=loss_of(expected))


def vandalise(data: Any) -> None:
    """Change everything in it that can be changed."""
    for inner in list(data.values() if isinstance(data, dict) else data if isinstance(data, list) else []):
        vandalise(inner)
    if isinstance(data, dict | list):
        data.clear()


@each
def test_adopting_does_not_keep_hold_of_what_it_was_given(config: dict[str, Any]) -> None:
    search, other = make(config), make(config)
    for _ in range(12):
        mine = copy.deepcopy(INSIDE)
        tid = search.adopt(mine)
        vandalise(mine)
        assert other.adopt(INSIDE) == tid
        for told in (search, other):
            told.submit(tid, loss=0.5)
    assert search.suggest() == other.suggest()


@each
def test_many_pending_trials_are_no_trouble(config: dict[str, Any]) -> None:
    search = make(config)
    made = []
    try:
        for _ in range(60):
            made.append(search.suggest())
    except (SearchExhausted, SearchWaiting):
        assert made
    for tid, suggestion in reversed(made):
        search.submit(tid, loss=loss_of(suggestion))


@each
def test_results_may_come_in_any_order(config: dict[str, Any]) -> None:
    search, again = make(config), make(config)
    for told in (search, again):
        made = [told.suggest() for _ in range(12)]
        for tid, suggestion in random.Random(3).sample(made, 12):
            told.submit(tid, loss=loss_of(suggestion))
    assert following(search) == following(again)


@each
def test_a_forgotten_trial_keeps_its_tid_and_nothing_breaks(config: dict[str, Any]) -> None:
    search = make(config)
    for _ in range(25):
        tid, suggestion = search.suggest()
        search.submit(tid, loss=loss_of(suggestion))
    for tid in range(25):
        search.forget(tid)
    assert search.suggest()[0] == 25


@each
def test_of_a_forgotten_result_nothing_is_left(config: dict[str, Any]) -> None:
    search, other = make(config), make(config)
    for told, forgotten in ((search, -5.0), (other, 5.0)):
        for _ in range(20):
            tid, suggestion = told.suggest()
            told.submit(tid, loss=loss_of(suggestion))
        tid, _ = told.suggest()
        told.submit(tid, loss=forgotten)
        told.forget(tid)
    assert following(search) == following(other)


@each
@pytest.mark.parametrize("finished", [True, False])
def test_a_forgotten_trial_may_get_one_new_result(config: dict[str, Any], finished: bool) -> None:
    search = make(config)
    made = [search.suggest() for _ in range(5)]
    for tid, suggestion in made[: 5 if finished else 0]:
        search.submit(tid, loss=loss_of(suggestion))
    search.forget(2)
    search.forget(2)
    search.submit(2, loss=0.5)
    with pytest.raises(SearchError, match="trial 2 was submitted before"):
        search.submit(2, loss=0.5)
    assert search.suggest()[0] == 5


@each
def test_asking_again_gives_the_same_and_another_suggestion_is_a_mismatch(config: dict[str, Any]) -> None:
    search, again = make(config), make(config)
    for what, data in lived(search, 25):
        if what == "suggest":
            Search.recall(again, *data)
        else:
            restored(again, [(what, data)])
    with pytest.raises(ReplayMismatch, match=f"asked again, {search.kind} suggests"):
        Search.recall(again, 25, "something else", None)


@each
@pytest.mark.parametrize("given", [{"x": object()}, {(1, 2): 3}, [{1, 2}], lambda: None])
def test_adopting_what_is_no_plain_data_is_refused_and_changes_nothing(config: dict[str, Any], given: Any) -> None:
    search, other = make(config), make(config)
    with pytest.raises(RunlibError, match=r"is no data, but of type|keys must be text"):
        search.adopt(given)
    assert following(search) == following(other)


@each
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda search: search.submit(0, loss=1.0), "trial 0 was submitted before; a trial has one result"),
        (lambda search: search.submit(1, error=True), "trial 1 was submitted before; a trial has one result"),
        (lambda search: search.submit(2), "trial 2 was submitted with neither a loss nor an error"),
        (lambda search: search.submit(3, loss=1.0), "there is no trial 3; 3 were suggested or adopted so far"),
        (lambda search: search.submit(-1, loss=1.0), "there is no trial -1"),
        (lambda search: search.forget(3), "there is no trial 3; 3 were suggested or adopted so far"),
        (lambda search: search.forget(-1), "there is no trial -1"),
    ],
)
def test_wrong_calls_are_refused_and_change_nothing(config: dict[str, Any], wrong: Any, message: str) -> None:
    search, other = make(config), make(config)
    for told in (search, other):
        told.submit(told.suggest()[0], loss=1.0)
        told.submit(told.adopt(INSIDE), error=True)
        told.suggest()
    with pytest.raises(SearchError, match=message):
        wrong(search)
    assert following(search) == following(other)
