"""The files for the output of a trial are there before it starts; a disk without room for them makes the run pause."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runlib import ProcessPool, Run, StopMax
from runlib.engine import disk
from runlib.pool.serial import SerialPool
from runlib.run.folder.folder import RunFolder
from runlib.run.folder.outputs import make_outputs
from runlib.run.loop import pause
from tests.fakes import SpySearch, quadratic


def printing(x: float) -> float:
    print("x is", x)
    return quadratic(x)


class NoInodes(disk.Disk):
    """Makes no file or folder of a trial the next few times.

    Args:
        refusals: How often.
        code: With which error.
    """

    def __init__(self, refusals: int, code: int = errno.ENOSPC) -> None:
        self.refusals, self.code = refusals, code

    def _refuse(self, path: Path) -> None:
        if self.refusals and "trials" in path.parts:
            self.refusals -= 1
            raise OSError(self.code, os.strerror(self.code))

    def open(self, path: Path, flags: int, at: int | None = None) -> int:
        self._refuse(path)
        return super().open(path, flags, at)

    def mkdir(self, path: Path, at: int | None = None) -> None:
        self._refuse(path)
        super().mkdir(path, at)


def make(directory: Path) -> Run:
    context = {"capture_output": True, "max_workers": 1}
    return Run(SpySearch(), printing, StopMax(4), pool=SerialPool(), context=context).prepare(directory)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("refusals", [1, 2, 7])
def test_the_run_pauses_until_there_is_room(
    tmp_path: Path, refusals: int, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pause, "PATIENCE", 0.0)
    whole = make(tmp_path / "whole").run()
    run = make(tmp_path)
    with disk.use(NoInodes(refusals, code)):
        run.run()
    assert run.state.trials.sorted_tids_losses == whole.state.trials.sorted_tids_losses
    assert (len(run.state.trials), run.state.trials.error_count) == (4, 0)
    log = (run.work_directory / "log.log").read_text()
    assert log.count("the run pauses") == log.count("there is room again") == 1
    for tid in run.state.trials:
        assert (run.work_directory / "trials" / str(tid) / "stdout.txt").read_text().startswith("x is")


def test_the_end_of_the_duration_does_not_wait_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pause, "PATIENCE", 0.0)
    run = make(tmp_path)
    with disk.use(NoInodes(10**9)):
        run.run(duration=0.3 / 60)
    assert run.state.ended is not None
    assert run.state.ended.reason == "duration"
    assert not run.state.trials
    assert len(Run.restore(run.work_directory, evaluator=printing, pool=SerialPool()).run().state.trials) == 4


def test_what_else_is_in_the_way_is_an_error_of_the_trial(tmp_path: Path) -> None:
    run = make(tmp_path)
    folder = RunFolder(run.work_directory)
    (folder.path / "trials").write_text("no folder")
    assert make_outputs(folder, 0) is None
    run.close()


@pytest.fixture
def few_inodes(tmp_path: Path) -> Iterator[Callable[[], list[Path]]]:
    """A file system with few inodes; takes all that are left."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m,nr_inodes=60", "tmpfs", str(folder)]
    if not sys.platform.startswith("linux") or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no right to mount")

    def fill() -> list[Path]:
        made: list[Path] = []
        try:
            while True:
                path = folder / f"filler-{len(made)}"
                path.touch()
                made.append(path)
        except OSError:
            return made

    yield fill
    subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=True)


class Clearing(ProcessPool):
    """Somebody makes room at the third look of a run that has nothing to do."""

    kind = "pool_clearing_inodes"
    looks = 0
    fillers: list[Path]

    def collect(self, timeout: float) -> list[object]:  # type: ignore[override]
        found = super().collect(timeout)
        self.looks += not found
        if self.looks == 3:
            for path in self.fillers:
                path.unlink(missing_ok=True)
        return list(found)


def test_a_disk_that_really_has_no_inode_is_waited_for(
    tmp_path: Path, few_inodes: Callable[[], list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pause, "PATIENCE", 0.05)
    pool = Clearing()
    context = {"capture_output": True, "max_workers": 1}
    run = Run(SpySearch(), printing, StopMax(3), pool=pool, context=context).prepare(tmp_path / "small")
    pool.fillers = few_inodes()
    run.run()
    assert (len(run.state.trials), run.state.trials.error_count) == (3, 0)
    assert pool.looks >= 3
