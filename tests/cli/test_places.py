"""Folders with bytes that are no UTF-8, and a working folder that was deleted: it works, or a sentence says why not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from runlib import Run, StopMax
from runlib.audit.repair import repair
from runlib.audit.verify import verify
from runlib.engine import registry
from runlib.engine.data.canonical import dump
from runlib.run.edits.edit import Inbox
from tests.audit.audit_tools import finished_run
from tests.fakes import DirectPool, quadratic

CONFIG = """
run:
  search: {search_random: {space: {x: [hp_uniform, x, 0, 1]}}}
  evaluator: {eval_function: {function: "tests.fakes:quadratic"}}
  stop: {stop_max: {count: 4}}
pool: pool_serial
context: {capture_output: true}
"""
ROOT = Path(__file__).parents[2]
GONE = """
import os, sys
os.chdir(sys.argv[1])
os.rmdir(sys.argv[1])
sys.argv[:] = ["runlib", *sys.argv[2:]]
from runlib.cli.main import main
main()
"""


def run_command(*command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    words = [os.fspath(word) if isinstance(word, Path) else str(word) for word in command]
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=60,
        check=False,
    )


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A folder whose name is no UTF-8."""
    folder = tmp_path / os.fsdecode(b"b\xe9d \xff")
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("the disk takes only UTF-8")
    (folder / "c.yml").write_text(CONFIG)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("pool", ["pool_serial", "pool_processes"])
def test_a_run_in_a_folder_that_is_no_utf_8_does_all_that_others_do(odd: Path, pool: str) -> None:
    (odd / "c.yml").write_text(CONFIG.replace("pool_serial", pool))
    commands = [
        ("run", "c.yml", "--name", "a", "--workers", "1"),
        ("status", "run_a"),
        ("top", odd / "run_a"),
        ("enqueue", "run_a", "{x: 0.5}"),
        ("fork", "run_a", "--name", "b"),
        ("repair", odd / "run_a", odd / "run_c"),
        ("restore", "run_b", "--stop", "{stop_max: {count: 6}}"),
        ("clean", odd),
    ]
    for command in commands:
        done = run_command("-m", "runlib", *command, cwd=odd)
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), (command, done.stderr)
    for name, trials in (("a", 4), ("b", 6), ("c", 4)):
        done = run_command("-m", "runlib", "verify", "--json", f"run_{name}", cwd=odd)
        report = json.loads(done.stdout)
        assert (report["verdict"], report["counts"]["trials"]) == ("intact", trials)


def test_what_works_without_a_working_folder_works_without_one(tmp_path: Path) -> None:
    folder = finished_run(tmp_path)
    for words in (["verify", folder], ["enqueue", folder, "{x: 0.5}"]):
        (tmp_path / "gone").mkdir()
        done = run_command("-c", GONE, tmp_path / "gone", *words, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["fork", "FOLDER"],
        ["repair", "FOLDER", "new"],
        ["run", "CONFIG"],
        ["run", "c.yml"],
        ["restore", "run_x"],
    ],
    ids=" ".join,
)
def test_what_needs_a_working_folder_says_so_in_one_line(tmp_path: Path, words: list[str]) -> None:
    folder = finished_run(tmp_path)
    (tmp_path / "c.yml").write_text(CONFIG)
    (tmp_path / "gone").mkdir()
    places = {"FOLDER": str(folder), "CONFIG": str(tmp_path / "c.yml")}
    done = run_command("-c", GONE, tmp_path / "gone", *(places.get(word, word) for word in words), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.usefixtures("own_registry")
def test_what_tapes_and_reports_hold_is_text(odd: Path) -> None:
    registry.add_path(odd)
    folder = finished_run(odd, context={"capture_output": True})
    fork = Run.fork(folder, directory=odd, name="fork", evaluator=quadratic, stop=StopMax(8), pool=DirectPool()).run()
    assert len(fork.state.trials) == 8
    assert dump(verify(folder).as_data())
    assert dump(repair(folder, odd / "repaired").as_data())
    assert verify(odd / "repaired").verdict == "intact"
    assert Inbox(folder).annotate(None, "a remark")


@pytest.mark.slow
def test_workers_are_not_started_where_there_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "c.yml").write_text(CONFIG.replace("pool_serial", "pool_processes"))
    (tmp_path / "gone").mkdir()
    words = ["run", tmp_path / "c.yml", "--directory", tmp_path]
    done = run_command("-c", GONE, tmp_path / "gone", *words, cwd=tmp_path)
    assert done.returncode == 1
    assert "the working folder of this process was deleted" in done.stderr
    assert "Traceback" not in done.stderr
