"""The components of the kernel ridge example against closed forms, and its run file against the components."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runlib.engine import registry
from runlib.engine.component import Component, from_config
from runlib.engine.data.yamlfile import read_yaml
from runlib.errors import ConfigError
from runlib.evaluator import Evaluator
from runlib.stop import Stop

FOLDER = Path(__file__).parents[2] / "examples" / "kernel_ridge"
RUN = read_yaml(FOLDER / "run.yaml")


@pytest.fixture(autouse=True, scope="module")
def _components() -> Iterator[None]:
    """The kinds of the example, beside those of runlib alone, for the tests of this module."""
    with pytest.MonkeyPatch.context() as patch:
        own = {kind: cls for kind, cls in registry._classes.items() if cls.__module__.startswith("runlib.")}
        patch.setattr(registry, "_classes", own)
        patch.setattr(registry, "_plugins", [])
        patch.setattr(sys, "path", list(sys.path))
        patch.delitem(sys.modules, "components", raising=False)
        registry.load_plugin(str(FOLDER / "components.py"))
        yield
        del sys.modules["components"]


RANDOM = np.random.default_rng(7)
X, Z = RANDOM.normal(size=(20, 3)), RANDOM.normal(size=(8, 3))
Y = np.sin(X).sum(axis=1)


def krr(kernelf: Any, nl: float) -> Any:
    return from_config({"krr": {"kernel": {"kernel_global": {"kernelf": kernelf}}, "nl": nl}})


def direct(kernelf: Any, x: Any, z: Any) -> Any:
    """The kernel matrix, entry by entry, from the formulas."""
    [(kind, arguments)] = kernelf.items()
    functions = {
        "gaussian": lambda a, b: np.exp(-((a - b) ** 2).sum() / (2 * arguments["ls"] ** 2)),
        "laplacian": lambda a, b: np.exp(-np.abs(a - b).sum() / arguments["ls"]),
        "linear": lambda a, b: (a * b).sum(),
    }
    return np.array([[functions[kind](a, b) for b in z] for a in x])


KERNELS = [{"gaussian": {"ls": 0.7}}, {"gaussian": {"ls": 4.0}}, {"laplacian": {"ls": 1.3}}, {"linear": {}}]


@pytest.mark.parametrize("kernelf", KERNELS, ids=str)
def test_kernels(kernelf: Any) -> None:
    kernel = from_config({"kernel_global": {"kernelf": kernelf}})
    assert np.allclose(kernel(X, Z), direct(kernelf, X, Z), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kernelf", KERNELS, ids=str)
@pytest.mark.parametrize("nl", [1e-3, 2.0])
def test_krr_is_the_closed_form(kernelf: Any, nl: float) -> None:
    model = krr(kernelf, nl)
    model.train(X, Y)
    weights = np.linalg.solve(direct(kernelf, X, X) + nl * np.eye(len(X)), Y)
    assert np.allclose(model.predict(Z), direct(kernelf, Z, X) @ weights, rtol=1e-8, atol=1e-10)


def test_without_noise_it_goes_through_the_points() -> None:
    model = krr({"gaussian": {"ls": 0.5}}, 1e-10)
    model.train(X, Y)
    assert np.allclose(model.predict(X), Y, atol=1e-6)


def test_a_matrix_that_is_not_positive_definite_is_named() -> None:
    model = krr({"linear": {}}, 1e-300)
    with pytest.raises(np.linalg.LinAlgError, match=r"nl = 1e-300 .* not positive definite; a larger nl"):
        model.train(np.ones((5, 2)), np.ones(5))


def test_predicting_before_training_is_named() -> None:
    with pytest.raises(RuntimeError, match="call train"):
        krr({"linear": {}}, 1.0).predict(Z)


@pytest.mark.parametrize("kernelf", KERNELS, ids=str)
@pytest.mark.parametrize("scale", ["none", "standard", "range"])
def test_the_model_is_krr_on_scaled_inputs_and_centred_targets(scale: str, kernelf: Any) -> None:
    shift, width = {
        "none": (0.0, 1.0),
        "standard": (X.mean(axis=0), X.std(axis=0)),
        "range": (X.min(axis=0), np.ptp(X, axis=0)),
    }[scale]
    regression = krr(kernelf, 0.1)
    regression.train((X - shift) / width, Y - Y.mean())
    model = from_config({"model": {"scale": scale, "regression": krr(kernelf, 0.1)}})
    model.train(X, Y)
    assert np.allclose(model.predict(Z), regression.predict((Z - shift) / width) + Y.mean())


def test_defaults() -> None:
    assert from_config("gaussian").get_config() == {"gaussian": {"ls": 1.0}}
    assert from_config("laplacian").get_config() == {"laplacian": {"ls": 1.0}}
    regression = from_config({"krr": {"kernel": {"kernel_global": {"kernelf": "linear"}}}})
    assert regression.get_config() == {"krr": {"kernel": {"kernel_global": {"kernelf": {"linear": {}}}}, "nl": 1e-3}}


@pytest.mark.parametrize("scale", ["standard", "range"])
def test_a_constant_feature_does_no_harm(scale: str) -> None:
    x = np.column_stack([X, np.full(len(X), 3.0)])
    model = from_config({"model": {"scale": scale, "regression": krr({"gaussian": {"ls": 1.0}}, 0.1)}})
    model.train(x, Y)
    assert np.isfinite(model.predict(x)).all()


@pytest.mark.parametrize("part", ["train", "test"])
def test_the_dataset(part: str) -> None:
    x, y = from_config({"data_diabetes": {"part": part}}).load()
    n = {"train": 331, "test": 111}[part]
    assert x.shape == (n, 10)
    assert y.shape == (n,)
    again = from_config({"data_diabetes": {"part": part}}).load()
    assert np.array_equal(again[0], x)
    assert np.array_equal(again[1], y)


def test_the_two_parts_share_no_patient() -> None:
    (x_train, y_train), (x_test, y_test) = (
        from_config({"data_diabetes": {"part": part}}).load() for part in ("train", "test")
    )
    rows = {(*x, y) for x, y in zip(np.vstack([x_train, x_test]), np.concatenate([y_train, y_test]), strict=True)}
    assert len(rows) == 442


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({"gaussian": {"ls": 0}}, "gaussian.ls"),
        ({"laplacian": {"ls": "1"}}, "laplacian.ls"),
        ({"krr": {"kernel": {"kernel_global": {"kernelf": {"gaussian": {"ls": -1}}}}}}, "gaussian.ls"),
        ({"krr": {"kernel": {"kernel_global": {"kernelf": {"linear": {}}}}, "nl": 0.0}}, "krr.nl"),
        ({"krr": {"kernel": {"linear": {}}}}, "krr.kernel"),
        ({"kernel_global": {"kernelf": {"data_diabetes": {"part": "test"}}}}, "kernel_global.kernelf"),
        ({"model": {"scale": "log", "regression": {"krr": {}}}}, "model.scale"),
        ({"data_diabetes": {"part": "all"}}, "data_diabetes.part"),
    ],
)
def test_wrong_arguments_are_refused_with_their_path(config: Any, path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_config(config)
    assert caught.value.path.endswith(path)


def test_the_baseline_is_a_model_and_its_config_round_trips() -> None:
    model = from_config(RUN["baseline"], family=Component)
    assert model.get_config() == RUN["baseline"]
    assert from_config(json.loads(json.dumps(model.get_config()))).get_config() == RUN["baseline"]


def test_the_run_file_names_its_parts() -> None:
    assert RUN["plugins"] == ["components.py"]
    assert from_config(RUN["run"]["evaluator"], family=Evaluator).kind == "eval_holdout"
    assert from_config(RUN["run"]["stop"], family=Stop).kind == "stop_max"


def tuned(ls: float, nl: float) -> Any:
    kernel = {"kernel_global": {"kernelf": {"gaussian": {"ls": ls}}}}
    return {"model": {"scale": "standard", "regression": {"krr": {"kernel": kernel, "nl": nl}}}}


def test_tuning_is_worth_it() -> None:
    evaluator = from_config(RUN["run"]["evaluator"], family=Evaluator)
    baseline = evaluator(RUN["baseline"])
    points = [tuned(2.0**ls, 2.0**nl) for ls in (2, 4, 6) for nl in (-12, -8, -4)]
    results = [evaluator(point) for point in points]
    best = min(results, key=lambda result: result["loss"])
    assert baseline["loss"] == pytest.approx(65.239, abs=0.01)  # with this split, in the features' own units
    assert best["loss"] < 0.85 * baseline["loss"]
    assert best["losses"]["r2"] < baseline["losses"]["r2"]
