"""The folder of a run: whole when it appears, never shared, and nothing half-written when it cannot be."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runlib.audit.repair import repair
from runlib.engine import disk
from runlib.errors import ConfigError, FolderError, FolderExists, NotARun, RunLocked
from runlib.run.continuation.fork import make_fork
from runlib.run.folder import folder as folder_module
from runlib.run.folder.folder import RunFolder
from runlib.tape.codec import FORMATS
from runlib.tape.lock import FolderLock
from runlib.tape.reader import TapeReader
from tests.audit.audit_tools import finished_run

METADATA: dict[str, Any] = {"run": {"search": {}}, "format": "runlib-tape/1"}


def names(path: Path) -> list[str]:
    return sorted(item.name for item in path.iterdir())


def create(directory: Path, name: str | None = None) -> RunFolder:
    folder, lock, _ = RunFolder.create(directory, name, METADATA)
    lock.release()
    return folder


# -- making ---------------------------------------------------------------------------------------


def test_a_folder_is_made_with_a_tape_and_held(tmp_path: Path) -> None:
    folder, lock, position = RunFolder.create(tmp_path, "first", METADATA)
    assert folder.path == tmp_path / "run_first"
    assert folder.name == "first"
    assert names(tmp_path) == ["run_first"]
    assert names(folder.path) == ["run.lock", "tape.son"]
    assert TapeReader(folder.tape).metadata == METADATA
    assert TapeReader(folder.tape).position == position
    with pytest.raises(RunLocked):
        FolderLock(folder.path)
    lock.release()


def test_without_a_name_it_gets_a_random_one(tmp_path: Path) -> None:
    made = {create(tmp_path).name for _ in range(5)}
    assert len(made) == 5
    assert names(tmp_path) == sorted(f"run_{name}" for name in made)


def test_a_random_name_that_is_taken_is_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create(tmp_path, "red_fox")
    drawn = iter(["red_fox", "red_fox", "blue_hen"])
    monkeypatch.setattr(folder_module, "random_name", lambda: next(drawn))
    assert create(tmp_path).name == "blue_hen"
    assert names(tmp_path) == ["run_blue_hen", "run_red_fox"]


def test_missing_parents_are_made(tmp_path: Path) -> None:
    assert create(tmp_path / "a" / "b", "x").path == tmp_path / "a" / "b" / "run_x"


def test_paths_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = create(Path("sub"), "x")
    assert folder.path == tmp_path / "sub" / "run_x"
    assert folder.path.is_absolute()
    assert folder.trial(3) == folder.path / "trials" / "3"
    assert folder.suggestion(0) == folder.path / "suggestion-0.yml"
    assert folder.suggestion(2, refined=True) == folder.path / "refined_suggestion-2.yml"


@pytest.mark.parametrize("there", ["run", "file", "empty folder", "dangling link"])
def test_a_name_that_is_taken_is_refused_and_nothing_is_left(tmp_path: Path, there: str) -> None:
    target = tmp_path / "run_x"
    {
        "run": lambda: create(tmp_path, "x"),
        "file": lambda: target.write_text("mine"),
        "empty folder": target.mkdir,
        "dangling link": lambda: target.symlink_to("nowhere"),
    }[there]()
    before = (target / "tape.son").read_bytes() if there == "run" else None
    with pytest.raises(FolderExists, match=re.escape(f"{target} exists; choose another name")) as caught:
        RunFolder.create(tmp_path, "x", METADATA)
    assert caught.value.folder == target
    assert names(tmp_path) == ["run_x"]
    assert before is None or (target / "tape.son").read_bytes() == before


@pytest.mark.parametrize("name", ["a/b", "../x", "", ".", "a b", "/tmp/x"])
def test_a_name_that_is_not_plain_makes_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="plain name"):
        RunFolder.create(tmp_path / "new", name, METADATA)
    assert names(tmp_path) == []


def test_a_directory_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for parent in (tmp_path / "file", tmp_path / "file" / "sub"):
        with pytest.raises(FolderError, match=r"cannot hold a run: .*; give another directory") as caught:
            RunFolder.create(parent, "x", METADATA)
        assert str(parent) in str(caught.value)
    assert names(tmp_path) == ["file"]


class FailingDisk(disk.Disk):
    """Fails at the ``at``-th operation that changes something, once; counts them."""

    def __init__(self, at: int) -> None:
        self.at, self.count = at, 0

    def _step(self) -> None:
        self.count += 1
        if self.count == self.at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def open(self, path: Path, flags: int, at: int | None = None) -> int:
        self._step()
        return super().open(path, flags, at)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        self._step()
        return super().write(fd, data)

    def sync(self, fd: int) -> None:
        self._step()
        super().sync(fd)

    def sync_folder(self, path: Path, at: int | None = None) -> None:
        self._step()
        super().sync_folder(path, at)

    def mkdir(self, path: Path, at: int | None = None) -> None:
        self._step()
        super().mkdir(path, at)

    def rename_folder(self, source: Path, target: Path) -> None:
        self._step()
        super().rename_folder(source, target)


def test_a_disk_that_refuses_any_step_leaves_nothing_half_written(tmp_path: Path) -> None:
    with disk.use(FailingDisk(0)) as counting:
        create(tmp_path / "0", "x")
        assert isinstance(counting, FailingDisk)
    assert counting.count > 8
    for at in range(1, counting.count + 1):
        parent = tmp_path / str(at)
        with disk.use(FailingDisk(at)), pytest.raises(FolderError, match="No space left on device"):
            create(parent, "x")
        for left in names(parent) if parent.exists() else []:  # at most a run that is whole
            assert left == "run_x"
            assert TapeReader(parent / left / "tape.son").metadata == METADATA
            FolderLock(parent / left).release()


def test_a_folder_is_whole_when_it_appears(tmp_path: Path) -> None:
    class Looking(disk.Disk):
        """Looks at what has the final name before and after each operation."""

        def __init__(self) -> None:
            self.seen: set[tuple[str, ...]] = set()

        def look(self) -> None:
            target = tmp_path / "run_x"
            self.seen.add(tuple(names(target)) if target.exists() else ())
            assert not target.exists() or TapeReader(target / "tape.son").metadata == METADATA

        def rename_folder(self, source: Path, target: Path) -> None:
            self.look()
            super().rename_folder(source, target)
            self.look()

        def write(self, fd: int, data: bytes | memoryview) -> int:
            self.look()
            return super().write(fd, data)

    with disk.use(Looking()) as looking:
        create(tmp_path, "x")
        assert isinstance(looking, Looking)
        assert looking.seen == {(), ("run.lock", "tape.son")}


def test_all_is_synced_before_the_name_appears_and_the_name_after(tmp_path: Path) -> None:
    class Noting(disk.Disk):
        def __init__(self) -> None:
            self.calls: list[str] = []

        def sync(self, fd: int) -> None:
            self.calls.append("sync")
            super().sync(fd)

        def sync_folder(self, path: Path, at: int | None = None) -> None:
            self.calls.append(f"folder {re.sub('run_.*[.]new', 'run_*.new', path.name)}")
            super().sync_folder(path, at)

        def rename_folder(self, source: Path, target: Path) -> None:
            self.calls.append("rename")
            super().rename_folder(source, target)

    with disk.use(Noting()) as noting:
        create(tmp_path / "new", "x")
        assert isinstance(noting, Noting)
        assert noting.calls == [f"folder {tmp_path.name}", "sync", "folder .run_*.new", "rename", "folder new"]


# -- racing ---------------------------------------------------------------------------------------


def test_of_many_threads_exactly_one_gets_the_name(tmp_path: Path) -> None:
    start, won, lost = threading.Barrier(20), [], []

    def race(k: int) -> None:
        start.wait()
        try:
            _, lock, _ = RunFolder.create(tmp_path, "x", {**METADATA, "k": k})
        except FolderExists:
            lost.append(k)
        else:
            won.append(k)
            lock.release()

    threads = [threading.Thread(target=race, args=(k,)) for k in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert len(lost) == 19
    assert names(tmp_path) == ["run_x"]
    assert TapeReader(tmp_path / "run_x" / "tape.son").metadata["k"] == won[0]


RACE = """
import sys
from runlib.errors import FolderExists
from runlib.run.folder.folder import RunFolder
print("ready", flush=True)
sys.stdin.readline()
try:
    RunFolder.create(sys.argv[1], "x", {"run": {}, "format": "runlib-tape/1", "k": sys.argv[2]})
    print("won", flush=True)
except FolderExists:
    print("lost", flush=True)
"""


def test_of_some_processes_exactly_one_gets_the_name(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RACE, str(tmp_path)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    racers = [subprocess.Popen([*command, str(k)], **pipes) for k in range(4)]
    for racer in racers:
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    said = [racer.communicate()[0].strip() for racer in racers]
    assert sorted(said) == ["lost"] * 3 + ["won"]
    assert names(tmp_path) == ["run_x"]
    assert TapeReader(tmp_path / "run_x" / "tape.son").metadata["k"] == str(said.index("won"))


# -- finding --------------------------------------------------------------------------------------


def test_a_run_is_found_by_its_folder_or_its_tape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = create(tmp_path, "x")
    monkeypatch.chdir(tmp_path)
    for way in (folder.path, str(folder.path), folder.tape, "run_x", "./run_x/", "run_x/tape.son"):
        assert RunFolder.find(way) == folder


def test_a_folder_that_holds_only_a_tape_is_a_run(tmp_path: Path) -> None:
    folder = create(tmp_path, "x")
    (folder.path / "run.lock").unlink()
    moved = folder.path.rename(tmp_path / "elsewhere")
    assert RunFolder.find(moved).name == "elsewhere"


def test_what_is_no_run_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "with_folder" / "tape.son").mkdir(parents=True)
    for path, reason in (
        (tmp_path / "nothing", "there is no such folder"),
        (tmp_path / "file", "it is a file, and a run is a folder, run_NAME"),
        (tmp_path, "there is no tape.son in it"),
        (tmp_path / "with_folder", "there is no tape.son in it"),
        (tmp_path / "tape.son", "there is no such folder"),
    ):
        with pytest.raises(NotARun, match=re.escape(f"{path} is no run: {reason}")):
            RunFolder.find(path)


class ForgetfulDisk(disk.Disk):
    """Cannot make the names in one folder durable, from the time when a folder in it has its name."""

    def __init__(self, parent: Path) -> None:
        self.parent, self.renamed = parent, False

    def rename_folder(self, source: Path, target: Path) -> None:
        super().rename_folder(source, target)
        self.renamed = True

    def sync_folder(self, path: Path, at: int | None = None) -> None:
        if self.renamed and path == self.parent:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        super().sync_folder(path, at)


@pytest.mark.parametrize("way", ["run", "fork", "repair"])
def test_a_sync_that_fails_after_the_name_was_given_tells_that_the_run_is_there(tmp_path: Path, way: str) -> None:
    origin, parent = RunFolder.find(finished_run(tmp_path / "origin")), tmp_path / "new"
    make: dict[str, Callable[[], Any]] = {
        "run": lambda: RunFolder.create(parent, "x", METADATA),
        "fork": lambda: make_fork(origin, None, parent, {"name": "x"}),
        "repair": lambda: repair(origin.path, parent / "run_x"),
    }
    said = r"run_x is there and whole, but the disk failed .* \(Input/output error\): .*runlib restore"
    with disk.use(ForgetfulDisk(parent)), pytest.raises(FolderError, match=said) as caught:
        make[way]()
    assert caught.value.folder == parent / "run_x"
    assert names(parent) == ["run_x"]
    assert TapeReader(parent / "run_x" / "tape.son").metadata["format"] in FORMATS
    FolderLock(parent / "run_x").release()
