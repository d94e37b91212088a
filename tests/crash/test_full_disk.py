"""Disks that are really full, and folders that are really read-only: what the system says of them, not a stand-in.

Both need the right to mount; where that is missing these tests are skipped.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from runlib import Run, StopMax
from runlib.audit.verify import verify
from runlib.cli.main import app
from runlib.errors import FolderError
from runlib.pool.base import Finished, Lost
from runlib.run.loop import pause
from tests.fakes import DirectPool, SpySearch, quadratic, story

SIZE = 256 * 1024
PAGE = 4096

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mounts as Linux does")


def call(*command: object) -> bool:
    return subprocess.run([str(part) for part in command], capture_output=True, check=False).returncode == 0


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if not call("mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder):
        pytest.skip("no right to mount")
    yield folder
    assert call("umount", folder) or call("umount", "-l", folder)


@pytest.fixture
def readonly(tmp_path: Path) -> Iterator[Path]:
    """A folder with a finished run and one whose writer died, that nobody can write to."""
    folder = tmp_path / "readonly"
    folder.mkdir()
    for name in ("done", "torn"):
        Run(SpySearch(), quadratic, StopMax(4), name=name, pool=DirectPool()).prepare(folder).run()
    tape = folder / "run_torn" / "tape.son"
    tape.write_bytes(tape.read_bytes() + b'{"suggest":{"tid":5,')
    if not call("mount", "--bind", folder, folder):
        pytest.skip("no right to mount")
    try:
        if not call("mount", "-o", "remount,ro,bind", folder):
            pytest.skip("no right to mount")
        yield folder
    finally:
        assert call("umount", folder) or call("umount", "-l", folder)


def fill(folder: Path, left: int) -> Path:
    """Take all of a file system but so many bytes; the file that takes them."""
    filler = folder / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(folder).free - left))
    return filler


class ClearingPool(DirectPool):
    """Somebody makes room when the run has looked at the full disk three times."""

    kind = "pool_clearing"
    filler: Path
    looks = 0

    def collect(self, timeout: float) -> list[Finished | Lost]:
        found = super().collect(timeout)
        self.looks += not found
        if self.looks == 3:
            self.filler.unlink(missing_ok=True)
        return found


def bulky(x: float) -> dict[str, Any]:
    """Every fourth result is too large for the tape."""
    return {"loss": quadratic(x), "text": f"{x!r} " * (4000 if int(x * 1000) % 4 == 0 else 100)}


def make(folder: Path, pool: DirectPool) -> Run:
    context = {"observe_status": {"interval": 0.0}, "observe_log": {"interval": 0.0}}
    return Run(SpySearch(), bulky, StopMax(16), pool=pool, context=context).prepare(folder)


def log_lines(run: Run) -> list[str]:
    return [line[20:] for line in (run.work_directory / "log.log").read_text().splitlines()]


@pytest.mark.parametrize("pages", range(6))
def test_a_run_pauses_on_a_full_disk_and_goes_on(
    tmp_path: Path, small: Path, pages: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pause, "PATIENCE", 0.0)
    whole = make(tmp_path, DirectPool()).run()
    pool = ClearingPool()
    run = make(small, pool)
    pool.filler = fill(small, pages * PAGE)
    run.run()
    assert pool.looks == 3
    lines = log_lines(run)
    assert sum("the run pauses" in line for line in lines) == 1
    assert sum("there is room again" in line for line in lines) == 1
    said = [line for line in lines if not line.startswith("warning: ")]
    assert said == log_lines(whole)
    assert story(run.state) == story(whole.state)
    assert [run.full_result(tid) for tid in range(16)] == [whole.full_result(tid) for tid in range(16)]
    assert "16 finished" in (run.work_directory / "status.txt").read_text()
    report = verify(run.work_directory, replay=True)
    assert report.verdict == "intact"
    assert report.findings == ()
    assert [path.name for path in run.work_directory.glob("*torn*")] == []


CONFIG = """
run:
  search: {search_hyperopt: {space: {x: [hp_uniform, x, 0, 1]}, n_startup_jobs: 10}}
  evaluator: bulk.py:evaluate
  stop: {stop_max: {count: 60}}
  name: bulk
context: {max_workers: 1}
"""

EVALUATOR = """
def evaluate(suggestion):
    x = suggestion["x"]
    return {"loss": (x - 0.3) ** 2, "text": f"{x!r} " * 150}
"""


def without_times(folder: Path) -> list[Any]:
    """The suggestions and results of a tape, without durations."""
    found: list[Any] = []
    for event in story(Run.checkout(folder).state):
        if event.kind == "submit":
            [(state, outcome)] = event.result.items()
            found.append((event.tid, state, {k: v for k, v in outcome.items() if k != "duration"}))
        else:
            found.append(event)
    return found


@pytest.mark.slow
def test_the_command_says_that_it_pauses_and_goes_on_by_itself(tmp_path: Path, small: Path) -> None:
    (tmp_path / "run.yaml").write_text(CONFIG)
    (tmp_path / "bulk.py").write_text(EVALUATOR)
    command = [sys.executable, "-m", "runlib"]
    run = [*command, "run", "run.yaml", "--directory"]
    subprocess.run([*run, tmp_path], cwd=tmp_path, check=True, capture_output=True)
    filler = fill(small, SIZE // 2)
    with subprocess.Popen([*run, small], cwd=tmp_path, stdout=-1, stderr=-1, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "the run pauses" in line:
                break
        paused = subprocess.run([*command, "verify", small / "run_bulk"], capture_output=True, text=True, check=False)
        filler.unlink()
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert paused.returncode == 0
    assert "there is room again: the run goes on after a pause of" in err
    assert "60 trials, 0 failed" in out
    log = (small / "run_bulk" / "log.log").read_text()
    assert log.count("the run pauses") == log.count("there is room again") == 1
    after = subprocess.run([*command, "verify", "--replay", small / "run_bulk"], capture_output=True, text=True)
    assert ": intact (" in after.stdout
    assert without_times(small / "run_bulk") == without_times(tmp_path / "run_bulk")


# -- a folder that is read-only -------------------------------------------------------------------


def invoke(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def test_what_is_read_only_can_be_read(readonly: Path) -> None:
    for name, verdict in (("done", "intact"), ("torn", "torn")):
        folder = readonly / f"run_{name}"
        assert len(Run.checkout(folder).state.trials) == 4
        for command in (["status"], ["top"], ["verify"]):
            code, output = invoke(*command, folder)
            assert code == 0, output
        assert f": {verdict} (" in output


@pytest.mark.usefixtures("own_registry")
def test_what_is_read_only_is_not_written_and_that_is_said(readonly: Path, tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(CONFIG)
    (tmp_path / "bulk.py").write_text(EVALUATOR)
    before = {path: path.stat().st_mtime_ns for path in readonly.rglob("*")}
    said = f"error: {readonly} cannot hold a run: Read-only file system; give another directory\n"
    assert invoke("run", tmp_path / "run.yaml", "--directory", readonly) == (2, said)
    for name in ("done", "torn"):
        folder = readonly / f"run_{name}"
        said = f"error: {folder} cannot be written: Read-only file system; check it out to read it\n"
        assert invoke("restore", folder) == (2, said)
        with pytest.raises(FolderError, match="cannot be written: Read-only file system"):
            Run.restore(folder)
    with pytest.raises(FolderError, match="cannot hold a run: Read-only file system"):
        Run(SpySearch(), quadratic, StopMax(4), pool=DirectPool()).prepare(readonly)
    assert {path: path.stat().st_mtime_ns for path in readonly.rglob("*")} == before
