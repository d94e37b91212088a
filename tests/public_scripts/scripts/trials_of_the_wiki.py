"""The shape of notebooks, fed to ``python -``: results of all kinds, bytes, a partial, rounds."""

import datetime
import pickle
import time
import warnings
from functools import partial

import numpy as np
from hyperopt import STATUS_OK, hp

from runlib import Hyperopt, Run, StopMax

warnings.filterwarnings("ignore")
np.seterr(all="ignore")


def objective(args, offsets, note="", clock=time.time):
    started = datetime.datetime.now()
    x, (name, scale) = args
    warnings.warn("not to be seen", stacklevel=1)
    fold_losses = (x - offsets) ** 2 * scale
    return {
        "loss": fold_losses.mean(),
        "loss_variance": fold_losses.var(),
        "status": STATUS_OK,
        "eval_time": clock(),
        "other_stuff": {"type": None, "value": [0, 1, 2], "name": name, "note": note},
        "fold_losses": fold_losses,
        "train_time": datetime.datetime.now() - started,
        "model": objective,
        "attachments": {"time_module": pickle.dumps(time.time)},
    }


space = [hp.uniform("x", -10, 10), hp.choice("case", [("one", 1), ("two", hp.lognormal("scale", 0, 1))])]
fn = partial(objective, offsets=np.array([0.0, 1.0, 2.0]), note="a note")
trials = Run(Hyperopt(space), fn, StopMax(5)).prepare("runs").run()
for step in (10, 15):
    done = len(Run.checkout(trials.work_directory).state.trials)
    print(f"Found saved Trials! Rerunning from {done} trials to {step}")
    trials = Run.restore(trials.work_directory, evaluator=fn, new_stop=StopMax(step)).run()

outcome = trials.state.trials.get_outcome(trials.best.tid)
assert len(trials.state.trials.losses) == 15
assert min(trials.state.trials.losses) == trials.best.loss
assert outcome["other_stuff"]["value"] == [0, 1, 2]
assert outcome["other_stuff"]["note"] == "a note"
assert np.isclose(np.mean(outcome["fold_losses"]), outcome["loss"])
assert np.isclose(np.var(outcome["fold_losses"]), outcome["var"])
assert "model" not in outcome
