"""Implements ``eval_holdout``: it trains the suggested model on one dataset and measures its errors on another.

The suggestion is the config of the model: a registered component with ``train(x, y)`` and ``predict(x)``, or ``fit``
and ``predict`` as in scikit-learn. A new model is made for each trial. The data are read at the first trial, once per
worker. The models get them read-only, so that no trial can change them for the next.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from runlib.engine import registry
from runlib.engine.component import Component, from_config, is_config
from runlib.engine.data.canonical import compute_hash
from runlib.engine.data.native import native
from runlib.engine.extras import load as load_module
from runlib.errors import ConfigError, InvalidResult, UnknownKind
from runlib.evaluator.base import Evaluator
from runlib.evaluator.datasets.base import Arrays, Dataset, check_arrays
from runlib.evaluator.datasets.given import as_dataset
from runlib.evaluator.losses import check_loss, compute_loss

__all__ = ["HoldoutEvaluator"]


class HoldoutEvaluator(Evaluator):
    """Computes the loss of the suggested model on data that it was not trained on.

    The suggestion is the model's config, ``{kind: {arguments}}``, or holds it under the key ``model``.

    Args:
        train: The training set: a path to an ``.npz`` or ``.csv`` file, or a dataset component or its config.
        test: The test set, in the same form.
        target: The target column of a ``.csv``, or the target array of an ``.npz`` (``y`` by default); for paths only.
        loss: The name of the loss: rmse, mse, mae, medianae, maxae, mape, msle, rmsle, r2, explained_variance,
            accuracy, balanced_accuracy, f1 or matthews. The last six have their sign turned: smaller is better.
        losses: The names of further losses to keep in the result, under ``losses``, with their signs turned in the same
            way.
        context: The context for the datasets and every model.

    Raises:
        ConfigError: A file is missing, an argument is no dataset, or a loss is unknown.
    """

    kind = "eval_holdout"
    also_called = ("validation", "train_test")

    def __init__(
        self,
        train: Any,
        test: Any,
        target: str | None = None,
        loss: str = "rmse",
        losses: Sequence[str] = (),
        context: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(context)
        check_loss(loss, "loss")
        losses = native(losses)
        if isinstance(losses, str) or not isinstance(losses, Sequence):
            raise ConfigError(f"must be a list of losses, got {losses!r}", "losses")
        for index, name in enumerate(losses):
            check_loss(name, f"losses.{index}")
        self._train = as_dataset(self, "train", train, target)
        self._test = as_dataset(self, "test", test, target)
        self.train = train if isinstance(train, str) else self._train
        self.test = test if isinstance(test, str) else self._test
        self.target = target
        self.loss = loss
        self.losses = losses
        self._arrays: tuple[Arrays, Arrays] | None = None

    def __call__(self, suggestion: Any) -> dict[str, Any]:
        """Returns ``loss``, ``duration`` (seconds of training and predicting) and, if asked for, ``losses``.

        Raises:
            ConfigError: The suggestion is no config of a model, or a dataset cannot be used.
            InvalidResult: The predictions do not have the shape of the targets, or are not finite.
        """
        (x_train, y_train), (x_test, y_test) = self._data()
        model = self._model(suggestion)
        start = time.perf_counter()
        _trainer(model)(x_train, y_train)
        predicted = model.predict(x_test)
        duration = time.perf_counter() - start
        predicted = _check_predictions(predicted, y_test, model)
        result: dict[str, Any] = {"loss": _measure(self.loss, y_test, predicted), "duration": duration}
        if self.losses:
            result["losses"] = {name: _measure(name, y_test, predicted) for name in self.losses}
        return result

    def _data(self) -> tuple[Arrays, Arrays]:
        if self._arrays is None:
            train, test = _load(self._train, "train"), _load(self._test, "test")
            for name in (self.loss, *self.losses):
                _check_targets(name, test[1])
            self._arrays = train, test
        return self._arrays

    def _model(self, suggestion: Any) -> Any:
        model: Component = from_config(_model_config(suggestion), context=self.given_context)
        for names in (("train", "fit"), ("predict",)):
            if not any(callable(getattr(model, name, None)) for name in names):
                methods = " or ".join(f"{name}()" for name in names)
                raise ConfigError(f"{model.kind!r} is no model: {type(model).__qualname__} has no {methods}")
        return model

    def fingerprint(self) -> str | None:
        """Returns a hash of the content of the data files; None if the datasets have no files."""
        parts = [self._train.fingerprint(), self._test.fingerprint()]
        return compute_hash(parts) if any(parts) else None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_arrays": None}  # Every worker reads its own data.


def _load(dataset: Dataset, argument: str) -> Arrays:
    try:
        x, y = dataset.load()
        arrays = check_arrays(x, y, dataset.kind)
    except ConfigError as error:
        raise error.under(argument) from error.__cause__
    return _read_only(arrays[0]), _read_only(arrays[1])


def _read_only(array: Any) -> Any:
    view = array.view()
    view.flags.writeable = False
    return view


def _check_targets(name: str, true: Any) -> None:
    """Raises an error if a loss does not suit the targets, which shows with perfect predictions and without a model."""
    try:
        compute_loss(name, true, true)
    except ValueError as error:
        raise ConfigError(f"the loss {name!r} does not suit the targets of the test set: {error}") from error


def _measure(name: str, true: Any, predicted: Any) -> float:
    try:
        return compute_loss(name, true, predicted)
    except ValueError as error:
        raise InvalidResult(f"the loss {name!r} is not defined for these predictions: {error}") from error


def _model_config(suggestion: Any) -> Any:
    """Returns the config of the model: the suggestion, or its entry ``model`` if that is no registered kind."""
    if not isinstance(suggestion, Mapping) or "model" not in suggestion:
        return suggestion
    if is_config(suggestion) and _is_registered("model"):
        return suggestion
    others = [key for key in suggestion if key != "model"]
    if others:
        raise ConfigError(f"the suggestion holds {others} beside 'model', which nobody reads")
    return suggestion["model"]


def _is_registered(kind: str) -> bool:
    try:
        registry.lookup(kind)
    except UnknownKind:
        return False
    return True


def _trainer(model: Any) -> Callable[[Any, Any], Any]:
    trainer: Callable[[Any, Any], Any] = model.train if callable(getattr(model, "train", None)) else model.fit
    return trainer


def _check_predictions(predicted: Any, true: Any, model: Component) -> Any:
    numpy = load_module("numpy")
    array = numpy.asarray(predicted)
    if array.dtype.kind not in "biuf":
        raise InvalidResult(f"{model.kind!r} predicted no numbers, but values of type {array.dtype}")
    if array.shape != true.shape:
        raise InvalidResult(f"{model.kind!r} predicted the shape {array.shape}, the targets have {true.shape}")
    wrong = int((~numpy.isfinite(array)).sum())
    if wrong:
        raise InvalidResult(f"{model.kind!r} predicted {wrong} of {array.size} values that are not finite")
    return array
