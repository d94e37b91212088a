"""Suggestions in few words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runlib.cli.brief import Brief, leaves


def test_only_what_differs_is_shown_by_its_shortest_name() -> None:
    one = {"model": {"krr": {"kernel": {"ls": 0.25}, "nl": 1e-5}, "scale": "none", "elems": [1, 6]}}
    two = {"model": {"krr": {"kernel": {"ls": 0.5}, "nl": 1e-5}, "scale": "range", "elems": [1, 6]}}
    brief = Brief([one, two])
    assert brief(one) == "ls: 0.25, scale: none"
    assert brief(two) == "ls: 0.5, scale: range"


def test_names_are_as_long_as_it_takes_to_tell_them_apart() -> None:
    brief = Brief([{"a": {"x": 1}, "b": {"x": 2}, "x": 3}, {"a": {"x": 2}, "b": {"x": 3}, "x": 4}])
    assert brief({"a": {"x": 1}, "b": {"x": 2}, "x": 3}) == "a.x: 1, b.x: 2, x: 3"


def test_choices_between_kinds_are_shown_by_the_kind() -> None:
    linear, gaussian = {"kernel": {"linear": {}}}, {"kernel": {"gaussian": {"ls": 1.0}}}
    brief = Brief([linear, gaussian])
    assert brief(linear) == "linear"
    assert brief(gaussian) == "ls: 1"


def test_what_is_the_same_everywhere_is_shown_if_there_is_nothing_else() -> None:
    assert Brief([{"x": 1}, {"x": 1}])({"x": 1}) == "x: 1"


def test_suggestions_that_are_no_dicts() -> None:
    assert Brief([1.5, [1, "a"]])([1, "a"]) == '[1,"a"]'
    assert Brief([1.5, 2.5])(2.5) == "2.5"


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab", max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(plain, min_size=1, max_size=4))
def test_different_values_of_one_leaf_can_be_told_apart(suggestions: list[object]) -> None:
    brief = Brief(suggestions)
    names = {path: name for path, name in brief._names.items() if path}
    assert len(set(names.values())) == len(names)
    for suggestion in suggestions:
        shown = brief(suggestion)
        assert all(names[path] in shown for path, _ in leaves(suggestion) if path in names)
