"""``eval_holdout`` trains the suggested model, measures it on other data, and names what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cloudpickle
import numpy as np
import pytest

from runlib.engine import registry
from runlib.engine.component import Component, from_config
from runlib.errors import ConfigError, InvalidResult, UnknownKind
from runlib.evaluator import Dataset, Evaluator, HoldoutEvaluator

X_TRAIN, Y_TRAIN = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0.0, 2.0, 4.0, 6.0])
X_TEST, Y_TEST = np.array([[4.0], [5.0]]), np.array([8.0, 10.0])


class Slope(Component):
    """Predicts ``bend`` times the slope through the origin."""

    kind = "holdout_slope"

    def __init__(self, bend: float = 1.0, context: Any = None) -> None:
        super().__init__(context)
        self.bend = bend

    def train(self, x: Any, y: Any) -> None:
        self.slope = float((x[:, 0] * y).sum() / (x**2).sum())

    def predict(self, x: Any) -> Any:
        return self.bend * self.slope * x[:, 0]


class Fitted(Component):
    """As in scikit-learn: ``fit``, and lists as predictions."""

    kind = "holdout_fitted"

    def fit(self, x: Any, y: Any) -> Fitted:
        self.mean = y.mean()
        return self

    def predict(self, x: Any) -> list[float]:
        return [self.mean] * len(x)


class Odd(Component):
    """Predicts whatever it was told to."""

    kind = "holdout_odd"
    PREDICTIONS = {
        "short": [1.0],
        "column": [[8.0], [10.0]],
        "nan": [8.0, float("nan")],
        "text": ["8", "10"],
        "none": None,
        "negative": [-8.0, -10.0],
    }

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what

    def train(self, x: Any, y: Any) -> None:
        pass

    def predict(self, x: Any) -> Any:
        return self.PREDICTIONS[self.what]


class Vandal(Component):
    """Changes the data that it is given."""

    kind = "holdout_vandal"

    def train(self, x: Any, y: Any) -> None:
        y += 1.0

    def predict(self, x: Any) -> Any:
        return x[:, 0]


class Mute(Component):
    """Cannot predict."""

    kind = "holdout_mute"

    def train(self, x: Any, y: Any) -> None:
        pass


class Counted(Dataset):
    """Counts how often it is read."""

    kind = "holdout_counted"
    reads = 0

    def __init__(self, part: str) -> None:
        super().__init__()
        self.part = part

    def load(self) -> Any:
        Counted.reads += 1
        return (X_TRAIN, Y_TRAIN) if self.part == "train" else (X_TEST, Y_TEST)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "train.npz", x=X_TRAIN, y=Y_TRAIN)
    np.savez(tmp_path / "test.npz", x=X_TEST, y=Y_TEST)
    (tmp_path / "train.csv").write_text("x,y\n0,0\n1,2\n2,4\n3,6\n")
    (tmp_path / "test.csv").write_text("x,y\n4,8\n5,10\n")
    return tmp_path


def evaluator(**arguments: Any) -> HoldoutEvaluator:
    return HoldoutEvaluator("train.npz", "test.npz", **arguments)


def test_the_loss_is_that_of_the_test_set() -> None:
    result = evaluator()({"holdout_slope": {"bend": 1.5}})
    assert result["loss"] == pytest.approx(np.sqrt((4.0**2 + 5.0**2) / 2))
    assert result["duration"] >= 0
    assert set(result) == {"loss", "duration"}


def test_the_duration_is_that_of_training_and_predicting(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 12.5])
    monkeypatch.setattr("runlib.evaluator.holdout.time", SimpleNamespace(perf_counter=lambda: next(clock)))
    assert evaluator()({"holdout_slope": {}})["duration"] == 2.5


def test_a_perfect_model_has_no_loss() -> None:
    assert evaluator(loss="mae")({"holdout_slope": {}})["loss"] == pytest.approx(0.0)
    assert evaluator(loss="r2")("holdout_slope")["loss"] == pytest.approx(-1.0)


def test_further_losses_are_kept_beside() -> None:
    result = evaluator(loss="mae", losses=["maxae", "r2"])({"holdout_fitted": {}})
    assert result["loss"] == pytest.approx(6.0)
    assert result["losses"] == {"maxae": pytest.approx(7.0), "r2": pytest.approx(36.0)}


def test_tables_and_arrays_give_the_same() -> None:
    table = HoldoutEvaluator("train.csv", "test.csv", target="y")
    assert table({"holdout_fitted": {}})["loss"] == evaluator()({"holdout_fitted": {}})["loss"]


@pytest.fixture
def no_kind_model(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {kind: cls for kind, cls in registry._classes.items() if kind != "model"}
    monkeypatch.setattr(registry, "_classes", known)


@pytest.mark.usefixtures("no_kind_model")
def test_the_model_may_stand_under_the_key_model() -> None:
    assert evaluator()({"model": {"holdout_slope": {"bend": 1.5}}})["loss"] > 1
    with pytest.raises(ConfigError, match=r"holds \['lr'\] beside 'model', which nobody reads"):
        evaluator()({"model": {"holdout_slope": {}}, "lr": 0.1})


@pytest.mark.usefixtures("no_kind_model")
def test_model_may_be_a_kind_of_its_own() -> None:
    class Model(Slope):
        kind = "model"

    assert evaluator()({"model": {"bend": 1.0}})["loss"] == pytest.approx(0.0)
    assert Model.kind == "model"


def test_the_data_are_read_at_the_first_trial_once_per_worker() -> None:
    Counted.reads = 0
    holdout = HoldoutEvaluator(Counted("train"), {"holdout_counted": {"part": "test"}})
    assert Counted.reads == 0
    for _ in range(3):
        holdout({"holdout_slope": {}})
    assert Counted.reads == 2
    assert HoldoutEvaluator.__getstate__(holdout)["_arrays"] is None


def test_it_goes_to_a_worker_with_its_files_found(monkeypatch: pytest.MonkeyPatch) -> None:
    holdout = evaluator()
    again = cloudpickle.loads(cloudpickle.dumps(holdout))
    monkeypatch.chdir("/")
    assert again({"holdout_fitted": {}})["loss"] == holdout({"holdout_fitted": {}})["loss"]


def test_a_model_cannot_change_the_data_for_the_next() -> None:
    holdout = HoldoutEvaluator(Counted("train"), Counted("test"))
    with pytest.raises(ValueError, match="read-only"):
        holdout({"holdout_vandal": {}})
    assert Y_TRAIN.tolist() == [0.0, 2.0, 4.0, 6.0]
    Y_TRAIN[0] = 0.0  # while the owner of the arrays still may


@pytest.mark.parametrize(
    "config",
    [
        {"eval_holdout": {"train": "train.npz", "test": "test.npz", "loss": "mae", "losses": ["r2"]}},
        {"eval_holdout": {"train": "train.csv", "test": "test.csv", "target": "y"}},
        {
            "eval_holdout": {
                "train": {"data_npz": {"file": "train.npz"}},
                "test": {"data_npz": {"file": "test.npz"}},
            }
        },
    ],
)
def test_config_round_trip(config: Any) -> None:
    made = from_config(config, family=Evaluator)
    again = from_config(json.loads(json.dumps(made.get_config())), family=Evaluator)
    assert again.get_config() == made.get_config()
    assert again({"holdout_fitted": {}})["loss"] == made({"holdout_fitted": {}})["loss"]


def test_the_context_reaches_the_model() -> None:
    seen = []

    class Seeing(Slope):
        kind = "holdout_seeing"

        def train(self, x: Any, y: Any) -> None:
            seen.append(self.context["threads"])
            super().train(x, y)

    HoldoutEvaluator("train.npz", "test.npz", context={"threads": 3})({"holdout_seeing": {}})
    assert seen == [3]


def test_the_fingerprint_follows_the_data(folder: Path) -> None:
    first = evaluator().fingerprint()
    assert first == evaluator(loss="mae").fingerprint()
    np.savez(folder / "test.npz", x=X_TEST, y=Y_TEST + 1)
    assert evaluator().fingerprint() != first
    assert HoldoutEvaluator(Counted("train"), Counted("test")).fingerprint() is None


@pytest.mark.parametrize(
    ("arguments", "path", "text"),
    [
        ({"train": "none.npz", "test": "test.npz"}, "train", "no file 'none.npz' in"),
        ({"train": "train.npz", "test": "test.txt"}, "test", ".npz or .csv file, or a config"),
        ({"train": "train.csv", "test": "test.csv"}, "target", "'train.csv' is a .csv file"),
        ({"train": "train.npz", "test": 3}, "test", "a dataset is written"),
        ({"train": "train.npz", "test": "test.npz", "loss": "rsme"}, "loss", "did you mean 'rmse'"),
        ({"train": "train.npz", "test": "test.npz", "losses": ["r2", "q2"]}, "losses.1", "unknown loss 'q2'"),
        ({"train": "train.npz", "test": "test.npz", "losses": "r2"}, "losses", "must be a list"),
        (
            {"train": "train.npz", "test": {"data_npy": {"file": "a"}}},
            "test",
            "no component of kind 'data_npy'",
        ),
        ({"train": "train.npz", "test": {"holdout_slope": {}}}, "test", "is no Dataset"),
    ],
)
def test_wrong_arguments_are_refused_with_their_path(arguments: Any, path: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_config({"eval_holdout": arguments})
    assert caught.value.path.startswith(f"eval_holdout.{path}")
    assert text in caught.value.reason


def test_a_dataset_without_its_key_is_named_at_the_first_trial(folder: Path) -> None:
    holdout = HoldoutEvaluator("train.npz", "test.npz", target="energy")
    with pytest.raises(ConfigError, match=r"train: .*train.npz has no array 'energy'; it has x, y"):
        holdout({"holdout_slope": {}})


def test_what_a_dataset_component_gives_is_checked() -> None:
    class Unequal(Dataset):
        kind = "holdout_unequal"

        def load(self) -> Any:
            return X_TEST, Y_TRAIN

    with pytest.raises(ConfigError, match="test: holdout_unequal: x has 2 samples and y has 4"):
        HoldoutEvaluator("train.npz", Unequal())({"holdout_slope": {}})


def test_a_loss_that_does_not_suit_the_targets_is_a_wrong_config() -> None:
    class Continuous(Dataset):
        kind = "holdout_continuous"

        def load(self) -> Any:
            return X_TEST, np.array([0.5, 1.5])

    holdout = HoldoutEvaluator("train.npz", Continuous(), loss="accuracy")
    with pytest.raises(ConfigError, match=r"the loss 'accuracy' does not suit the targets of the test set"):
        holdout({"holdout_slope": {}})


@pytest.mark.parametrize(
    ("what", "loss", "text"),
    [
        ("short", "rmse", r"predicted the shape \(1,\), the targets have \(2,\)"),
        ("column", "rmse", r"predicted the shape \(2, 1\), the targets have \(2,\)"),
        ("nan", "rmse", "predicted 1 of 2 values that are not finite"),
        ("text", "rmse", "predicted no numbers, but values of type <U2"),
        ("none", "rmse", "predicted no numbers, but values of type object"),
        ("negative", "rmsle", "the loss 'rmsle' is not defined for these predictions"),
    ],
)
def test_wrong_predictions_are_errors_of_the_trial(what: str, loss: str, text: str) -> None:
    with pytest.raises(InvalidResult, match=text):
        evaluator(loss=loss)({"holdout_odd": {"what": what}})


def test_what_is_no_model_is_named() -> None:
    with pytest.raises(ConfigError, match=r"'holdout_mute' is no model: Mute has no predict\(\)"):
        evaluator()({"holdout_mute": {}})
    with pytest.raises(ConfigError, match=r"is no model: Counted has no train\(\) or fit\(\)"):
        evaluator()({"holdout_counted": {"part": "train"}})
    with pytest.raises(UnknownKind, match="did you mean 'holdout_slope'"):
        evaluator()({"holdout_slop": {}})
    with pytest.raises(ConfigError, match=r"written \{kind: \{arguments\}\}"):
        evaluator()({"x": 1.0, "y": 2.0})
