"""The shape of scripts that are parallel inside of a trial: a Pool and an executor call a function of the script."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
from hyperopt import STATUS_OK, hp

from runlib import Hyperopt, Run, StopMax

x = np.linspace(0, 1, 30)
y = np.sin(5 * x)
N_FOLDS = 3


def evaluate_fold(fold, degree):
    held_out = np.arange(len(x)) % N_FOLDS == fold
    fitted = np.polyfit(x[~held_out], y[~held_out], degree)
    return np.mean((np.polyval(fitted, x[held_out]) - y[held_out]) ** 2)


def objective(params):
    how = params.pop("how")
    task = partial(evaluate_fold, degree=params["degree"])
    if how == "pool":
        with multiprocessing.Pool(2) as pool:
            scores = pool.map(task, range(N_FOLDS))
    elif how == "executor":
        with ProcessPoolExecutor(max_workers=2) as executor:
            scores = list(executor.map(task, range(N_FOLDS)))
    else:
        scores = [task(fold) for fold in range(N_FOLDS)]
    return {"loss": np.mean(scores), "status": STATUS_OK, "how": how}


space = {"how": hp.choice("how", ["pool", "executor", "serial"]), "degree": hp.randint("degree", 1, 9)}

if __name__ == "__main__":
    run = Run(Hyperopt(space, method="rand"), objective, StopMax(9), trial_timeout=30).prepare("runs").run()
    assert {outcome["how"] for outcome in run.state.trials.where_state("ok").values()} == {"pool", "executor", "serial"}
    assert run.best.suggestion["degree"] > 2
