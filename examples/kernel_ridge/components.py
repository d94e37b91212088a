"""Kernel ridge regression as components, and scikit-learn's diabetes data as a dataset.

A plugin of runlib: importing this module makes the kinds ``model``, ``krr``, ``kernel_global``, ``gaussian``,
``laplacian``, ``linear`` and ``data_diabetes`` known. The method is that of chapter 2.3 (regression with noise)
of C. E. Rasmussen and C. K. I. Williams, Gaussian Processes for Machine Learning, MIT Press 2006.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.spatial.distance import cdist

from runlib.engine.component import Component
from runlib.engine.extras import load as load_module
from runlib.errors import ConfigError
from runlib.evaluator.datasets.base import Arrays, Dataset

__all__ = ["Diabetes", "Gaussian", "GlobalKernel", "KernelRidge", "Laplacian", "Linear", "Model"]

Array = NDArray[np.float64]
SCALES = ("none", "standard", "range")


def positive(value: Any, name: str) -> float:
    """``value`` if it is a finite number above 0; otherwise a ConfigError at ``name``."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ConfigError(f"must be a finite number above 0, got {value!r}", name)
    return value


class Gaussian(Component):
    """exp(-d² / (2 ls²)), d being the Euclidean distance of two samples and ``ls`` the length scale."""

    kind = "gaussian"

    def __init__(self, ls: float = 1.0) -> None:
        super().__init__()
        self.ls = positive(ls, "ls")

    def __call__(self, x: Array, z: Array) -> Array:
        """The kernel matrix (n, m) of samples (n, features) and (m, features)."""
        matrix: Array = np.exp(-cdist(x, z, "sqeuclidean") / (2 * self.ls**2))
        return matrix


class Laplacian(Component):
    """exp(-d / ls), d being the sum of the absolute differences of two samples and ``ls`` the length scale."""

    kind = "laplacian"

    def __init__(self, ls: float = 1.0) -> None:
        super().__init__()
        self.ls = positive(ls, "ls")

    def __call__(self, x: Array, z: Array) -> Array:
        """The kernel matrix (n, m) of samples (n, features) and (m, features)."""
        matrix: Array = np.exp(-cdist(x, z, "cityblock") / self.ls)
        return matrix


class Linear(Component):
    """The scalar product of two samples."""

    kind = "linear"

    def __init__(self) -> None:
        super().__init__()

    def __call__(self, x: Array, z: Array) -> Array:
        """The kernel matrix (n, m) of samples (n, features) and (m, features)."""
        return x @ z.T


class GlobalKernel(Component):
    """A kernel function of whole samples: each one is described by one vector.

    Args:
        kernelf: The kernel function, as an object or a config.
        context: Passed on to it.
    """

    kind = "kernel_global"

    def __init__(self, kernelf: Any, context: dict[str, Any] | None = None) -> None:
        super().__init__(context)
        self.kernelf = self.build("kernelf", kernelf, Component)
        if not callable(self.kernelf):
            raise ConfigError(f"{self.kernelf.kind!r} is no kernel function", "kernelf")
        self._function = self.kernelf

    def __call__(self, x: Array, z: Array) -> Array:
        """The kernel matrix (n, m) of samples (n, features) and (m, features)."""
        matrix: Array = self._function(x, z)
        return matrix


class KernelRidge(Component):
    """Kernel ridge regression: weights = (K + nl I)⁻¹ y, by a Cholesky decomposition of K + nl I.

    Args:
        kernel: The kernel, as an object or a config.
        nl: The noise level (regularisation), above 0, in units of the kernel.
        context: Passed on to the kernel.
    """

    kind = "krr"

    def __init__(self, kernel: Any, nl: float = 1e-3, context: dict[str, Any] | None = None) -> None:
        super().__init__(context)
        self.kernel = self.build("kernel", kernel, GlobalKernel)
        self.nl = positive(nl, "nl")
        self._x: Array | None = None
        self._weights: Array | None = None

    def train(self, x: Array, y: Array) -> None:
        """Fit to inputs (n, features) and targets (n,).

        Raises:
            LinAlgError: K + nl I is not positive definite within the precision of the numbers.
        """
        matrix = self.kernel(x, x)
        matrix[np.diag_indices_from(matrix)] += self.nl
        try:
            factor = cho_factor(matrix, lower=True, overwrite_a=True)
        except LinAlgError as error:
            raise LinAlgError(
                f"the kernel matrix with nl = {self.nl:g} on its diagonal is not positive definite; "
                "a larger nl would make it so"
            ) from error
        self._x, self._weights = x, cho_solve(factor, y)

    def predict(self, x: Array) -> Array:
        """Predictions (m,) for inputs (m, features)."""
        if self._x is None or self._weights is None:
            raise RuntimeError("predict() needs a model that was trained: call train() first")
        predicted: Array = self.kernel(x, self._x) @ self._weights
        return predicted


class Model(Component):
    """A regression on scaled inputs and on targets without their mean; the training set sets both.

    Args:
        regression: The regression, as an object or a config.
        scale: What is done to each feature: ``"standard"`` (mean 0, standard deviation 1), ``"range"`` (from 0
            to 1) or ``"none"``.
        context: Passed on to the regression.
    """

    kind = "model"

    def __init__(self, regression: Any, scale: str = "none", context: dict[str, Any] | None = None) -> None:
        super().__init__(context)
        if scale not in SCALES:
            raise ConfigError(f"must be one of {', '.join(SCALES)}, got {scale!r}", "scale")
        self.regression = self.build("regression", regression, KernelRidge)
        self.scale = scale
        self._shift = self._width = np.zeros(0)
        self._mean = 0.0

    def train(self, x: Array, y: Array) -> None:
        """Fit to inputs (n, features) and targets (n,)."""
        self._shift, self._width = scaling(x, self.scale)
        self._mean = float(np.mean(y))
        self.regression.train(self._scaled(x), y - self._mean)

    def predict(self, x: Array) -> Array:
        """Predictions (m,) for inputs (m, features)."""
        return self.regression.predict(self._scaled(x)) + self._mean

    def _scaled(self, x: Array) -> Array:
        return (x - self._shift) / self._width


def scaling(x: Array, scale: str) -> tuple[Array, Array]:
    """What is subtracted from each feature and what it is divided by, both (features,)."""
    if scale == "none":
        return np.zeros(x.shape[1]), np.ones(x.shape[1])
    if scale == "standard":
        shift, width = x.mean(axis=0), x.std(axis=0)
    else:
        shift, width = x.min(axis=0), x.max(axis=0) - x.min(axis=0)
    return shift, np.where(width > 0, width, 1.0)  # a constant feature stays what it is


class Diabetes(Dataset):
    """442 patients, ten features in their units, and how far their disease went on within a year.

    The data ship with scikit-learn; they are those of B. Efron, T. Hastie, I. Johnstone and R. Tibshirani, Least
    Angle Regression, Annals of Statistics 32 (2004). A fixed shuffle makes 331 patients the training set and 111
    the test set.

    Args:
        part: ``"train"`` or ``"test"``.
    """

    kind = "data_diabetes"

    def __init__(self, part: str) -> None:
        super().__init__()
        if part not in ("train", "test"):
            raise ConfigError(f"must be 'train' or 'test', got {part!r}", "part")
        self.part = part

    def load(self) -> Arrays:
        """Inputs (331, 10) and targets (331,), or 111 of them."""
        x, y = load_module("sklearn.datasets", extra="examples").load_diabetes(return_X_y=True, scaled=False)
        order = np.random.default_rng(0).permutation(len(y))
        chosen = order[111:] if self.part == "train" else order[:111]
        return x[chosen], y[chosen]
