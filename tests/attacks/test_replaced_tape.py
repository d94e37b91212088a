"""Something happens to the tape while it is written: the run stops, says where all is, and loses nothing finished."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runlib import Run
from runlib.audit.verify import verify
from runlib.engine import disk
from runlib.errors import TapeError, TapeReplaced
from runlib.pool.base import Finished, Lost
from runlib.run.loop import pause
from tests.attacks.attack_tools import go_on, large, prepared, under_attack
from tests.fakes import DirectPool, quadratic, story


def _rename_over(folder: Path) -> None:
    (folder / "new").write_bytes((folder / "tape.son").read_bytes())
    os.replace(folder / "new", folder / "tape.son")


def _another_file_over(folder: Path) -> None:
    (folder / "new").write_text("notes\n")
    os.replace(folder / "new", folder / "tape.son")


def _delete(folder: Path) -> None:
    (folder / "tape.son").unlink()


def _keep_a_link_and_delete(folder: Path) -> None:
    os.link(folder / "tape.son", folder / "keep")
    (folder / "tape.son").unlink()


def _back_up_as_an_editor(folder: Path) -> None:
    (folder / "tape.son").rename(folder / "tape.son~")
    shutil.copy2(folder / "tape.son~", folder / "tape.son")


def _link_in_its_place(folder: Path) -> None:
    (folder / "tape.son").rename(folder / "tape.old")
    (folder / "tape.son").symlink_to("tape.old")


def _folder_in_its_place(folder: Path) -> None:
    (folder / "tape.son").unlink()
    (folder / "tape.son").mkdir()


def _pipe_in_its_place(folder: Path) -> None:
    (folder / "tape.son").unlink()
    os.mkfifo(folder / "tape.son")


WAYS: list[Callable[[Path], None]] = [
    _rename_over,
    _another_file_over,
    _delete,
    _keep_a_link_and_delete,
    _back_up_as_an_editor,
    _link_in_its_place,
    _folder_in_its_place,
    _pipe_in_its_place,
]


def rescued(folder: Path, k: int = 1) -> Path:
    """The folder with what was saved in the place of the tape."""
    tape = folder / "tape.son"
    shutil.rmtree(tape) if tape.is_dir() and not tape.is_symlink() else tape.unlink(missing_ok=True)
    (folder / f"tape.son.rescued-{k}").rename(tape)
    return folder


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_what_had_finished_is_saved_beside_the_other_file(tmp_path: Path, way: Callable[[Path], None]) -> None:
    whole = prepared(tmp_path / "whole").run()
    run = under_attack(prepared(tmp_path), way)
    with pytest.raises(TapeReplaced, match="is no longer the tape that this process writes") as caught:
        run.run()
    folder = run.work_directory
    assert caught.value.saved == folder / "tape.son.rescued-1"
    assert str(caught.value.saved) in str(caught.value)
    report = verify(rescued(folder))
    assert (report.verdict, report.counts["trials"]) == ("intact", 5)
    assert story(go_on(folder).state) == story(whole.state)


@pytest.mark.parametrize("after", [1, 6, 11, 12])
def test_it_does_not_matter_when(tmp_path: Path, after: int) -> None:
    run = under_attack(prepared(tmp_path, evaluator=large), _rename_over, after)
    with pytest.raises(TapeReplaced):
        run.run()
    report = verify(rescued(run.work_directory))
    assert (report.verdict, report.counts["trials"], report.counts["files"]) == ("intact", after, after)


def test_replaced_right_before_the_tape_is_closed(tmp_path: Path) -> None:
    run = prepared(tmp_path)
    _rename_over(run.work_directory)
    with pytest.raises(TapeReplaced):
        run.close()
    assert verify(rescued(run.work_directory)).verdict == "intact"


def test_the_last_look_of_a_run_is_at_the_end(tmp_path: Path) -> None:
    class Late(disk.Disk):
        """The best suggestions are the last files that a run writes."""

        def replace(self, source: Path, target: Path, at: int | None = None) -> None:
            super().replace(source, target, at)
            if target.name == "suggestion-0.yml":
                _delete(target.parent)

    run = prepared(tmp_path)
    with disk.use(Late()), pytest.raises(TapeReplaced):
        run.run()
    report = verify(rescued(run.work_directory))
    assert (report.verdict, report.counts["trials"]) == ("intact", 12)


def test_by_hand_it_is_the_same(tmp_path: Path) -> None:
    run = prepared(tmp_path)
    for _ in range(3):
        tid, suggestion = run.suggest()
        run.submit(tid, loss=quadratic(**suggestion))
    _rename_over(run.work_directory)
    with pytest.raises(TapeReplaced):
        run.suggest()
    with pytest.raises(TapeReplaced):
        run.suggest()
    run.close()
    assert verify(rescued(run.work_directory)).counts["trials"] == 3


def test_an_edit_of_a_run_that_is_held_is_the_same(tmp_path: Path) -> None:
    run = prepared(tmp_path)
    _delete(run.work_directory)
    with pytest.raises(TapeReplaced):
        run.annotate(None, "a remark that is saved too")
    run.close()
    assert len(Run.checkout(rescued(run.work_directory)).state.notes) == 1


def test_nothing_is_written_over(tmp_path: Path) -> None:
    run = under_attack(prepared(tmp_path), _delete)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (run.work_directory / "tape.son.rescued-1").write_text("of an earlier time")
    (run.work_directory / "tape.son.rescued-2").symlink_to(victim)
    (run.work_directory / "tape.son.rescued-3").symlink_to("nowhere")
    with pytest.raises(TapeReplaced, match=r"tape\.son\.rescued-4"):
        run.run()
    assert (run.work_directory / "tape.son.rescued-1").read_text() == "of an earlier time"
    assert victim.read_text() == "precious"
    assert verify(rescued(run.work_directory, 4)).counts["trials"] == 5


def test_a_folder_that_was_deleted_is_saved_next_to_where_it_was(tmp_path: Path) -> None:
    run = under_attack(prepared(tmp_path), shutil.rmtree)
    with pytest.raises(TapeReplaced, match=r"it was deleted.*which is a run as it is: restore it") as caught:
        run.run()
    assert not run.work_directory.exists()
    saved = tmp_path / "run_x.rescued-1"
    assert caught.value.saved == saved / "tape.son"
    assert verify(saved).counts["trials"] == 5
    assert len(go_on(saved).state.trials) == 12


def test_so_it_is_if_the_folder_above_is_gone_too(tmp_path: Path) -> None:
    run = under_attack(prepared(tmp_path / "a" / "b"), lambda folder: shutil.rmtree(tmp_path / "a"))
    with pytest.raises(TapeReplaced):
        run.run()
    assert verify(tmp_path / "run_x.rescued-1").counts["trials"] == 5


def test_what_is_deleted_after_it_was_saved_is_saved_again(tmp_path: Path) -> None:
    """As by a removal of the whole folder, which is slower than the run."""
    run = prepared(tmp_path)

    class Slow(disk.Disk):
        def replace(self, source: Path, target: Path, at: int | None = None) -> None:
            super().replace(source, target, at)
            if target.name == "suggestion-0.yml":
                shutil.rmtree(run.work_directory)

    under_attack(run, _delete)
    with disk.use(Slow()), pytest.raises(TapeReplaced, match=r"run_x\.rescued-1"):
        run.run()
    assert verify(tmp_path / "run_x.rescued-1").counts["trials"] == 5


class FullDisk(disk.Disk):
    """Takes nothing of a record from some time on, and has room again after so many refusals."""

    def __init__(self) -> None:
        self.refusals = 0

    def write(self, fd: int, data: bytes | memoryview) -> int:
        if self.refusals:
            self.refusals -= 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(fd, data)


@pytest.mark.parametrize("refusals", [1, 2, 9])
def test_a_full_disk_is_waited_for_before_and_while_it_is_saved(
    tmp_path: Path, refusals: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pause, "PATIENCE", 0.0)
    full = FullDisk()

    def fill_and_replace(folder: Path) -> None:
        full.refusals = refusals
        _another_file_over(folder)

    run = under_attack(prepared(tmp_path), fill_and_replace)
    with disk.use(full), pytest.raises(TapeReplaced):
        run.run()
    report = verify(rescued(run.work_directory))
    assert (report.verdict, report.counts["trials"]) == ("intact", 5)


def test_a_disk_that_does_not_take_it_is_said(tmp_path: Path) -> None:
    class Failing(disk.Disk):
        def open(self, path: Path, flags: int, at: int | None = None) -> int:
            if "rescued" in path.name:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return super().open(path, flags, at)

    run = under_attack(prepared(tmp_path), _delete)
    with disk.use(Failing()), pytest.raises(TapeReplaced, match="could not be saved: Input/output error") as caught:
        run.run()
    assert caught.value.saved is None


def test_a_tape_that_was_cut_in_place_ends_the_run(tmp_path: Path) -> None:
    run = under_attack(prepared(tmp_path), lambda folder: os.truncate(folder / "tape.son", 0))
    with pytest.raises(TapeError, match=r"has 0 bytes where .* were expected"):
        run.run()


def test_a_file_of_the_lock_that_a_cleaner_takes_away_is_no_trouble(tmp_path: Path) -> None:
    whole = prepared(tmp_path / "whole").run()
    run = under_attack(prepared(tmp_path), lambda folder: (folder / "run.lock").unlink())
    assert story(run.run().state) == story(whole.state)
    assert "had lost its file run.lock, which is made again" in (run.work_directory / "log.log").read_text()


def test_a_cleaner_that_takes_away_all_files_is_told_as_a_lost_tape(tmp_path: Path) -> None:
    def clean(folder: Path) -> None:
        for file in folder.iterdir():
            if file.is_file():
                file.unlink()

    run = under_attack(prepared(tmp_path), clean)
    with pytest.raises(TapeReplaced):
        run.run()
    assert verify(rescued(run.work_directory)).counts["trials"] == 5


def test_the_look_at_the_name_costs_no_more_calls_than_the_look_at_the_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = prepared(tmp_path)
    run.observers = []
    calls: list[str] = []
    counts: list[int] = []
    for name in ("stat", "fstat"):
        real = getattr(os, name)

        def counted(*arguments: Any, _real: Any = real, _name: str = name, **more: Any) -> Any:
            calls.append(_name)
            return _real(*arguments, **more)

        monkeypatch.setattr(os, name, counted)

    def count() -> None:
        counts.append(len(calls))
        calls.clear()

    class Counting(DirectPool):
        kind = "pool_counting"

        def collect(self, timeout: float) -> list[Finished | Lost]:
            count()
            return super().collect(timeout)

    run.pool = Counting()
    run.run()
    assert max(counts[3:9]) == 7  # two for each record, suggestion and result, and three for the commit


def test_the_message_is_one_sentence_of_one_line(tmp_path: Path) -> None:
    run = under_attack(prepared(tmp_path), _delete)
    with pytest.raises(TapeReplaced) as caught:
        run.run()
    assert re.fullmatch(r"[^\n]+", str(caught.value))
