"""What is defined in the script being run works in the workers, however the script is run, and never runs twice."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import runlib

SCRIPT = """
import sys
import joblib
from runlib.engine.component import Component, from_config
from runlib.evaluator.base import Evaluator
from runlib.pool.base import Task
from runlib.pool.processes.pool import ProcessPool

OFFSET = 10.0

class Model(Component, abstract=True):
    pass

class Line(Model):
    kind = "model"  # the lower-case name of its abstract base

    def __init__(self, slope, context=None):
        super().__init__(context)
        self.slope = slope

    def __call__(self, x):
        return self.slope * x + OFFSET

def square(x):
    return x * x

class Mine(Evaluator):
    def __call__(self, suggestion):
        model = from_config({"model": {"slope": suggestion["slope"]}})
        joblib.dump(model, suggestion["file"])
        assert joblib.load(suggestion["file"]).slope == suggestion["slope"]
        return {"loss": model(square(3)), "main": __name__}

print("the script runs")
pool = ProcessPool()
pool.open(Mine(), {"max_workers": 2})
for tid in range(3):
    pool.schedule(Task(tid, {"slope": tid, "file": f"model-{tid}"}))
events = []
while len(events) < 3:
    events += pool.collect(10.0)
pool.close(1.0)
for event in sorted(events, key=lambda event: event.tid):
    print(event.tid, event.result["ok"]["loss"] if "ok" in event.result else event.result)
"""
EXPECTED = "the script runs\n0 10.0\n1 19.0\n2 28.0\n"


def run(arguments, folder, text=None, **environment):
    done = subprocess.run(
        [sys.executable, *arguments],
        input=text,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout


@pytest.mark.parametrize("how", ["file", "stdin", "module", "warnings as errors"])
def test_a_script_without_a_guard(tmp_path, how):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "script.py").write_text(SCRIPT)
    arguments = {
        "file": ["package/script.py"],
        "stdin": ["-"],
        "module": ["-m", "package.script"],
        "warnings as errors": ["-W", "error", "-X", "dev", "package/script.py"],
    }[how]
    assert run(arguments, tmp_path, SCRIPT if how == "stdin" else "") == EXPECTED


def test_a_script_that_is_also_named_as_a_plugin_does_not_run_again(tmp_path):
    text = "from runlib.engine.registry import load_plugin\nload_plugin('script.py')\n"
    (tmp_path / "script.py").write_text(SCRIPT.replace("pool = ", text + "pool = "))
    assert run(["script.py"], tmp_path) == EXPECTED


def test_runlib_found_by_the_script_itself(tmp_path):
    link = tmp_path / "elsewhere" / "runlib"
    link.parent.mkdir()
    link.symlink_to(runlib.__path__[0])
    script = SCRIPT.replace("x * x", "x * x if runlib.__file__.startswith(sys.path[0]) else 0")
    (tmp_path / "script.py").write_text(
        f"import sys\nsys.path.insert(0, {str(link.parent)!r})\nimport runlib\n{script}"
    )
    assert run(["script.py"], tmp_path) == EXPECTED


def test_a_module_made_by_hand_travels_by_value(tmp_path):
    script = """
import sys, types
import runlib.pool.processes.pool as processes
from runlib.pool.base import Task
module = types.ModuleType("made_by_hand")
sys.modules["made_by_hand"] = module
exec('''
from runlib.evaluator.base import Evaluator
def inner(x):
    return x + 1.0
class Hand(Evaluator):
    def __call__(self, suggestion):
        return inner(suggestion["x"])
''', module.__dict__)
pool = processes.ProcessPool()
pool.open(module.Hand(), {"max_workers": 1})
pool.schedule(Task(0, {"x": 4}))
while not (events := pool.collect(10.0)):
    pass
print(events[0].result.get("ok", events[0].result).get("loss"))
pool.close(1.0)
"""
    assert run(["-c", script], tmp_path) == "5.0\n"


def test_output_is_that_of_the_manager_when_it_is_not_captured(tmp_path):
    script = SCRIPT.replace('return {"loss"', 'print("from a trial"); return {"loss"')
    (tmp_path / "script.py").write_text(script)
    assert run(["script.py"], tmp_path).count("from a trial\n") == 3
