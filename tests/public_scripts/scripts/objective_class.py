"""The shape of Optuna's and NePS's classes: data in an object that is called, distributions, arguments, logging."""

import argparse
import logging

import numpy as np
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from runlib import Hyperopt, Run, StopMax

logger = logging.getLogger(__name__)


class Objective(object):  # noqa: UP004
    def __init__(self, x, y, args):
        self.x, self.y, self.args = x, y, args

    def __call__(self, params):
        weights = np.random.default_rng(self.args.seed).normal(size=(1, params["units"]))
        hidden = {"tanh": np.tanh, "sin": np.sin}[params["activation"]](self.x[:, None] @ weights)
        solved = np.linalg.solve(hidden.T @ hidden + params["decay"] * np.eye(params["units"]), hidden.T @ self.y)
        accuracy = 1 - np.mean((hidden @ solved - self.y) ** 2)
        logger.info("params %s, accuracy %.3f", params, accuracy)
        return accuracy


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--n-trials", type=int, default=15)
    parser.add_argument("--seed", type=int, default=42)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    x = np.linspace(-3, 3, 60)
    space = {
        "units": IntDistribution(1, 32, log=True),
        "activation": CategoricalDistribution(["tanh", "sin"]),
        "decay": FloatDistribution(1e-6, 1e-1, log=True),
    }
    objective = Objective(x, np.sin(2 * x), args)
    study = Run(Hyperopt(space, seed=args.seed), objective, StopMax(args.n_trials), direction="maximize")
    study.prepare("runs").run()
    logger.info("best %s", study.best)
    assert len(study.state.trials) == args.n_trials
    assert study.best.loss == max(study.state.trials.losses) > 0.8


if __name__ == "__main__":
    main()
