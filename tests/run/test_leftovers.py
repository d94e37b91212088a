"""Folders that were being made when their maker died: they are known by their names, and are taken away."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from typer.testing import CliRunner

from runlib.audit.repair import repair
from runlib.cli.main import app
from runlib.run.continuation.fork import make_fork
from runlib.run.folder import leftovers
from runlib.run.folder.folder import RunFolder
from runlib.run.folder.leftovers import OLD, find_leftovers, remove_leftovers, temporary_name
from runlib.tape.lock import FolderLock
from tests.audit.audit_tools import finished_run

MAKE = """
import sys, time
from pathlib import Path
from runlib.run.folder.folder import filled
with filled(Path(sys.argv[1]), b"tape", [("trials/0/result.json", b"large")]) as made:
    print(made.name, flush=True)
    sys.stdin.read()
"""


def killed_maker(directory: Path) -> Path:
    """What a process leaves that is killed while it makes a run."""
    command = [sys.executable, "-c", MAKE, str(directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        made = directory / process.stdout.readline().strip()
        assert find_leftovers(directory) == []  # it lives
        process.kill()
    assert (made / "trials" / "0" / "result.json").exists()
    return made


def left(directory: Path, name: str = "", age: float = 0.0) -> Path:
    """A folder that is being made."""
    made = directory / (name or f".run_{uuid.uuid4().hex}.new")
    made.mkdir()
    (made / "tape.son").write_text("x")
    for path in (made / "tape.son", made):
        os.utime(path, (time.time() - age,) * 2)
    return made


def test_what_a_killed_process_leaves_is_found_and_taken_away(tmp_path: Path) -> None:
    made = killed_maker(tmp_path)
    assert find_leftovers(tmp_path) == [made]
    assert remove_leftovers(tmp_path) == [made]
    assert list(tmp_path.iterdir()) == []


def test_the_next_run_fork_and_repair_there_take_it_away(tmp_path: Path) -> None:
    origin, other = finished_run(tmp_path / "a"), tmp_path / "b"
    other.mkdir()
    for make in (
        lambda: RunFolder.create(other, "new", {"run": {"search": {}}, "format": "runlib-tape/1"})[1].release(),
        lambda: make_fork(RunFolder.find(origin), None, other, {"name": "fork"}),
        lambda: repair(origin, other / "repaired"),
    ):
        made = left(other, temporary_name().replace(f"-{os.getpid()}-", f"-{2**22 + 1}-"))
        make()
        assert not made.exists()
    assert {path.name for path in other.iterdir()} == {"run_new", "run_fork", "repaired"}


def test_a_process_that_lives_keeps_its_own(tmp_path: Path) -> None:
    made = left(tmp_path, temporary_name(), age=2 * OLD)
    assert remove_leftovers(tmp_path) == []
    assert made.exists()


def test_another_process_with_the_same_number_is_told_apart(tmp_path: Path) -> None:
    mine = temporary_name()
    machine, pid, start, rest = mine.split("-")
    made = left(tmp_path, "-".join([machine, pid, str(int(start) + 7), rest]))
    assert find_leftovers(tmp_path) == [made]


def test_where_the_system_does_not_tell_when_a_process_began_its_number_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine, pid, _, rest = temporary_name().split("-")
    left(tmp_path, "-".join([machine, pid, "0", rest]))
    gone = left(tmp_path, "-".join([machine, str(2**22 + 1), "0", rest]))
    assert find_leftovers(tmp_path) == [gone]


@pytest.mark.parametrize("name", ["", f".run_{'0' * 12}-1-1-{'a' * 32}.new"], ids=["older version", "another machine"])
def test_what_says_nothing_of_a_process_here_counts_after_a_day(tmp_path: Path, name: str) -> None:
    young = left(tmp_path, name)
    assert find_leftovers(tmp_path) == []
    old = left(tmp_path, f".run_{'b' * 32}.new", age=OLD + 60)
    assert find_leftovers(tmp_path) == [old]
    lock = FolderLock(old)
    for path in (*old.iterdir(), old):
        os.utime(path, (time.time() - OLD - 60,) * 2)
    assert find_leftovers(tmp_path) == []
    lock.release()
    os.utime(old / "run.lock", (time.time() - OLD - 60,) * 2)
    assert remove_leftovers(tmp_path) == [old]
    assert young.exists()


@pytest.mark.parametrize(
    "name", [".run_x.new", "run_x", ".run_.new", f".run_{'a' * 32}.old", f"run_{'a' * 32}.new", f".run_{'a' * 32}.new~"]
)
def test_nothing_else_is_touched(tmp_path: Path, name: str) -> None:
    left(tmp_path, name, age=9 * OLD)
    (tmp_path / f".run_{'c' * 32}.new").write_text("a file")
    os.symlink(tmp_path / name, tmp_path / f".run_{'d' * 32}.new")
    assert remove_leftovers(tmp_path) == []
    assert (tmp_path / name / "tape.son").exists()


def test_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("x")
    made = killed_maker(tmp_path)
    (made / "link").symlink_to(tmp_path / "precious")
    assert remove_leftovers(tmp_path) == [made]
    assert (tmp_path / "precious" / "file").exists()


def test_two_that_clean_at_once_are_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = killed_maker(tmp_path)
    found = find_leftovers(tmp_path)
    monkeypatch.setattr(leftovers, "find_leftovers", lambda parent: found)
    assert remove_leftovers(tmp_path) == [made]
    assert remove_leftovers(tmp_path) == []


def test_the_command_names_what_it_takes_away(tmp_path: Path) -> None:
    run, made = finished_run(tmp_path), killed_maker(tmp_path)
    for words, exists in ((["clean", str(tmp_path), "--dry-run"], True), (["clean", str(tmp_path)], False)):
        result = CliRunner().invoke(app, words)
        assert (result.exit_code, result.output) == (0, f"{made}\n")
        assert made.exists() == exists
    result = CliRunner().invoke(app, ["clean", str(tmp_path)])
    assert (result.exit_code, result.output) == (0, "")
    assert run.exists()


def test_a_folder_that_is_none_is_said(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["clean", str(tmp_path / "nowhere")])
    assert result.exit_code == 2
    assert "No such file or directory" in result.output
