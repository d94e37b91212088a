"""A tape names code. That of another user, or named by a tape of another user, runs only where it is trusted."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runlib import NotTrusted, RandomSearch, Run, StopMax, from_config
from runlib.audit.verify import verify
from runlib.engine.code import trust
from runlib.errors import ConfigError

MARK = "import pathlib; pathlib.Path(__file__).with_name('executed').touch()\n"
SCRIPT = MARK + (
    "from runlib import RandomSearch, Run, StopMax\n"
    "def evaluate(x):\n    return x\n"
    "if __name__ == '__main__':\n"
    "    Run(RandomSearch({'x': ['hp_uniform', 'x', 0, 1]}), evaluate, StopMax(2), name='demo').prepare().run()\n"
)
PLUGIN = MARK + (
    "from runlib import RandomSearch\n"
    "class Own(RandomSearch):\n    kind = 'search_own_of_plugin'\n"
    "def evaluate(x):\n    return x\n"
)
CONFIG = """
plugins: [own_plugin.py]
run:
  name: demo
  search: {search_own_of_plugin: {space: {x: [hp_uniform, x, 0, 1]}}}
  evaluator: {eval_function: {function: "own_plugin.py:evaluate"}}
  stop: {stop_max: {count: 2}}
"""
MORE = "{stop_max: {count: 3}}"


def evaluate(x: float) -> float:
    return -x


@pytest.fixture
def belongs(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Lets a path belong to another user, as this process sees it."""
    others: set[Path] = set()
    real = trust._owner
    monkeypatch.setattr(trust, "_owner", lambda path: 65_534 if path in others else real(path))
    return lambda path: others.add(path.resolve())


def command(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", *arguments]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, timeout=60)


def script_run(folder: Path) -> Path:
    (folder / "job.py").write_text(SCRIPT)
    subprocess.run([sys.executable, "job.py"], cwd=folder, check=True, timeout=60)
    (folder / "executed").unlink()
    return folder / "run_demo"


def module_run(folder: Path) -> Path:
    (folder / "own_plugin.py").write_text(PLUGIN)
    (folder / "config.yaml").write_text(CONFIG)
    assert command("runlib", "run", "config.yaml", folder=folder).returncode == 0
    (folder / "executed").unlink()
    return folder / "run_demo"


RUNS: list[Any] = [script_run, module_run]


@pytest.mark.parametrize("make", RUNS)
def test_code_of_another_user_asks_for_trust(make: Any, tmp_path: Path, belongs: Any, own_registry: None) -> None:
    run = make(tmp_path)
    code = next(tmp_path.glob("*.py"))
    belongs(code)
    with pytest.raises(
        NotTrusted, match=r"belongs to the user .* names it as code to execute; look at it, then add --"
    ):
        Run.restore(run, new_stop=StopMax(3))
    assert not (tmp_path / "executed").exists()
    assert len(Run.checkout(run).state.trials) == 2


@pytest.mark.parametrize("make", RUNS)
def test_a_tape_of_another_user_asks_for_trust(make: Any, tmp_path: Path, belongs: Any, own_registry: None) -> None:
    run = make(tmp_path)
    belongs(run / "tape.son")
    with pytest.raises(NotTrusted, match=r"tape\.son belongs to the user .*, and names code to execute, "):
        Run.restore(run, new_stop=StopMax(3))
    assert not (tmp_path / "executed").exists()


def test_a_folder_of_another_user_is_as_its_file(tmp_path: Path, belongs: Any, own_registry: None) -> None:
    run = script_run(tmp_path)
    belongs(tmp_path)
    with pytest.raises(NotTrusted):
        Run.restore(run)
    with pytest.raises(NotTrusted):
        Run.fork(run, directory=tmp_path / "forks")
    assert not (tmp_path / "executed").exists()
    assert not list((tmp_path / "forks").glob("run_*"))


def test_a_tape_may_not_name_what_is_installed_either(tmp_path: Path, belongs: Any) -> None:
    """As ``os:system`` with suggestions that are commands."""
    run = Run(RandomSearch({"x": ["hp_uniform", "x", 0, 1]}), "math:exp", StopMax(1), name="demo").prepare(tmp_path)
    run.close()
    belongs(run.work_directory / "tape.son")
    with pytest.raises(NotTrusted, match="names code to execute, math; look at it"):
        Run.restore(run.work_directory)
    with pytest.raises(NotTrusted):
        _ = Run.checkout(run.work_directory).evaluator
    assert Run.checkout(run.work_directory, trust=True).evaluator is not None
    assert isinstance(Run.checkout(run.work_directory).search, RandomSearch)


@pytest.mark.parametrize("make", RUNS)
def test_trusted_it_goes_on(make: Any, tmp_path: Path) -> None:
    run = make(tmp_path)
    other = 65_534 if os.geteuid() == 0 else os.geteuid()
    for path in (run / "tape.son", next(tmp_path.glob("*.py"))):
        os.chown(path, other, -1)
    done = command("runlib", "restore", str(run), "--stop", MORE, "--trust", "--quiet", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{run}\n")
    assert (tmp_path / "executed").exists()
    assert len(Run.checkout(run).state.trials) == 3


@pytest.mark.parametrize("make", RUNS)
def test_without_plugins_nothing_is_imported(make: Any, tmp_path: Path) -> None:
    run = make(tmp_path)
    before = (run / "tape.son").read_bytes()
    done = command("runlib", "restore", str(run), "--no-plugins", folder=tmp_path)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "executed").exists()
    assert (run / "tape.son").read_bytes() == before


def test_without_plugins_a_run_goes_on_with_what_is_given(tmp_path: Path, belongs: Any) -> None:
    run = script_run(tmp_path)
    belongs(run / "tape.son")
    belongs(tmp_path / "job.py")
    with pytest.warns(RuntimeWarning, match="the code or data of the evaluator"):
        again = Run.restore(run, evaluator=evaluate, new_stop=StopMax(3), plugins=False)
    assert len(again.run().state.trials) == 3
    assert not (tmp_path / "executed").exists()


def test_an_evaluator_that_is_named_by_the_user_needs_no_trust(tmp_path: Path) -> None:
    run = script_run(tmp_path)
    arguments = ["--stop", MORE, "--no-plugins", "--evaluator", "job.py:evaluate", "--quiet"]
    done = command("runlib", "restore", str(run), *arguments, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_replay_imports_only_what_is_trusted(tmp_path: Path, belongs: Any, own_registry: None) -> None:
    run = module_run(tmp_path)
    belongs(tmp_path / "own_plugin.py")
    assert verify(run).verdict == "intact"
    with pytest.raises(NotTrusted):
        verify(run, replay=True)
    with pytest.raises(ConfigError, match="search_own_of_plugin"):
        verify(run, replay=True, plugins=False)
    assert not (tmp_path / "executed").exists()
    assert verify(run, replay=True, trust=True).counts["replayed"] >= 2


def test_replay_without_plugins_of_a_search_that_needs_none(tmp_path: Path) -> None:
    run = script_run(tmp_path)
    done = command("runlib", "verify", str(run), "--replay", "--no-plugins", folder=tmp_path)
    assert done.returncode == 0
    assert "suggestions asked for again" in done.stdout
    assert not (tmp_path / "executed").exists()


def test_what_a_suggestion_names_is_not_imported_by_a_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that is a component of another kind: its config names a file."""
    (tmp_path / "evil.py").write_text(MARK + "def f(x):\n    return x\n")
    (tmp_path / "data.csv").write_text("a,b\n" + "".join(f"{n},{n}\n" for n in range(20)))
    search = {"search_fixed": {"suggestions": [{"eval_function": {"function": "evil.py:f"}}]}}
    evaluator = {"eval_holdout": {"train": "data.csv", "test": "data.csv", "target": "b"}}
    monkeypatch.chdir(tmp_path)
    made = from_config({"run": {"search": search, "evaluator": evaluator, "stop": 1, "name": "demo"}}, family=Run)
    made.prepare().close()
    pool = "--context", "{max_workers: 1}"
    done = command("runlib", "restore", "run_demo", "--no-plugins", *pool, folder=tmp_path)
    assert done.returncode == 1
    assert "which --no-plugins (plugins=False) does not import" in done.stderr
    assert not (tmp_path / "executed").exists()


def test_the_help_says_what_is_executed(tmp_path: Path) -> None:
    for name in ("restore", "verify"):
        text = " ".join(command("runlib", name, "--help", folder=tmp_path).stdout.split())
        assert "--no-plugins" in text
        assert "--trust" in text
        assert "executes code that the tape names" in text or "No code of the run is executed, except with" in text


def test_root_s_files_and_those_of_the_user_behind_sudo_are_mine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    owners = {tmp_path: 1000, tmp_path.parent: 0}
    monkeypatch.setattr(trust, "_owner", lambda path: owners[path])
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.delenv("SUDO_UID", raising=False)
    assert trust.owner_of_another(tmp_path) is not None
    monkeypatch.setenv("SUDO_UID", "1000")
    assert trust.owner_of_another(tmp_path) is None
    monkeypatch.setattr(os, "geteuid", lambda: 1001)
    assert trust.owner_of_another(tmp_path) is not None
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert trust.owner_of_another(tmp_path) is None
