"""What an evaluator returns becomes a result of plain data, or an ``InvalidResult`` that says why not."""

from __future__ import annotations

import decimal
import enum
import fractions
import inspect
import math
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

from runlib import errors
from runlib.engine.data.canonical import plain
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
        np.array([0.5]),
        np.array([[2.5]]),
        np.ma.array([0.5]),
        decimal.Decimal("0.5"),
        fractions.Fraction(1, 4),
    ],
    ids=lambda loss: type(loss).__name__,
)
def test_numbers_of_all_types_become_floats(loss: Any) -> None:
    result = ok_result(loss, 0.1)
    assert result == {"ok": {"loss": np.asarray(loss, dtype=float).item(), "duration": 0.1}}
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
        (np.array([0.5, 1.0]), r"must be a number, got an array of shape \(2,\) and of type ndarray"),
        (np.array([]), r"must be a number, got an array of shape \(0,\)"),
        (np.ma.masked, "must be a number, got masked of type MaskedConstant"),
        ((0.5,), r"must be a number, got \(0.5,\) of type tuple"),
        (b"0.5", "must be a number, got b'0.5' of type bytes"),
        (object, "loss: is no data, but of type type"),
        ({"loss": object()}, "loss: is no data, but of type object"),
        ({"loss": len}, "loss: is no data, but of type builtin_function_or_method"),
        (10**400, "too large for a float"),
        (0.5j, "must be a number, got 0.5j of type complex"),
        ({}, r"without 'loss': its keys are \[\]"),
        ({"los": 1.0}, r"without 'loss': its keys are \['los'\]"),
        ({"loss": 1.0, "cost": object()}, "cost: is no data, but of type object"),
        ({"loss": 1.0, "status": "running"}, "the status 'running': a trial that has ended is 'ok' or 'fail'"),
        ({"status": "ok"}, r"without 'loss': its keys are \['status'\]"),
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


def test_losses_of_a_tensor_are_numbers() -> None:
    class Tensor:  # as one of torch answers
        shape, dtype = (), "torch.float32"

        def tolist(self) -> float:
            return 0.25

    assert ok_result(Tensor(), 0.1)["ok"]["loss"] == 0.25
    assert ok_result({"loss": Tensor(), "cost": Tensor()}, 0.1)["ok"]["cost"] == 0.25


def test_another_objective_is_named() -> None:
    with pytest.raises(InvalidResult, match="the objective 'accuracy' must be a number, got 'high' of type str"):
        ok_result({"accuracy": "high"}, 0.1, "accuracy")
    with pytest.raises(InvalidResult, match="returned no objective 'accuracy', but None"):
        ok_result({"accuracy": None}, 0.1, "accuracy")
    result = ok_result({"accuracy": np.array([0.75]), "loss": 2.0}, 0.1, "accuracy")
    assert result == {"ok": {"loss": 0.75, "duration": 0.1, "accuracy": [0.75]}, "given_loss": 2.0}


class State(enum.Enum):
    FAIL = 3


@pytest.mark.parametrize("status", ["fail", "FAIL", " failed ", "error", "failure", State.FAIL, np.str_("fail")])
def test_a_status_that_says_so_is_a_failed_trial(status: Any) -> None:
    with pytest.raises(errors.Failed, match=r"why: 'diverged'; loss: 0\.0"):
        ok_result({"status": status, "why": "diverged", "loss": 0.0}, 0.1)
    with pytest.raises(errors.Failed, match="the evaluator returned the status"):
        ok_result({"status": status}, 0.1, "accuracy")


@pytest.mark.parametrize("status", ["ok", "converged", 200, None, True, ["fail"], State])
def test_other_statuses_are_data(status: Any) -> None:
    result = ok_result({"loss": 1.0, "status": status}, 0.1)
    assert result["ok"]["loss"] == 1.0
    assert result["ok"].get("status", status) == status


def test_the_loss_variance_is_the_variance() -> None:
    assert ok_result({"loss": 1.0, "loss_variance": np.float32(0.5)}, 0.1)["ok"] == {
        "loss": 1.0,
        "var": 0.5,
        "duration": 0.1,
    }
    both = ok_result({"loss": 1.0, "loss_variance": 0.5, "var": 0.25}, 0.1)["ok"]
    assert (both["var"], both["loss_variance"]) == (0.25, 0.5)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("where", ["alone", "as the loss", "beside it", "in a list"])
def test_a_coroutine_is_closed(where: str) -> None:
    async def evaluate() -> float:
        return 1.0

    coroutine = evaluate()
    returned = {
        "alone": coroutine,
        "as the loss": {"loss": coroutine},
        "beside it": {"loss": 1.0, "more": coroutine},
        "in a list": {"loss": 1.0, "more": [coroutine]},
    }[where]
    if where in ("alone", "as the loss"):
        with pytest.raises(InvalidResult, match="coroutine"):
            ok_result(returned, 0.1)
    else:
        assert "coroutine" in str(ok_result(returned, 0.1)["dropped"])
    assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED


def test_what_is_to_be_iterated_is_no_result() -> None:
    async def stream() -> Any:
        yield 1.0

    for returned in (stream(), (x for x in [1.0])):
        with pytest.raises(InvalidResult, match="generator, and no result"):
            ok_result(returned, 0.1)


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
