"""The folder of a run is moved while it runs: all goes with it, nothing goes to where it was, and the run ends."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from runlib import Run, StopMax
from runlib.audit.verify import verify
from runlib.errors import FolderMoved
from runlib.pool.base import Finished, Lost
from tests.attacks.attack_tools import go_on, large, prepared, under_attack, with_bytes
from tests.audit.audit_tools import contents
from tests.fakes import DirectPool, SpySearch, quadratic, story


def _rename(folder: Path) -> Path:
    return folder.rename(folder.with_name("run_moved"))


def _rename_the_folder_above(folder: Path) -> Path:
    return folder.parent.rename(folder.parent.with_name("above")) / folder.name


def _move_deep_down(folder: Path) -> Path:
    (folder.parent / "a" / "b").mkdir(parents=True)
    return folder.rename(folder.parent / "a" / "b" / "run_y")


def _leave_a_link(folder: Path) -> Path:
    moved = _rename(folder)
    folder.symlink_to(folder.with_name("nowhere"))
    return moved


def _leave_a_file(folder: Path) -> Path:
    moved = _rename(folder)
    folder.write_text("")
    return moved


def _leave_another_run(folder: Path) -> Path:
    moved = _rename(folder)
    Run(SpySearch(), quadratic, StopMax(2), name="x", pool=DirectPool()).prepare(folder.parent).run()
    return moved


WAYS = [_rename, _rename_the_folder_above, _move_deep_down, _leave_a_link, _leave_a_file, _leave_another_run]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_the_run_ends_in_order_in_its_new_place(tmp_path: Path, way: Callable[[Path], Path]) -> None:
    directory = tmp_path / "runs"
    whole = prepared(tmp_path / "whole", evaluator=large).run()
    places: list[Path] = []
    run = under_attack(prepared(directory, evaluator=large), lambda folder: places.append(way(folder)))
    with pytest.raises(FolderMoved, match=r"was moved to .* restore it in its new place") as caught:
        run.run()
    [place] = places
    assert caught.value.place == place
    assert str(place) in str(caught.value)
    report = verify(place)
    assert (report.verdict, report.counts["trials"], report.counts["files"]) == ("intact", 5, 5)
    assert "FolderMoved" in (place / "status.txt").read_text()
    assert "ended: FolderMoved" in (place / "log.log").read_text()
    assert (place / "suggestion-0.yml").exists()
    assert story(go_on(place, evaluator=large).state) == story(whole.state)


def test_bytes_of_results_go_with_the_folder(tmp_path: Path) -> None:
    run = under_attack(prepared(tmp_path, evaluator=with_bytes), _rename)
    with pytest.raises(FolderMoved):
        run.run()
    assert not run.work_directory.exists()
    moved = tmp_path / "run_moved"
    report = verify(moved)
    assert (report.verdict, report.counts["trials"]) == ("intact", 5)
    assert Run.checkout(moved).full_result(4)["ok"]["more"] == [b"more"]
    assert go_on(moved, evaluator=with_bytes).full_result(11)["ok"]["png"] == b"\x89PNG"


@pytest.mark.parametrize("after", [1, 7, 12])
def test_of_a_copy_in_its_old_place_nothing_is_touched(tmp_path: Path, after: int) -> None:
    before: list[dict[str, bytes | None]] = []

    def swap(folder: Path) -> None:
        moved = _rename(folder)
        shutil.copytree(moved, folder)
        before.append(contents(folder))

    run = under_attack(prepared(tmp_path, evaluator=large), swap, after)
    run.enqueue({"x": 0.5})
    with pytest.raises(FolderMoved):
        run.run()
    assert contents(run.work_directory) == before[0]
    report = verify(tmp_path / "run_moved")
    assert (report.verdict, report.counts["trials"], report.counts["files"]) == ("intact", after, after)


def test_commands_in_the_inbox_of_a_copy_stay_there(tmp_path: Path) -> None:
    def swap(folder: Path) -> None:
        shutil.copytree(_rename(folder), folder)
        (folder / "inbox").mkdir()
        (folder / "inbox" / "1.json").write_text('{"stop":{"reason":"for the copy"}}')

    run = under_attack(prepared(tmp_path), swap)
    with pytest.raises(FolderMoved):
        run.run()
    assert (run.work_directory / "inbox" / "1.json").exists()


class FailingWhereItWas(DirectPool):
    """A worker that cannot write to where the folder was, as for its output."""

    kind = "pool_failing_there"

    def collect(self, timeout: float) -> list[Finished | Lost]:
        found = super().collect(timeout)
        if found and found[0].tid == 3:  # type: ignore[union-attr]
            _rename(Path(self.folder))
            error = {"error": "FileNotFoundError", "error_text": "", "traceback": ""}
            return [Finished(3, {"error": error}, ("FileNotFoundError", "OSError"))]
        return found

    folder = ""


@pytest.mark.parametrize("caught", [["OSError"], ["TimeoutError"]])
def test_a_trial_that_fails_because_of_it_stays_live(tmp_path: Path, caught: list[str]) -> None:
    run = prepared(tmp_path, caught_exceptions=caught, retries={"OSError": 1})
    pool = run.pool = FailingWhereItWas()
    pool.folder = str(run.work_directory)
    with pytest.raises(FolderMoved):
        run.run()
    state = Run.checkout(tmp_path / "run_moved").state
    assert (len(state.trials), state.trials.error_count, 3 in state.live_trials) == (3, 0, True)
    assert not state.attempts


def test_where_it_is_moved_back_before_anybody_looks_nothing_happens(tmp_path: Path) -> None:
    run = under_attack(prepared(tmp_path), lambda folder: _rename(folder).rename(folder))
    assert len(run.run().state.trials) == 12


def test_a_link_to_the_run_that_goes_away_is_no_move(tmp_path: Path) -> None:
    folder = prepared(tmp_path).work_directory
    link = tmp_path / "link"
    link.symlink_to(folder)
    run = Run.restore(link, evaluator=quadratic, pool=DirectPool())
    under_attack(run, lambda folder: link.unlink())
    assert len(run.run().state.trials) == 12


def test_a_run_without_duration_is_named_where_the_system_does_not_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.readlink

    def readlink(path: str) -> str:
        raise OSError("there is no /proc")

    def move(folder: Path) -> None:
        _rename(folder)
        monkeypatch.setattr(os, "readlink", readlink)

    run = under_attack(prepared(tmp_path), move)
    with pytest.raises(FolderMoved, match="moved to a place that is not known") as caught:
        run.run()
    monkeypatch.setattr(os, "readlink", real)
    assert caught.value.place is None
    assert verify(tmp_path / "run_moved").counts["trials"] == 5
