"""An evaluation that fails in another working folder than that in which the run was begun: the error names both."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from runlib import EvaluationError, FixedSearch, Run


def evaluate(x: float) -> float:
    with open("scale.txt") as file:
        return x * float(file.read())


def loss(run: Run, tid: int) -> float:
    return run.full_result(tid)["ok"]["loss"]


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of an evaluator that reads a file by a relative name."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "scale.txt").write_text("2")
    monkeypatch.chdir(home)
    run = Run(FixedSearch([{"x": 1.0}, {"x": 2.0}]), evaluate, 1, pool="pool_serial").prepare()
    return run.run(progress=False).work_directory


def test_workers_go_on_where_the_run_was_begun(begun: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(begun.parent.parent)
    Run.restore(begun, new_stop=2, pool="pool_processes").run(progress=False)
    assert Run.restore(begun, new_stop=2).program.folder == str(begun.parent)  # also for the session after this one
    assert [loss(Run.checkout(begun), tid) for tid in (0, 1)] == [2.0, 4.0]
    assert Path.cwd() == begun.parent.parent


def test_an_evaluator_that_is_given_counts_from_here(begun: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = begun.parent.parent
    (elsewhere / "scale.txt").write_text("3")
    monkeypatch.chdir(elsewhere)
    run = Run.restore(begun, evaluator=evaluate, new_stop=2, pool="pool_processes").run(progress=False)
    assert loss(run, 1) == 6.0


def test_where_the_folder_is_gone_workers_start_here(begun: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = begun.parent.parent
    moved = begun.rename(elsewhere / begun.name)
    (elsewhere / "scale.txt").write_text("5")
    shutil.rmtree(elsewhere / "home")
    monkeypatch.chdir(elsewhere)
    run = Run.restore(moved, new_stop=2, pool="pool_processes").run(progress=False)
    assert loss(run, 1) == 10.0


@pytest.mark.parametrize("pool", ["pool_serial", "pool_processes"])
def test_it_is_told_where_the_run_was_begun(begun: Path, monkeypatch: pytest.MonkeyPatch, pool: str) -> None:
    elsewhere = begun.parent.parent
    monkeypatch.chdir(elsewhere)
    if pool == "pool_processes":
        (begun.parent / "scale.txt").unlink()
    with pytest.raises(EvaluationError) as caught:
        Run.restore(begun, new_stop=2, pool=pool).run(progress=False)
    said = str(caught.value).partition("\n\nIn the worker:\n")
    ends = {
        "pool_serial": "names of files in the evaluator may count from there",
        "pool_processes": "workers start there",
    }
    assert f"The run was begun in the working folder {begun.parent}, and this is {elsewhere}: {ends[pool]}" in said[0]
    assert "FileNotFoundError" in said[2]
    assert caught.value.folder == begun


def test_in_the_same_folder_nothing_is_told(begun: Path) -> None:
    (begun.parent / "scale.txt").unlink()
    with pytest.raises(EvaluationError) as caught:
        Run.restore(begun, new_stop=2).run(progress=False)
    assert "The run was begun in" not in str(caught.value)


def test_from_there_it_goes_on(begun: Path) -> None:
    run = Run.restore(begun, new_stop=2).run(progress=False)
    assert len(run.state.trials) == 2
