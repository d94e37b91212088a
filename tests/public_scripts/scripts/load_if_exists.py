"""The shape of a script that is started again after it died: a named study that is gone on with, a cached loader."""

import functools
import os
import signal
from pathlib import Path

import numpy as np
from hyperopt import hp

from runlib import Hyperopt, Run, StopMax

MANAGER = os.getpid()
LOG = Path("evaluated.txt")
DIES_AT = 5


@functools.lru_cache(maxsize=None)  # noqa: UP033
def load_data(n):
    x = np.linspace(0, 1, n)
    return x, 3 * x


def objective(params, scale=1.0):
    x, y = load_data(params["n"])
    with LOG.open("a") as log:
        log.write(f"{params['slope']}\n")
    if len(LOG.read_text().splitlines()) == DIES_AT:
        os.kill(MANAGER, signal.SIGKILL)
    return scale * np.mean((params["slope"] * x - y) ** 2)


SPACE = {"n": 20, "slope": hp.uniform("slope", -5, 5)}

if __name__ == "__main__":
    run = Run(Hyperopt(SPACE), objective, StopMax(12), name="line").prepare("runs", resume=True).run()
    assert len(run.state.trials) == 12
    print("best", run.best.suggestion)
