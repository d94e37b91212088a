"""Computes losses by name: the metrics of scikit-learn, with their sign turned where larger is better.

So a smaller loss is always better. The definitions are those of ``sklearn.metrics``:
https://scikit-learn.org/stable/modules/model_evaluation.html
"""

from __future__ import annotations

from typing import Any, NamedTuple

from runlib.engine.extras import load as load_module
from runlib.errors import ConfigError

__all__ = ["LOSSES", "check_loss", "compute_loss"]


class Metric(NamedTuple):
    """Names a function of ``sklearn.metrics``, its sign as a loss, and further keyword arguments."""

    function: str
    sign: int = 1
    arguments: dict[str, Any] = {}


LOSSES = {
    "rmse": Metric("root_mean_squared_error"),
    "mse": Metric("mean_squared_error"),
    "mae": Metric("mean_absolute_error"),
    "medianae": Metric("median_absolute_error"),
    "maxae": Metric("max_error"),
    "mape": Metric("mean_absolute_percentage_error"),
    "msle": Metric("mean_squared_log_error"),
    "rmsle": Metric("root_mean_squared_log_error"),
    "r2": Metric("r2_score", -1),
    "explained_variance": Metric("explained_variance_score", -1),
    "accuracy": Metric("accuracy_score", -1),
    "balanced_accuracy": Metric("balanced_accuracy_score", -1),
    "f1": Metric("f1_score", -1, {"average": "macro"}),
    "matthews": Metric("matthews_corrcoef", -1),
}


def check_loss(name: Any, argument: str) -> None:
    """Raises an error unless ``name`` is the name of a loss.

    Raises:
        ConfigError: It is not; the message has similar names, and the path is ``argument``.
    """
    if isinstance(name, str) and name in LOSSES:
        return
    near = load_module("difflib").get_close_matches(str(name).lower(), LOSSES, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"known are {', '.join(LOSSES)}"
    raise ConfigError(f"unknown loss {name!r}; {hint}", argument)


def compute_loss(name: str, true: Any, predicted: Any) -> float:
    """Returns a loss; smaller is better.

    Args:
        name: The name of the loss, one of ``LOSSES``.
        true: The targets, (n,) or (n, targets).
        predicted: The predictions, of the same shape.
    """
    metric = LOSSES[name]
    function = getattr(load_module("sklearn.metrics", extra="sklearn"), metric.function)
    return metric.sign * float(function(true, predicted, **metric.arguments))
