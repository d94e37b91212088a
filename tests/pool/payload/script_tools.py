"""Scripts whose functions are evaluated by both pools: what comes out has to be the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HEAD = """
from runlib.evaluator.functions.function import FunctionEvaluator
from runlib.pool.base import Task
from runlib.pool.processes.pool import ProcessPool
from runlib.pool.serial import SerialPool
"""
TAIL = """
import json

def collect_from(pool, evaluator, suggestions):
    pool.open(evaluator, {"max_workers": 1})
    for tid, suggestion in enumerate(suggestions):
        pool.schedule(Task(tid, suggestion))
    events = []
    while len(events) < len(suggestions):
        events += pool.collect(10.0)
    pool.close(1.0)
    return [event.result for event in sorted(events, key=lambda event: event.tid)]

if __name__ == "__main__":
    for pool in POOLS:
        print(json.dumps(collect_from(pool(), FunctionEvaluator(evaluate), SUGGESTIONS)), flush=True)
"""
FUTURE = "from __future__ import annotations\n"
BOTH = "POOLS = (ProcessPool, SerialPool)\n"
# Each function ``try_...`` of a script is one trial; the pool of this process comes first, so that it finds nothing
# that a worker left behind.
EACH = """
TRIALS = {name: value for name, value in list(globals().items()) if name.startswith("try_")}
SUGGESTIONS = [{"name": name} for name in TRIALS]

def evaluate(name):
    return {"loss": 0.0, "value": TRIALS[name]()}
"""


def run(arguments: list[str], folder: Path, text: str = "", **environment: str) -> str:
    """The output of a Python program that ends well and says nothing else."""
    done = subprocess.run(
        [sys.executable, *arguments],
        input=text,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == "", done.stderr
    assert done.returncode == 0
    return done.stdout


def run_script(folder: Path, body: str, how: str = "file") -> list[Any]:
    """What the pools say to a script with ``evaluate`` and ``SUGGESTIONS``: first the processes, then this process."""
    first = FUTURE if FUTURE in body else ""
    script = first + HEAD + BOTH + body.replace(FUTURE, "") + TAIL
    (folder / "package").mkdir()
    (folder / "package" / "__init__.py").write_text("")
    (folder / "package" / "job.py").write_text(script)
    arguments = {
        "file": ["package/job.py"],
        "stdin": ["-"],
        "command": ["-c", script],
        "module": ["-m", "package.job"],
    }[how]
    lines = run(arguments, folder, script if how == "stdin" else "").splitlines()
    return [json.loads(line) for line in lines if line.startswith("[")]


def try_each(folder: Path, body: str, how: str = "file") -> dict[str, Any]:
    """What each function ``try_...`` of a script returns in a worker; it is what it returns in the script itself."""
    names = [line[4:].partition("(")[0] for line in body.splitlines() if line.startswith("def try_")]
    away, here = [[_value(result) for result in results] for results in run_script(folder, body + EACH, how)]
    assert away == here, f"{away} {here}"
    return dict(zip(names, away, strict=True))


def _value(result: dict[str, Any]) -> Any:
    return result["ok"]["value"] if "ok" in result else result["error"]["error_text"]
