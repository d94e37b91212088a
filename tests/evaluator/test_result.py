"""What an evaluator returns becomes a result of plain data, or an ``InvalidResult`` that says why not."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

from runlib.engine.canonical import plain
from runlib.errors import InvalidResult
from runlib.evaluator.result import error_names, error_result, ok_result


@pytest.mark.parametrize(
    "loss",
    [
        0.5,
        1,
        -3,
        np.float64(0.5),
        np.float32(0.5),
        np.int64(7),
        np.array(0.5),
        np.uint8(3),
        np.longdouble(0.25),
    ],
    ids=lambda loss: type(loss).__name__,
)
def test_numbers_of_all_types_become_floats(loss: Any) -> None:
    result = ok_result(loss, 0.1)
    assert result == {"ok": {"loss": float(loss), "duration": 0.1}}
    assert type(result["ok"]["loss"]) is float


@pytest.mark.parametrize(
    ("returned", "text"),
    [
        (math.nan, "finite, got nan"),
        (math.inf, "finite, got inf"),
        (-math.inf, "finite, got -inf"),
        (np.float64("nan"), "finite, got nan"),
        ({"loss": math.nan}, "finite, got nan"),
        (None, "no loss, but None"),
        ({"loss": None}, "no loss, but None"),
        ("0.5", "must be a number, got '0.5' of type str"),
        (True, "must be a number, got True of type bool"),
        (np.bool_(True), "must be a number, got True of type bool"),
        ([0.5], r"must be a number, got \[0.5\] of type list"),
        (np.array([0.5]), r"loss: is no data, but of type numpy.ndarray; call .tolist\(\)"),
        (10**400, "too large for a float"),
        (0.5j, "loss: is no data, but of type complex"),
        ({}, r"without 'loss': its keys are \[\]"),
        ({"los": 1.0}, r"without 'loss': its keys are \['los'\]"),
        ({"loss": 1.0, "a": {"b": [1, lambda: 0]}}, "a.b.1: is no data, but of type function"),
        ({"loss": 1.0, "a": np.zeros(3)}, r"a: is no data, but of type numpy.ndarray; call .tolist\(\)"),
        ({"loss": 1.0, "a": {1: 2}}, "a: keys must be text, got 1 of type int"),
        ({"loss": 1.0, 3: 2}, "keys must be text, got 3"),
        ({"loss": 1.0, "text": "\ud800"}, "text: text holds a lone surrogate"),
        ({"loss": 1.0, "var": "much"}, "'var' in the result must be a finite number, got 'much'"),
        ({"loss": 1.0, "cost": math.nan}, "'cost' in the result must be a finite number, got nan"),
        ({"loss": 1.0, "cost": True}, "'cost' in the result must be a finite number, got True"),
        ({"loss": 1.0, "cost": 10**400}, "too large for a float"),
        ({"loss": 1.0, "duration": []}, r"'duration' in the result must be a finite number, got \[\]"),
    ],
)
def test_what_is_no_result_is_refused(returned: Any, text: str) -> None:
    with pytest.raises(InvalidResult, match=text):
        ok_result(returned, 0.1)


def test_a_long_wrong_result_is_cut_in_the_message() -> None:
    with pytest.raises(InvalidResult) as caught:
        ok_result("x" * 10_000_000, 0.1)
    assert len(str(caught.value)) < 200
    with pytest.raises(InvalidResult) as caught:
        ok_result({str(key): key for key in range(100_000)}, 0.1)
    assert len(str(caught.value)) < 200


def test_all_plain_data_beside_the_loss_is_kept() -> None:
    returned = {
        "loss": np.float64(0.5),
        "var": np.float32(0.25),
        "cost": 3,
        "refined_suggestion": {"x": np.int64(2)},
        "history": (1, 2.5, None, "a", math.inf),
    }
    outcome = ok_result(returned, 9.0)["ok"]
    assert outcome == {
        "loss": 0.5,
        "var": 0.25,
        "cost": 3,
        "refined_suggestion": {"x": 2},
        "history": [1, 2.5, None, "a", math.inf],
        "duration": 9.0,
    }
    assert plain(outcome) == outcome


def test_ten_megabytes_of_text_are_kept() -> None:
    text = "0123456789" * 1_000_000
    assert ok_result({"loss": 0.0, "text": text}, 0.1)["ok"]["text"] == text


def test_the_evaluators_own_duration_counts() -> None:
    assert ok_result({"loss": 1.0, "duration": 2.5}, 9.0)["ok"]["duration"] == 2.5


def test_none_as_duration_var_or_cost_means_not_given() -> None:
    outcome = ok_result({"loss": 1.0, "duration": None, "var": None, "cost": None}, 9.0)["ok"]
    assert outcome == {"loss": 1.0, "duration": 9.0}


def test_other_mappings_are_dicts_too_and_what_was_returned_stays_as_it_is() -> None:
    returned = OrderedDict(loss=1, note={"a": [1]})
    outcome = ok_result(returned, 0.1)["ok"]
    outcome["note"]["a"].append(2)
    assert returned == {"loss": 1, "note": {"a": [1]}}


def test_an_error_as_text_with_its_traceback() -> None:
    def fail() -> None:
        raise ValueError("x must not be \ud800")

    try:
        fail()
    except ValueError as error:
        result = error_result(error)["error"]
    assert result["error"] == "ValueError"
    assert result["error_text"] == "x must not be \\ud800"
    assert "in fail" in result["traceback"]
    assert plain(result) == result


def test_an_error_whose_text_fails_is_told_all_the_same() -> None:
    class BrokenError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    result = error_result(BrokenError())["error"]
    assert result["error"] == "BrokenError"
    assert "RuntimeError" in result["error_text"]


@pytest.mark.parametrize("name", ["duration", "var", "cost"])
@pytest.mark.parametrize(
    "value", [float("inf"), float("-inf"), float("nan"), "3", True, [], 10**400, -(10**400), np.float64("inf"), 1j]
)
def test_numbers_beside_the_loss_are_finite(name: str, value: Any) -> None:
    with pytest.raises(InvalidResult, match=name if not isinstance(value, int) or value is True else "too large"):
        ok_result({"loss": 1.0, name: value}, 0.1)


@pytest.mark.parametrize("value", [-1, -5e-324, -1.0, -math.pi])
def test_a_duration_is_not_below_0(value: float) -> None:
    with pytest.raises(InvalidResult, match="'duration' in the result must be seconds from 0 on"):
        ok_result({"loss": 1.0, "duration": value}, 0.1)
    assert ok_result({"loss": 1.0, "cost": value}, 0.1)["ok"]["cost"] == value


def test_an_error_can_be_caught_by_the_names_of_its_bases() -> None:
    names = error_names(FileNotFoundError())
    assert names == ["FileNotFoundError", "OSError", "Exception", "BaseException"]
