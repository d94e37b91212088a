"""The words that say how a run goes on."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from runlib import Run, Search, StopMax
from runlib.engine.code.program import Program
from runlib.run.continuation.advice import ways_on
from runlib.run.loop.ending import summary
from tests.fakes import DirectPool, SpySearch, quadratic


def make(folder: Path, evaluator: Any = quadratic, **more: Any) -> Run:
    given = {"search": SpySearch(), "stop": StopMax(3), "pool": DirectPool(), "name": "demo", **more}
    return Run(evaluator=evaluator, **given).prepare(folder)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that was typed into a program without a file."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec("def typed(x):\n    return x\n", namespace)
    monkeypatch.setattr(sys.modules["__main__"], "typed", namespace["typed"], raising=False)
    return namespace["typed"]


def started(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr(Program, "running", lambda directory: Program(how, str(directory)))


def test_a_function_of_a_module(tmp_path: Path) -> None:
    folder = tmp_path / "it's here"
    ways = ways_on(make(folder), count=None)
    place = folder / "run_demo"
    assert (ways.python, ways.where, ways.first) == (f"Run.restore({str(place)!r}).run()", "", "")
    assert shlex.split(ways.shell) == ["runlib", "restore", str(place)]
    assert str(ways) == f"{ways.python}, or by: {ways.shell}"
    assert ways.by_command == ways.shell


def test_extended(tmp_path: Path) -> None:
    ways = ways_on(make(tmp_path), count=8)
    assert ways.python.endswith(", new_stop=StopMax(8)).run()")
    assert shlex.split(ways.shell)[-2:] == ["--stop", "{stop_max: {count: 8}}"]


def test_by_hand_there_is_no_command(tmp_path: Path) -> None:
    ways = ways_on(make(tmp_path, None))
    assert ways.shell == ""
    assert ways.by_command == str(ways) == f"Run.restore({str(tmp_path / 'run_demo')!r})"


def test_a_function_without_a_name_has_to_be_given(tmp_path: Path) -> None:
    ways = ways_on(make(tmp_path, lambda x: x))
    assert str(ways) == f"Run.restore({str(tmp_path / 'run_demo')!r}, evaluator=f).run() with the same function as f"


@pytest.mark.parametrize(("how", "where"), [("notebook", "in this notebook"), ("input", "where typed is defined")])
def test_what_is_in_no_file_is_saved_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: Any, how: str, where: str
) -> None:
    started(monkeypatch, how)
    run = make(tmp_path, typed)
    command = f"runlib restore {run.work_directory} --evaluator FILE.py:typed"
    assert ways_on(run).by_command == f"with typed saved in FILE.py: {command}"
    assert str(ways_on(run)) == (
        f"Run.restore({str(run.work_directory)!r}).run() {where}, or with typed saved in FILE.py, by: {command}"
    )
    assert ways_on(run, is_found=True).shell == f"runlib restore {run.work_directory}"


def test_a_component_that_is_in_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_registry: None) -> None:
    started(monkeypatch, "notebook")
    typed = type("Typed", (SpySearch,), {"kind": "search_typed", "__module__": "__main__"})
    assert issubclass(typed, Search)
    ways = ways_on(make(tmp_path, search=typed()))
    assert ways.by_command.startswith("with Typed saved in FILE.py: runlib restore ")
    assert ways.shell.endswith(" --plugin FILE.py")


def test_a_script_has_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: Any) -> None:
    monkeypatch.setattr(
        Program, "running", lambda directory: Program("script", str(directory), file=str(tmp_path / "job.py"))
    )
    assert ways_on(make(tmp_path, typed)).shell == f"runlib restore {tmp_path / 'run_demo'}"


def test_a_fork_without_a_record_knows_where_its_origin_had_its_functions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: Any
) -> None:
    started(monkeypatch, "notebook")
    run = make(tmp_path, typed)
    run.close()
    fork = Run.fork(run.work_directory, 0, directory=tmp_path, name="fork", pool=DirectPool())
    fork.close()
    assert "in this notebook" in str(ways_on(fork))


def test_the_last_line_says_how_it_ended_and_how_it_goes_on(tmp_path: Path) -> None:
    run = make(tmp_path).run()
    place = run.work_directory
    said = summary(run, 0)
    assert said.startswith("run_demo: 3 trials (Counted trials: 3/3); best loss ")
    assert (
        f"; go on beyond this stop with Run.restore({str(place)!r}, new_stop=StopMax(6)).run(), or by: runlib" in said
    )
    again = Run.restore(place, pool=DirectPool()).run()
    assert summary(again, 3).startswith("run_demo: nothing to do: 3 trials (Counted trials: 3/3); best loss ")


def test_an_exhausted_run_goes_nowhere(tmp_path: Path) -> None:
    run = make(tmp_path, search=SpySearch(total=2)).run()
    assert summary(run, 0).endswith("; nothing is left to try")
    assert "nothing to do" in summary(Run.restore(run.work_directory, pool=DirectPool()).run(), 2)
