"""What a tape says of the program that wrote it, and where that is found later."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from runlib.engine.code.program import Program, working_folder, working_in
from runlib.engine.data.canonical import dump


def program(home: Path, **more: Any) -> Program:
    given: dict[str, Any] = {"file": str(home / "job.py"), "folder": str(home), "path": (str(home),), **more}
    return Program("script", str(home / "runs"), **given)


def project(folder: Path) -> Path:
    (folder / "runs").mkdir(parents=True)
    (folder / "job.py").write_text("")
    return folder


def test_it_is_data_and_back(tmp_path: Path) -> None:
    known = program(tmp_path, arguments=("--deep", "3"), package="pkg", earlier=2)
    assert Program.read(known.as_data()) == known


def test_the_one_that_runs(tmp_path: Path) -> None:
    first, second = Program.running(tmp_path), Program.running(tmp_path)
    assert second.earlier == first.earlier + 1
    assert first.directory == str(tmp_path)
    assert first.folder == os.getcwd()
    assert not any("site-packages" in entry for entry in first.path)


def test_own_entries_of_the_search_path_are_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    assert Program.running(tmp_path).path[0] == str(tmp_path)


def test_names_that_are_no_text_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(sys, "argv", ["job.py", "plain", str(folder)])
    found = Program.running(tmp_path)
    assert found.folder is None
    assert str(folder) not in found.path
    assert found.arguments == ()


def test_a_run_that_was_moved_to_where_names_are_no_text_is_noted_without_them(tmp_path: Path) -> None:
    before = project(tmp_path / "before")
    known = program(before)
    home = before.rename(tmp_path / os.fsdecode(b"caf\xe9")) / "runs"
    moved = known.moved_to(home)
    assert moved.file == str(home.parent / "job.py")
    data = moved.as_data()
    assert dump(data)
    assert data.keys() == {"how"}
    found = Program.read(data)
    assert found is not None
    assert (found.directory, found.file) == ("", None)


def deleted(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """The working folder is one that was deleted."""
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()


def test_a_program_whose_working_folder_was_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for entry in ("", "lib", str(tmp_path)):
        monkeypatch.syspath_prepend(entry)
    deleted(monkeypatch, tmp_path / "gone")
    found = Program.running(tmp_path)
    assert found.folder is None
    assert found.path[0] == str(tmp_path)


def test_from_a_working_folder_that_was_deleted_another_is_visited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted(monkeypatch, tmp_path / "gone")
    with working_in(str(tmp_path)):
        assert os.getcwd() == str(tmp_path)
    assert working_folder() is None
    with pytest.raises(FileNotFoundError), working_in(str(tmp_path / "gone")):
        pass


def test_whatever_is_raised_the_working_folder_is_again_what_it_was(tmp_path: Path) -> None:
    before = os.getcwd()
    with pytest.raises(ZeroDivisionError), working_in(str(tmp_path)):
        raise ZeroDivisionError
    assert os.getcwd() == before


@pytest.mark.parametrize(
    "data",
    [None, [], "script", {}, {"how": 3}],
)
def test_what_says_nothing_is_none(data: Any) -> None:
    assert Program.read(data) is None


@pytest.mark.parametrize("wrong", [None, 3, ["a"], {"a": 1}, "a\0b", True])
def test_values_of_other_types_are_left_out(wrong: Any) -> None:
    names = ("file", "package", "folder", "directory", "arguments", "path", "earlier")
    found = Program.read({"how": "script", **dict.fromkeys(names, wrong)})
    assert found is not None
    assert (found.file, found.package, found.folder, found.directory) == (None, None, None, "")
    assert found.earlier == (wrong if wrong == 3 else 0)
    found.moved_to(Path("/"))


def test_at_the_same_place_nothing_changes(tmp_path: Path) -> None:
    known = program(project(tmp_path))
    assert known.moved_to(tmp_path / "runs") == known


def test_what_was_moved_along_comes_first(tmp_path: Path) -> None:
    known = program(project(tmp_path / "old"))
    new = project(tmp_path / "new")
    moved = known.moved_to(new / "runs")
    assert (moved.file, moved.folder) == (str(new / "job.py"), str(new))
    assert moved.path == (str(new), str(tmp_path / "old"))
    assert moved.places == [str(new), str(new / "runs")]


def test_what_was_not_is_where_it_was(tmp_path: Path) -> None:
    known = program(project(tmp_path / "old"))
    (tmp_path / "deep" / "far").mkdir(parents=True)
    moved = known.moved_to(tmp_path / "deep" / "far")
    assert (moved.file, moved.folder) == (known.file, known.folder)
    assert moved.places == [str(tmp_path / "old"), str(tmp_path / "deep" / "far")]


def test_a_script_that_lies_beside_the_folder_now(tmp_path: Path) -> None:
    known = program(tmp_path / "gone")
    new = project(tmp_path / "new")
    assert known.moved_to(new).file == str(new / "job.py")
