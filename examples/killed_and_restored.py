"""A run is killed in the middle, without warning, and goes on as if nothing had happened.

Run it with ``python examples/killed_and_restored.py [directory]``. It makes two runs with the same seed: one is left
in peace, the other one's process is killed by SIGKILL, which no program can catch, and restored by a new process. At
the end both have suggested and found exactly the same.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from runlib import Hyperopt, Run, StopMax

SPACE = {"x": ["hp_uniform", "x", -5, 5], "y": ["hp_choice", "y", [1, 2, ["hp_normal", "z", 3, 1]]]}


def evaluate(x, y):
    """A function with some work to do."""
    time.sleep(0.02)
    return x**2 + (y - 3) ** 2


def work(directory):
    """What the processes do: begin the run in ``directory``, or go on with it if it is there."""
    run = Run(Hyperopt(SPACE), evaluate, StopMax(60), name="demo", context={"max_workers": 1})
    run.prepare(directory, resume=True).run()


def start(directory):
    """A process of its own for ``work``."""
    return subprocess.Popen([sys.executable, __file__, "--work", str(directory)])


def story(directory):
    """What stands on the tape: suggestions, and losses, in order."""
    state = Run.checkout(next(Path(directory).glob("run_*"))).state
    return [(tid, outcome["suggestion"], outcome["loss"]) for tid, (_, outcome) in state.trials.items()]


def compare(home):
    """Two runs, one of them killed; returns how many trials they share."""
    peaceful, killed = home / "peaceful", home / "killed"
    start(peaceful).wait()
    process = start(killed)
    while len(list(killed.glob("run_*"))) == 0 or len(story(killed)) < 25:
        time.sleep(0.05)
    process.kill()
    process.wait()
    print(f"killed after {len(story(killed))} of 60 trials")
    start(killed).wait()
    assert story(killed) == story(peaceful)
    return len(story(killed))


if sys.argv[1:2] == ["--work"]:
    work(sys.argv[2])
elif len(sys.argv) > 1:
    print(f"restored, and {compare(Path(sys.argv[1]))} trials are identical to those of the run left in peace")
else:
    with tempfile.TemporaryDirectory() as folder:
        print(f"restored, and {compare(Path(folder))} trials are identical to those of the run left in peace")
