"""A folder with a small project in it, and the command run there as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from runlib.cli.main import app
from runlib.engine.data.yamlfile import write_yaml

PLUGIN = '''
from runlib import Observer, Search, SearchExhausted, Stop


class Steps(Search):
    """Goes along ten points, in an order that is not theirs."""

    kind = "search_steps"

    def __init__(self, space=None, seed=123):
        self.space, self.seed, self.made = space, seed, 0

    def suggest(self):
        if self.made == 10:
            raise SearchExhausted("ten points were made")
        self.made += 1
        return self.made - 1, {"model": {"x": (self.made * 7 % 10) / 10, "kernel": "linear"}}

    def submit(self, tid, *, error=False, loss=None, var=None):
        pass


class Never(Stop):
    kind = "stop_never"

    def done(self, state):
        return False


class Shouting(Observer):
    kind = "observe_shouting"

    def observe(self, event, state):
        raise RuntimeError("not again")
'''

MODEL = """
import os, pathlib, time


def loss(model):
    return (model["x"] - 0.31) ** 2


def broken(model):
    return 1 / 0


def waiting(model):
    pathlib.Path("started").touch()
    while True:
        time.sleep(0.01)
"""

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def config(**changes: Any) -> dict[str, Any]:
    """What stands in ``run.yaml``: six trials; ``changes`` by top-level key, ``run`` being merged."""
    run = {
        "search": {"search_steps": {}},
        "evaluator": {"eval_function": {"function": "model.py:loss"}},
        "stop": {"stop_max": {"count": 6}},
        "name": "red_fox",
    }
    base = {"plugins": ["steps.py"], "context": {"max_workers": 1}, "run": {**run, **changes.pop("run", {})}}
    return {**base, **changes}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A working folder, empty but for ``project`` with a config, a plugin and a model."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "steps.py").write_text(PLUGIN)
    (folder / "model.py").write_text(MODEL)
    (folder / "run.yaml").write_text(write_yaml(config()))
    return tmp_path


def environment() -> dict[str, str]:
    """That of the tests, without what changes how text is shown."""
    left_out = ("FORCE_COLOR", "NO_COLOR", "COLUMNS", "RUNLIB_PLUGINS")
    return {key: value for key, value in os.environ.items() if key not in left_out}


@pytest.fixture
def command(project: Path) -> Command:
    """Runs ``runlib`` in the working folder, as a process of its own."""

    def run(*arguments: str, folder: Path = project) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "runlib", *arguments]
        return subprocess.run(words, cwd=folder, env=environment(), capture_output=True, text=True, timeout=60)

    return run


@pytest.fixture
def quick(project: Path, own_registry: None, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The same within this process, which is quicker; what a command imported, the next one finds imported."""
    monkeypatch.chdir(project)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        done = CliRunner().invoke(app, arguments)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)

    return run
