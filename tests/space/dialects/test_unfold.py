"""Conditions and forbidden combinations as nested choices, compared with drawing and throwing away."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runlib import Space, SpaceError
from runlib.space.dialects.logic import all_of, any_of, assume, names_in
from runlib.space.dialects.unfold import Part, unfold


def part(count: int, shares: Sequence[float] | None = None, *, runs: bool = False) -> Part:
    """A parameter whose values are 0 .. count - 1."""
    given = tuple(shares or [1 / count] * count)

    def leaf(label: str, places: Sequence[int] | None) -> Any:
        kept = list(range(count) if places is None else places)
        if not label:
            return kept[0]
        if runs:
            assert kept == list(range(kept[0], kept[-1] + 1))
        total = sum(given[place] for place in kept)
        return ["hp_pchoice", label, [[given[place] / total, place] for place in kept]]

    return Part(leaf, given, runs)


def is_(name: str, *places: int) -> Any:
    return ("is", name, frozenset(places))


def holds(formula: Any, values: Mapping[str, int]) -> bool:
    if isinstance(formula, bool):
        return formula
    if formula[0] == "is":
        return values.get(formula[1]) in formula[2]
    return (all if formula[0] == "and" else any)(holds(inner, values) for inner in formula[1])


def by_rejection(
    parts: Mapping[str, Part], conditions: Mapping[str, Any], forbidden: Sequence[Any]
) -> dict[frozenset[tuple[str, int]], float]:
    """The exact distribution over suggestions; parents stand before their children."""
    found: dict[frozenset[tuple[str, int]], float] = defaultdict(float)
    for combination in itertools.product(*(range(len(part.shares)) for part in parts.values())):
        values: dict[str, int] = {}
        share = 1.0
        for (name, one), place in zip(parts.items(), combination, strict=True):
            share *= one.shares[place]
            if holds(conditions.get(name, True), values):
                values[name] = place
        if not any(holds(clause, values) for clause in forbidden):
            found[frozenset(values.items())] += share
    total = sum(found.values())
    return {key: share / total for key, share in found.items() if share > 0}


def by_tree(data: Any) -> dict[frozenset[tuple[str, int]], float]:
    """The exact distribution over the suggestions of a space of choices."""
    if isinstance(data, dict):
        each = [[({(key, place)}, share) for place, share in values(item)] for key, item in data.items()]
    elif data[0] == "hp_merge":
        each = [[(set(key), share) for key, share in by_tree(inner).items()] for inner in data[1]]
    else:
        options = [(1 / len(data[2]), option) for option in data[2]] if data[0] == "hp_choice" else data[2]
        each = [[(set(key), p * share) for p, option in options for key, share in by_tree(option).items()]]
    found: dict[frozenset[tuple[str, int]], float] = defaultdict(float)
    for combination in itertools.product(*each):
        share = 1.0
        for _, factor in combination:
            share *= factor
        if share:
            found[frozenset().union(*(key for key, _ in combination))] += share
    return found


def values(item: Any) -> list[tuple[int, float]]:
    return [(place, share) for share, place in item[2]] if isinstance(item, list) else [(item, 1.0)]


def check(parts: Mapping[str, Part], conditions: Mapping[str, Any], forbidden: Sequence[Any]) -> Any:
    wanted = by_rejection(parts, conditions, forbidden)
    data = unfold(parts, conditions, forbidden)
    assert by_tree(data) == pytest.approx(wanted)
    space, rng = Space.of(data), random.Random(0)
    for _ in range(20):
        suggestion = space.sample(rng)
        space.validate(suggestion)
        assert frozenset(suggestion.items()) in wanted
    return data


def test_a_condition_becomes_an_option() -> None:
    parts = {"a": part(2), "b": part(3), "c": part(2)}
    data = check(parts, {"b": is_("a", 1)}, [])
    assert data[0] == "hp_merge"
    plain, branch = data[1]
    assert list(plain) == ["c"]
    assert branch == ["hp_choice", "a", [{"a": 0}, {"a": 1, "b": ["hp_pchoice", "b", branch[2][1]["b"][2]]}]]


def test_values_with_which_all_goes_on_alike_share_an_option() -> None:
    data = check({"a": part(4), "b": part(3)}, {"b": is_("a", 0, 3)}, [])
    assert data[0] == "hp_choice"
    assert len(data[2]) == 2
    data = check({"a": part(4, runs=True), "b": part(3)}, {"b": is_("a", 0, 3)}, [])
    assert len(data[2]) == 3  # 0, 1 to 2, 3


def test_a_forbidden_combination_is_never_drawn() -> None:
    parts = {"a": part(2, [0.25, 0.75]), "b": part(3)}
    check(parts, {}, [all_of([is_("a", 1), is_("b", 0, 2)])])


def test_a_forbidden_value_leaves_no_choice() -> None:
    assert check({"a": part(2), "b": part(2)}, {}, [is_("a", 0)])["a"] == 1


def test_labels_are_the_names_and_numbered_where_they_stand_twice() -> None:
    data = check({"a": part(3), "b": part(2), "c": part(2)}, {"b": is_("a", 0, 1), "c": is_("a", 1)}, [])
    labels = [variable.label for variable in Space.of(data).variables]
    assert len(labels) == len(set(labels))
    assert labels == ["a", "b", "b#2", "c"]


def test_chains_and_disjunctions() -> None:
    parts = {"a": part(2), "b": part(2), "c": part(2), "d": part(2)}
    check(parts, {"b": is_("a", 1), "c": is_("b", 0), "d": any_of([is_("a", 0), is_("c", 1)])}, [])
    check(parts, {"c": all_of([is_("a", 1), is_("b", 1)]), "d": is_("c", 0, 1)}, [is_("d", 1)])


def test_what_is_forbidden_altogether_is_told() -> None:
    with pytest.raises(SpaceError, match="the forbidden clauses leave nothing of the space"):
        unfold({"a": part(2)}, {}, [is_("a", 0, 1)])
    with pytest.raises(SpaceError, match="the forbidden clauses leave nothing of the space"):
        unfold({"a": part(2), "b": part(2)}, {}, [is_("a", 0), all_of([is_("a", 1), is_("b", 0)]), is_("b", 1)])


def test_what_unfolds_without_end_is_refused() -> None:
    parts = {f"p{k}": part(3) for k in range(12)}
    chain = [all_of([is_(f"p{k}", 0), is_(f"p{k + 1}", 1), is_(f"p{(k + 5) % 12}", 2)]) for k in range(11)]
    with pytest.raises(SpaceError, match="unfold to more than 2000 variables"):
        unfold(parts, {}, chain)


def test_formulas_are_kept_short() -> None:
    a, b = is_("a", 0), is_("b", 1)
    assert all_of([]) is True
    assert any_of([]) is False
    assert all_of([a, True, a]) == a
    assert all_of([a, False]) is False
    assert any_of([a, True]) is True
    both = all_of([a, b])
    assert assume(both, "a", 0) == b
    assert assume(both, "a", 1) is False
    assert assume(both, "a", None) is False
    assert assume(any_of([a, b]), "a", None) == b
    assert names_in(both) == {"a", "b"}


names = ["a", "b", "c", "d"]


@st.composite
def spaces(draw: st.DrawFn) -> tuple[dict[str, Part], dict[str, Any], list[Any]]:
    """Four parameters of two or three values, each depending on those before it."""

    def formula(known: Sequence[str], depth: int = 2) -> Any:
        if depth == 0 or draw(st.booleans()):
            name = draw(st.sampled_from(known))
            return is_(name, *draw(st.sets(st.integers(0, 2), min_size=1, max_size=2)))
        join = draw(st.sampled_from([all_of, any_of]))
        return join([formula(known, depth - 1), formula(known, depth - 1)])

    weights = st.lists(st.sampled_from([0.0, 1.0, 1.0, 3.0]), min_size=2, max_size=3).filter(any)
    parts = {}
    for name in names:
        given = draw(weights)
        parts[name] = part(len(given), [weight / sum(given) for weight in given], runs=draw(st.booleans()))
    conditions = {name: formula(names[:k]) for k, name in enumerate(names) if k and draw(st.booleans())}
    return parts, conditions, [formula(names) for _ in range(draw(st.integers(0, 2)))]


@given(spaces())
@settings(max_examples=150)
def test_the_distribution_is_that_of_drawing_again(given: Any) -> None:
    if by_rejection(*given):
        check(*given)
    else:
        with pytest.raises(SpaceError, match="leave nothing"):
            unfold(*given)
