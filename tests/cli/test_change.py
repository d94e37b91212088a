"""The commands that change a run, while another process runs it and while none does."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runlib import Run
from runlib.engine.data.yamlfile import write_yaml
from runlib.run.edits.inbox import InboxFolder
from runlib.tape.lock import FolderLock
from tests.cli.conftest import Command, config, environment
from tests.cli.test_commands import wait_for

SLOW = """
import pathlib, time


def loss(model):
    pathlib.Path("started").touch()
    while not pathlib.Path("go").exists():
        time.sleep(0.01)
    return (model["x"] - 0.31) ** 2
"""


@pytest.fixture
def folder(project: Path, quick: Command) -> Path:
    """A run of six trials that ended."""
    assert quick("run", "project/run.yaml", "--quiet").returncode == 0
    return project / "run_red_fox"


@pytest.fixture
def running(project: Path) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """A run whose first trial goes on until there is a file ``go``."""
    (project / "project/model.py").write_text(SLOW)
    words = [sys.executable, "-m", "runlib", "run", "project/run.yaml", "--quiet"]
    process = subprocess.Popen(
        words, cwd=project, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        wait_for(project / "started", process)
        yield project / "run_red_fox", process
    finally:
        (project / "go").touch()
        process.communicate(timeout=60)


def test_enqueue(folder: Path, quick: Command, project: Path) -> None:
    done = quick("enqueue", str(folder), "{model: {x: 0.31, kernel: linear}}")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{folder}: the suggestion is enqueued\n", "")
    (project / "wish.yaml").write_text("model: {x: 0.3, kernel: linear}")
    assert quick("enqueue", str(folder), "wish.yaml").returncode == 0
    assert quick("restore", str(folder), "--stop", "{stop_max: {count: 9}}", "--quiet").returncode == 0
    tried = [entry[1]["suggestion"]["model"]["x"] for entry in Run.checkout(folder).state.trials.values()]
    assert tried[-2:] == [0.31, 0.3]


def test_void_annotate_and_status(folder: Path, quick: Command) -> None:
    done = quick("void", str(folder), "3", "--reason", "the disk was full")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{folder}: trial 3 is void\n", "")
    assert quick("annotate", str(folder), "a good day").stdout == f"{folder}: the remark is on the tape\n"
    assert quick("annotate", str(folder), "odd", "--trial", "2").returncode == 0
    assert quick("enqueue", str(folder), "{x: 1}").returncode == 0
    shown = quick("status", str(folder)).stdout.splitlines()
    assert "Trials:      5 finished, 5 ok, 0 failed, 1 live, 1 void, 1 enqueued." in shown
    assert "Void:        trial 3: the disk was full" in shown
    assert "Remark:      a good day" in shown
    assert "Remark:      trial 2: odd" in shown
    about = json.loads(quick("status", str(folder), "--json").stdout)
    assert about["voided"] == [{"trial": 3, "reason": "the disk was full"}]
    assert [note["text"] for note in about["notes"]] == ["a good day", "odd"]
    top = json.loads(quick("top", str(folder), "--json").stdout)
    assert 3 not in [row["trial"] for row in top]
    verdict = quick("verify", str(folder), "--replay")
    assert (verdict.returncode, "intact" in verdict.stdout) == (0, True)


def test_fork(folder: Path, quick: Command, project: Path) -> None:
    done = quick("fork", str(folder), "--at", "6", "--directory", "forks", "--name", "tan_hen", "--quiet")
    assert done.returncode == 2
    done = quick("fork", str(folder), "--at", "6", "--directory", "forks", "--name", "tan_hen")
    made = project / "forks/run_tan_hen"
    assert (done.returncode, done.stdout) == (0, f"{made}\n")
    assert done.stderr == f"to go on: runlib restore {made}\n"
    assert quick("restore", str(made), "--quiet").returncode == 0
    ours, theirs = (Run.checkout(where).state for where in (made, folder))
    losses = [[entry[1]["loss"] for entry in state.trials.values()] for state in (ours, theirs)]
    assert losses[0] == losses[1]
    assert quick("verify", str(made), "--replay").returncode == 0


def test_fork_with_another_search(folder: Path, quick: Command, project: Path) -> None:
    space = "{model: {x: [hp_uniform, x, 0, 1], kernel: linear}}"
    done = quick("fork", str(folder), "--search", f"{{search_hyperopt: {{space: {space}, method: rand}}}}")
    made = Path(done.stdout.strip())
    assert (done.returncode, made.parent) == (0, project)
    done = quick("restore", str(made), "--stop", "{stop_max: {count: 8}}", "--quiet")
    assert done.returncode == 0, done.stderr
    assert len(Run.checkout(made).state.trials) == 8


WRONG = {
    "no folder": (("void", "nowhere", "0"), "nowhere is no run: there is no such folder"),
    "no run": (("enqueue", "project", "{x: 1}"), "project is no run: there is no tape.son in it"),
    "no such trial": (("void", "run_red_fox", "99"), "there is no trial 99 in this run: its trials are 0 to 6"),
    "a remark on no trial": (("annotate", "run_red_fox", "x", "--trial", "99"), "there is no trial 99 in this run"),
    "nothing runs": (("stop", "run_red_fox"), "it is not running: there is nothing to stop"),
    "no YAML": (("enqueue", "run_red_fox", "{x: ["), "SUGGESTION: the text, line 1"),
    "no file": (("enqueue", "run_red_fox", "gone.yaml"), "SUGGESTION: gone.yaml cannot be read"),
    "a key that is no text": (("enqueue", "run_red_fox", "{1: 2}"), "SUGGESTION: the text, line 1"),
    "a fork of nothing": (("fork", "nowhere"), "nowhere is no run"),
    "a fork by no name": (("fork", "run_red_fox", "--name", "a b"), "--name: 'a b' is not a plain name"),
    "a fork with no stop": (("fork", "run_red_fox", "--stop", "3.5"), "--stop: takes {kind: {arguments}}"),
    "a fork with an unknown search": (
        ("fork", "run_red_fox", "--search", "{search_gone: {}}"),
        "--search: no component of kind 'search_gone' is registered",
    ),
    "a fork into its place": (("fork", "run_red_fox", "--name", "red_fox"), "run_red_fox exists"),
    "a fork into a file": (("fork", "run_red_fox", "--directory", "project/run.yaml"), "cannot hold a run"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_one_sentence_and_changes_nothing(folder: Path, quick: Command, name: str) -> None:
    words, message = WRONG[name]
    before = sorted(folder.parent.rglob("*")), (folder / "tape.son").read_bytes()
    done = quick(*words)
    assert (done.returncode, done.stdout) == (2, ""), done
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    left = [path for path in sorted(folder.parent.rglob("*")) if "inbox" not in path.parts[-2:]]
    assert (left, (folder / "tape.son").read_bytes()) == before
    assert InboxFolder(folder).waiting() == []


@pytest.mark.parametrize(
    "words", [("void", "F", "-1"), ("void", "F", "one"), ("void", "F"), ("enqueue", "F"), ("fork",)]
)
def test_wrong_usage(folder: Path, quick: Command, words: tuple[str, ...]) -> None:
    assert quick(*(str(folder) if word == "F" else word for word in words)).returncode == 2


def test_a_record_that_is_not_there_is_a_matter_of_the_tape(folder: Path, quick: Command) -> None:
    done = quick("fork", str(folder), "--at", "999")
    assert (done.returncode, "there is no record 999" in done.stderr) == (1, True)


def test_what_is_void_already(folder: Path, quick: Command) -> None:
    assert quick("void", str(folder), "1", "--reason", "once").returncode == 0
    done = quick("void", str(folder), "1")
    assert (done.returncode, done.stderr) == (2, "error: trial 1 is void already: once\n")


def test_a_writer_that_does_not_listen(folder: Path, quick: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runlib.run.edits.edit.PATIENCE", 0.1)
    lock = FolderLock(folder)
    try:
        done = quick("void", str(folder), "1")
        assert (done.returncode, done.stdout) == (0, "")
        assert "did not take it yet; it does so when the run goes on" in done.stderr
        done = quick("stop", str(folder))
        assert (done.returncode, done.stdout) == (1, "")
        assert "did not listen; it was not stopped" in done.stderr
    finally:
        lock.release()
    assert len(InboxFolder(folder).waiting()) == 1
    assert quick("restore", str(folder), "--quiet").returncode == 0
    assert Run.checkout(folder).state.voided == {1: ""}


def test_while_another_process_runs_it(running: tuple[Path, subprocess.Popen[str]], quick: Command) -> None:
    folder, process = running
    for words, said in (
        (("annotate", "busy"), "the remark is on the tape"),
        (("enqueue", "{model: {x: 0.25, kernel: linear}}"), "the suggestion is enqueued"),
        (("void", "0", "--reason", "hangs"), "trial 0 is void"),
    ):
        done = quick(words[0], str(folder), *words[1:])
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{folder}: {said}\n", "")
    assert quick("void", str(folder), "0").returncode == 2
    state = Run.checkout(folder).state
    assert (state.voided, state.live_trials[1]["model"]["x"]) == ({0: "hangs"}, 0.25)
    shown = quick("status", str(folder)).stdout
    assert "Void:        trial 0: hangs" in shown
    assert "Running for" in shown
    made = Path(quick("fork", str(folder)).stdout.strip())
    assert Run.checkout(made).state.voided == {0: "hangs"}
    done = quick("stop", str(folder), "--reason", "enough")
    assert (done.returncode, done.stdout) == (0, f"{folder}: it ends\n")
    assert process.wait(30) == 0
    ended = Run.checkout(folder).state.ended
    assert ended is not None
    assert (ended.reason, ended.text) == ("asked", "asked to stop: enough")


def test_retries_stand_in_the_file(project: Path, quick: Command) -> None:
    (project / "project/run.yaml").write_text(write_yaml(config(run={"retries": {"WorkerLost": 2}})))
    assert quick("run", "project/run.yaml", "--quiet").returncode == 0
    assert Run.checkout(project / "run_red_fox").retries == {"WorkerLost": 2}
    (project / "project/run.yaml").write_text(write_yaml(config(run={"retries": {"WorkerLost": "x"}, "name": "b"})))
    done = quick("run", "project/run.yaml")
    assert done.returncode == 2
    assert "retries.WorkerLost: takes a whole number of more attempts, got 'x'" in done.stderr
