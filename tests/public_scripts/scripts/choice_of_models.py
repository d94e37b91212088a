"""The shape of hyperopt's own tutorial: a choice of models, each with its parameters; failures have a status."""

import sys

import numpy as np
from hyperopt import STATUS_FAIL, STATUS_OK, hp
from hyperopt.pyll.base import scope

from runlib import Hyperopt, Run, StopMax

generator = np.random.default_rng(0)
features = generator.normal(size=(120, 3))
target = features @ [1.0, -2.0, 0.5] + 0.1 * generator.normal(size=120)
best = np.inf


def ridge(alpha, degree=1):
    x = np.hstack([features[:80] ** k for k in range(1, degree + 1)])
    weights = np.linalg.solve(x.T @ x + alpha * np.eye(x.shape[1]), x.T @ target[:80])
    return np.hstack([features[80:] ** k for k in range(1, degree + 1)]) @ weights


def neighbours(n_neighbors, weights):
    distances = ((features[80:, None] - features[None, :80]) ** 2).sum(-1)
    nearest = np.argsort(distances, axis=1)[:, :n_neighbors]
    shares = {"uniform": np.ones(nearest.shape), "distance": 1 / np.take_along_axis(distances, nearest, 1)}[weights]
    return (target[:80][nearest] * shares).sum(1) / shares.sum(1)


MODELS = {"ridge": ridge, "knn": neighbours}
space = hp.choice(
    "model",
    [
        {
            "type": "ridge",
            "alpha": hp.lognormal("alpha", 0, 1),
            "degree": scope.int(1 + hp.quniform("degree", 0, 2, 1)),
        },
        {
            "type": "knn",
            "n_neighbors": hp.choice("n_neighbors", np.arange(1, 12, dtype=int)),
            "weights": hp.choice("weights", ["uniform", "distance", "cosine"]),
        },
    ],
)


def objective(params):
    global best
    model = MODELS[params["type"]]
    del params["type"]
    try:
        loss = np.mean((model(**params) - target[80:]) ** 2)
    except Exception as error:
        return {"status": STATUS_FAIL, "exception": str(error)}
    if loss < best:
        print("new best:", loss)
        best = loss
    sys.stdout.flush()
    return {"loss": loss, "status": STATUS_OK}


run = Run(Hyperopt(space, seed=1), objective, StopMax(30)).prepare("runs").run()
print("best:", run.best.suggestion)
assert run.best.suggestion["type"] == "ridge"
assert run.best.loss < 0.1
assert isinstance(run.best.suggestion["degree"], int)
assert set(run.state.trials.count_by_error()) == {"Failed"}  # nobody knows "cosine"
