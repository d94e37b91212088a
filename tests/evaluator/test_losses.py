"""Every loss is smaller for better predictions, and the common ones are what their formulas say."""

from __future__ import annotations

import numpy as np
import pytest

from runlib.errors import ConfigError
from runlib.evaluator.losses import LOSSES, check_loss, compute_loss

TRUE = np.array([1.0, 2.0, 3.0, 4.0])
PREDICTED = np.array([1.5, 2.0, 2.0, 6.0])
ERRORS = np.abs(TRUE - PREDICTED)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rmse", np.sqrt(np.mean(ERRORS**2))),
        ("mse", np.mean(ERRORS**2)),
        ("mae", np.mean(ERRORS)),
        ("medianae", np.median(ERRORS)),
        ("maxae", 2.0),
        ("mape", np.mean(ERRORS / TRUE)),
        ("rmsle", np.sqrt(np.mean((np.log1p(TRUE) - np.log1p(PREDICTED)) ** 2))),
        ("r2", -(1 - np.sum(ERRORS**2) / np.sum((TRUE - TRUE.mean()) ** 2))),
    ],
)
def test_formulas(name: str, value: float) -> None:
    assert compute_loss(name, TRUE, PREDICTED) == pytest.approx(value)


@pytest.mark.parametrize("name", ["r2", "explained_variance", "accuracy", "balanced_accuracy", "f1", "matthews"])
def test_the_best_that_a_score_can_be_is_minus_one(name: str) -> None:
    true = np.array([0, 1, 1, 0, 2, 2])
    assert compute_loss(name, true, true) == pytest.approx(-1.0)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_each_loss_has_a_name_that_is_accepted(name: str) -> None:
    check_loss(name, "loss")


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_smaller_is_better(name: str) -> None:
    true = np.array([0, 1, 1, 0, 2, 2])
    good, bad = np.array([0, 1, 1, 0, 2, 1]), np.array([2, 0, 1, 1, 1, 0])
    if name == "maxae":
        bad = bad + 1
    losses = [compute_loss(name, true, predicted) for predicted in (true, good, bad)]
    assert losses[0] < losses[1] or name == "medianae"
    assert losses[1] < losses[2]
    assert all(type(loss) is float for loss in losses)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rsme", "unknown loss 'rsme'; did you mean 'rmse'"),
        ("RMSE", "did you mean 'rmse'"),
        ("medae", "'medianae'"),
        ("xyzzy", "known are rmse, mse"),
        (None, "unknown loss None"),
        (["rmse"], "unknown loss"),
    ],
)
def test_unknown_losses(name: object, text: str) -> None:
    with pytest.raises(ConfigError, match=text) as caught:
        check_loss(name, "loss")
    assert caught.value.path == "loss"
