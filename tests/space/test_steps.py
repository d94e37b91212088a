"""Steps are the floats that are written with their decimals, however many of them there are."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runlib import Float, Integer, Space
from runlib.space.distributions.steps import Steps, multiple, nearest


@pytest.mark.parametrize(
    ("low", "high", "step", "written"),
    [
        (0, 1, 0.1, "0.0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1.0"),
        (0, 1e-5, 1e-6, "0.0 1e-06 2e-06 3e-06 4e-06 5e-06 6e-06 7e-06 8e-06 9e-06 1e-05"),
        (-0.3, 0.3, 0.1, "-0.3 -0.2 -0.1 0.0 0.1 0.2 0.3"),
        (0.05, 0.35, 0.1, "0.05 0.15 0.25 0.35"),
        (1.1, 1.75, 0.3, "1.1 1.4 1.7"),
        (0, 5e-324, 5e-324, "0.0 5e-324"),
        (0, 1, 1 / 3, "0.0 0.3333333333333333 0.6666666666666666 1.0"),
        (0, 2, 2 / 3, "0.0 0.6666666666666666 1.3333333333333333 2.0"),
        (-1e300, 1e300, 5e299, "-1e+300 -5e+299 0.0 5e+299 1e+300"),
    ],
)
def test_the_values_of_steps(low: float, high: float, step: float, written: str) -> None:
    distribution = Float(low, high, step=step).distribution()
    values = [distribution.value(k) for k in range(distribution.size or 0)]
    assert " ".join(map(repr, values)) == written
    assert all(low <= value <= high for value in values)
    for k, value in enumerate(values):
        assert distribution.raw(value) == k


@given(
    st.decimals(-1000, 1000, places=3),
    st.decimals("0.001", 10, places=4).filter(lambda step: step > 0),
    st.integers(0, 10**6),
)
def test_a_step_is_the_float_of_its_decimals(low: Decimal, step: Decimal, k: int) -> None:
    assert Steps.of(float(low), float(step)).at(k) == float(low + k * step)


def test_what_is_written_on_disk_of_a_grid_has_no_long_tails() -> None:
    space = Space.of({"a": Float(0, 1, step=0.05), "n": Integer(10, 50, step=20)})
    rows = [(i, j) for i in range(21) for j in range(3)]
    found: list[dict[str, Any]] = [space.assemble(row) for row in rows]
    assert {len(repr(s["a"])) for s in found} == {3, 4}
    assert {s["n"] for s in found} == {10, 30, 50}
    assert {type(s["n"]) for s in found} == {int}


@pytest.mark.parametrize(
    ("x", "q", "shown"),
    [
        (0.29, 0.1, 0.3),
        (0.30000000000000004, 0.1, 0.3),
        (-0.29, 0.1, -0.3),
        (-0.01, 0.1, 0.0),
        (7.1, 2, 8.0),
        (6e-6, 1e-6, 6e-6),
        (0.99, 1 / 3, 1.0),
        (1e300, 1e-300, 1e300),
    ],
)
def test_a_multiple_is_shown_with_its_decimals_and_kept_as_floats_multiply(x: float, q: float, shown: float) -> None:
    assert repr(multiple(x, q)) == repr(float(shown))
    assert nearest(multiple(x, q), q) == nearest(x, q)


@pytest.mark.parametrize(
    "form", [["hp_quniform", "x", 0, 1, 0.1], ["hp_qnormal", "x", 0, 1, 0.05], ["hp_qloguniform", "x", -3, 3, 0.1]]
)
def test_both_spellings_of_a_rounded_number_are_read_as_what_was_drawn(form: list[object]) -> None:
    space, rng = Space.of({"x": form}), random.Random(1)
    [variable] = space.variables
    for _ in range(200):
        raw = variable.distribution.draw(rng)
        shown = space.assemble([raw])
        assert len(repr(shown["x"])) < 7
        assert space.read(shown, None) == space.read({"x": raw}, None) == [raw]
