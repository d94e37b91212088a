"""What evaluators return beside the loss, through a whole run: kept as data, as files, or named as left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runlib import EvaluationError, Failed, Run, StopMax
from runlib.audit.repair import repair
from runlib.audit.verify import verify
from runlib.errors import TapeCorrupt
from runlib.run.folder.folder import RunFolder
from runlib.run.folder.returned import files_of, on_tape, with_bytes
from tests.fakes import DirectPool, SpySearch

QUICK: Any = {"pool": DirectPool(), "context": {"sync": "never"}}


def everything(x: float) -> dict[str, Any]:
    return {
        "loss": x,
        "per_fold": np.array([x, 1.0]),
        "model": object(),
        "png": b"\x89PNG",
        "more": [b"a", {"b": b"b"}],
    }


def everything_and_much(x: float) -> dict[str, Any]:
    return {**everything(x), "predictions": np.arange(30_000.0)}


def in_a_process(x: float) -> dict[str, Any]:
    return {"loss": np.array([x]), "per_fold": np.zeros(2), "png": b"\x00" * 100_000}


def finished(tmp_path: Path, evaluator: Any = everything, count: int = 3, **more: Any) -> Run:
    return Run(SpySearch(), evaluator, StopMax(count), **{**QUICK, **more}).prepare(tmp_path).run()


@pytest.mark.parametrize("evaluator", [everything, everything_and_much])
def test_all_of_a_result_is_there_again(tmp_path: Path, evaluator: Any) -> None:
    run = finished(tmp_path, evaluator)
    for reader in (run, Run.checkout(run.work_directory)):
        result = reader.full_result(1)
        x = reader.state.trials[1][1]["suggestion"]["x"]
        assert result["ok"]["loss"] == x
        assert result["ok"]["per_fold"] == [x, 1.0]
        assert (result["ok"]["png"], result["ok"]["more"]) == (b"\x89PNG", [b"a", {"b": b"b"}])
        assert result["dropped"] == {"model": "is no data, but of type object"}
        assert ("predictions" in result["ok"]) == (evaluator is everything_and_much)
    assert verify(run.work_directory).verdict == "intact"


def test_the_result_names_the_files(tmp_path: Path) -> None:
    run = finished(tmp_path)
    outcome = run.state.trials[2][1]
    assert outcome["png"] == "returned-png"
    assert outcome["more"] == ["returned-more.0", {"b": "returned-more.1.b"}]
    assert (run.work_directory / "trials" / "2" / "returned-png").read_bytes() == b"\x89PNG"
    line = next(line for line in (run.work_directory / "tape.son").read_text().splitlines() if '"submit"' in line)
    assert '"name":"trials/0/returned-png","bytes":4' in line


def test_names_of_files_are_safe_and_differ(tmp_path: Path) -> None:
    names = ("../../x", "a/b", "A/B", "ä", "", "x" * 500, ".", "a b", "a_b")
    run = finished(tmp_path, lambda x: {"loss": x, **{name: name.encode() for name in names}}, 1)
    result = run.full_result(0)["ok"]
    assert {name: result[name] for name in names} == {name: name.encode() for name in names}
    files = sorted(path.name for path in (run.work_directory / "trials" / "0").iterdir())
    assert len(files) == len({name.lower() for name in files}) == len(names)
    assert all(name.startswith("returned-") and len(name) < 80 for name in files)
    assert verify(run.work_directory).verdict == "intact"


def test_the_same_in_worker_processes(tmp_path: Path) -> None:
    context = {"max_workers": 1, "sync": "never"}
    run = finished(tmp_path, in_a_process, 2, pool="pool_processes", context=context)
    result = run.full_result(1)["ok"]
    assert (result["per_fold"], result["png"]) == ([0.0, 0.0], b"\x00" * 100_000)
    assert type(result["loss"]) is float


def test_a_file_that_was_changed_shows(tmp_path: Path) -> None:
    run = finished(tmp_path)
    path = run.work_directory / "trials" / "1" / "returned-png"
    path.write_bytes(b"other")
    with pytest.raises(TapeCorrupt, match="returned-png was changed"):
        run.full_result(1)
    report = verify(run.work_directory)
    assert report.verdict == "damaged"
    assert "returned-png was changed" in report.findings[0].text
    path.unlink()
    with pytest.raises(TapeCorrupt, match="returned-png is no file of this run"):
        run.full_result(1)


def test_a_fork_takes_the_files_along(tmp_path: Path) -> None:
    run = finished(tmp_path, everything_and_much)
    run.close()
    fork = Run.fork(run.work_directory, directory=tmp_path, evaluator=everything_and_much, stop=StopMax(3), **QUICK)
    with fork:
        assert fork.full_result(1) == run.full_result(1)
    assert verify(fork.work_directory).verdict == "intact"


def test_a_repair_saves_the_files_under_the_new_numbers(tmp_path: Path) -> None:
    run = finished(tmp_path, everything_and_much)
    run.close()
    tape = run.work_directory / "tape.son"
    lines = tape.read_bytes().split(b"\n")
    place = next(i for i, line in enumerate(lines) if b'"suggest":{"tid":1' in line)
    lines[place] = b"x" * 40  # the suggestion of trial 1 is lost, so trial 2 becomes trial 1
    tape.write_bytes(b"\n".join(lines))
    report = repair(run.work_directory, tmp_path / "run_saved")
    assert report.renumbered[2] == 1
    saved = Run.checkout(tmp_path / "run_saved")
    assert saved.full_result(1)["ok"]["png"] == b"\x89PNG"
    assert saved.full_result(1)["dropped"] == {"model": "is no data, but of type object"}
    assert verify(tmp_path / "run_saved").verdict == "intact"


def test_a_repair_says_which_files_are_lost(tmp_path: Path) -> None:
    run = finished(tmp_path)
    run.close()
    (run.work_directory / "trials" / "1" / "returned-png").unlink()
    report = repair(run.work_directory, tmp_path / "run_saved")
    assert any("returned-png is no file of this run" in note for note in report.notes)
    assert "png" in Run.checkout(tmp_path / "run_saved").full_result(1)["ok"]


def test_an_answered_trial_has_it_all_too(tmp_path: Path) -> None:
    run = Run(SpySearch(points=1), everything, StopMax(2), **QUICK).prepare(tmp_path).run()
    assert run.full_result(1) == run.full_result(0)
    assert run.full_result(1)["ok"]["png"] == b"\x89PNG"
    run.void(0, "bad")
    assert run.state.beside == {}


def test_that_something_is_left_out_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = finished(tmp_path)
    said = [record.getMessage() for record in caplog.records if "left out" in record.getMessage()]
    expected = "of the result of trial 0 this is left out, being no data: model (is no data, but of type object)"
    assert said == [expected]
    assert expected in (run.work_directory / "log.log").read_text()


@pytest.mark.parametrize(
    "files",
    [
        None,
        "x",
        [None],
        [{"at": ["png"], "name": "../secret", "bytes": 1, "hash": "0"}],
        [{"at": ["png"], "name": "trials/0/../../secret", "bytes": 1, "hash": "0"}],
        [{"at": "png", "name": "trials/0/returned-png", "bytes": 1, "hash": "0"}],
        [{"name": "trials/0/returned-png"}],
    ],
)
def test_entries_of_another_form_are_left_alone(tmp_path: Path, files: Any) -> None:
    folder, lock, _ = RunFolder.create(tmp_path, "x", {"run": {}, "format": "runlib-tape/1"})
    lock.release()
    assert list(files_of({"ok": {"loss": 1.0}, "files": files})) == []
    assert with_bytes({"ok": {"loss": 1.0}}, {"files": files}, folder) == {"ok": {"loss": 1.0}}


def test_a_place_that_is_not_there_is_left_alone(tmp_path: Path) -> None:
    folder, lock, _ = RunFolder.create(tmp_path, "x", {"run": {}, "format": "runlib-tape/1"})
    lock.release()
    kept = on_tape({"ok": {"loss": 1.0, "png": ""}, "bytes": [[["png"], "eA=="]]}, 0, folder)
    assert kept["ok"]["png"] == "returned-png"
    for at in (["gone", "x"], ["loss", 0], ["png", "x"]):
        named = {"files": [{**kept["files"][0], "at": at}]}
        assert with_bytes({"ok": {"loss": 1.0, "png": "y"}}, named, folder)["ok"]["loss"] == 1.0


def by_status(x: float) -> dict[str, Any]:
    return {"status": "fail", "loss": 0.0} if x < 0.5 else {"status": "ok", "loss": x, "loss_variance": 0.25}


def by_raising(x: float) -> float:
    if x < 0.5:
        raise Failed("diverged")
    return x


@pytest.mark.parametrize("evaluator", [by_status, by_raising])
@pytest.mark.parametrize("caught", [["TimeoutError"], []])
def test_a_trial_that_says_so_failed_whatever_is_caught(tmp_path: Path, evaluator: Any, caught: list[str]) -> None:
    run = finished(tmp_path, evaluator, 12, caught_exceptions=caught)
    assert set(run.state.count_by_error) == {"Failed"}
    assert run.best is not None
    assert run.best.loss >= 0.5
    for kind, outcome in run.state.trials.values():
        assert (kind == "error") == (outcome["suggestion"]["x"] < 0.5)


def test_another_error_of_that_name_is_not_caught(tmp_path: Path) -> None:
    class Failed(Exception):
        pass

    def evaluate(x: float) -> float:
        raise Failed("no")

    with pytest.raises(EvaluationError, match="failed with Failed: no"):
        finished(tmp_path, evaluate)


def test_a_failed_trial_may_be_tried_again(tmp_path: Path) -> None:
    run = finished(tmp_path, by_raising, 6, retries={"Failed": 1})
    assert sum(record.event.kind == "retry" for record in run.state.tape) == run.state.trials.error_count > 0
