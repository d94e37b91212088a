"""What loses results elsewhere, done to a run.

*A torn line, then an append.* A journal of JSON lines that goes on behind half a line glues the next record to it: that
one is lost, and after a second such line no reader gets past the first. *A file that is rewritten whole.* A writer that
dies while it writes its history anew has neither the old one nor the new one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from runlib import Run, StopMax
from runlib.engine import disk
from runlib.tape.reader import TapeReader
from tests.fakes import DirectPool, SpySearch, quadratic, story

TRIALS = 6


class Killed(BaseException):
    """Nothing after this reaches the disk; no handler of errors can go on."""


class HalfDisk(disk.Disk):
    """Dies in the middle of a write: half of its bytes reach the file, and nothing after them.

    Args:
        count: How many writes there are before; None for one that does not die.
        only: Count the writes to files of this name alone.

    Attributes:
        written: The names of the files that were written to, a name for each write.
        told: The other operations that change what is there, by name, with the names of the files.
    """

    def __init__(self, count: int | None = None, only: str | None = None) -> None:
        self.left, self.only = count, only
        self.dead = False
        self.names: dict[int, str] = {}
        self.written: list[str] = []
        self.told: list[tuple[str, str]] = []

    def open(self, path: Path, flags: int, at: int | None = None) -> int:
        self._live()
        fd = super().open(path, flags, at)
        self.names[fd] = path.name
        if flags & os.O_TRUNC:
            self.told.append(("open anew", path.name))
        return fd

    def write(self, fd: int, data: bytes | memoryview) -> int:
        self._live()
        if self.left is not None and self.only in (None, self.names[fd]):
            if self.left == 0:
                super().write(fd, data[: len(data) // 2])
                self.dead = True
                raise Killed
            self.left -= 1
        self.written.append(self.names[fd])
        return super().write(fd, data)

    def sync(self, fd: int) -> None:
        self._live()

    def sync_folder(self, path: Path, at: int | None = None) -> None:
        self._live()

    def truncate(self, fd: int, size: int) -> None:
        if self.dead and self.names[fd] == "run.lock":
            return  # what a process that dies leaves in it; the lock itself ends by closing
        self._live()
        self.told.append(("cut", self.names[fd]))
        super().truncate(fd, size)

    def replace(self, source: Path, target: Path, at: int | None = None) -> None:
        self._live()
        self.told.append(("replace", target.name))
        super().replace(source, target, at)

    def unlink(self, path: Path, at: int | None = None) -> None:
        self._live()
        super().unlink(path, at)

    def _live(self) -> None:
        if self.dead:
            raise Killed


def begun(directory: Path) -> Run:
    return Run(SpySearch(), quadratic, StopMax(TRIALS), pool=DirectPool()).prepare(directory)


def restored(folder: Path) -> Run:
    return Run.restore(folder, evaluator=quadratic, pool=DirectPool())


def killed(run: Run, half: HalfDisk) -> bytes:
    """Let a run die, as its process would; returns its tape as it was before that."""
    assert run._access is not None
    held = run._access.held
    assert held.lock._fd is not None
    half.names.update({held.lock._fd: "run.lock", held.tape._file.fd: "tape.son"})
    tape = run.work_directory / "tape.son"
    with disk.use(half), pytest.raises(Killed):
        run.run()
    return tape.read_bytes()


@pytest.fixture
def expected(tmp_path: Path) -> list[Any]:
    return story(begun(tmp_path).run().state)


def test_the_record_after_a_torn_line_is_not_lost(tmp_path: Path) -> None:
    run = begun(tmp_path)
    data = killed(run, HalfDisk(4, only="tape.son"))
    whole = data[: data.rindex(b"\n---\n") + 5]
    assert len(data) > len(whole)  # half a line
    reader = TapeReader(run.work_directory / "tape.son")
    before = list(reader)
    with restored(run.work_directory) as again:
        assert again.state.n == len(before) + 1  # its session is the next record
    after = list(TapeReader(run.work_directory / "tape.son"))
    assert after[: len(before)] == before
    assert len(after) == len(before) + 1
    assert (run.work_directory / "tape.son").read_bytes().startswith(whole)
    assert (run.work_directory / "tape.son.torn-1").read_bytes() == data[len(whole) :]


@pytest.mark.parametrize("lines", [2, 5])
def test_after_several_torn_lines_everything_is_readable(tmp_path: Path, expected: list[Any], lines: int) -> None:
    run = begun(tmp_path)
    folder = run.work_directory
    for k in range(lines):
        whole = killed(run, HalfDisk(2, only="tape.son")).rpartition(b"\n---\n")
        assert whole[2]
        assert [path.name for path in sorted(folder.glob("tape.son.torn-*"))] == [
            f"tape.son.torn-{i + 1}" for i in range(k)
        ]
        read = story(Run.checkout(folder).state)
        assert read == expected[: len(read)]
        run = restored(folder)
    assert story(run.run().state) == expected
    assert story(Run.checkout(folder).state) == expected


def test_killed_in_the_middle_of_any_write_every_file_is_the_old_or_the_new(
    tmp_path: Path, expected: list[Any]
) -> None:
    whole = HalfDisk()
    with disk.use(whole):
        run = begun(tmp_path)
        run.run()
    assert {"tape.son", "log.log"} < set(whole.written)
    assert ("replace", "status.txt") in whole.told
    writes = len(whole.written)
    for count in range(writes):
        half, run = HalfDisk(count), begun(tmp_path)
        try:
            before = killed(run, half)
        except pytest.fail.Exception:  # it ended before: to make the folder took some of the writes
            assert count > writes - 10
            break
        folder = run.work_directory
        status = folder / "status.txt"
        assert not status.exists() or status.read_text().endswith(" records.\n")
        for best in folder.glob("suggestion-*.yml"):
            assert best.read_text().startswith("x: ")
        read = story(Run.checkout(folder).state)
        assert read == expected[: len(read)]
        assert story(restored(folder).run().state) == expected
        if before.endswith(b"\n---\n"):
            assert (folder / "tape.son").read_bytes().startswith(before)


def test_the_tape_is_never_rewritten(tmp_path: Path) -> None:
    """Not at its beginning, not by a restore, not by an edit, not by another stop."""
    told = HalfDisk()
    with disk.use(told):
        run = begun(tmp_path).run()
        tape, sizes = run.work_directory / "tape.son", [0]
        data = tape.read_bytes()
        for change in (
            lambda run: run.void(1, "bad"),
            lambda run: run.enqueue({"x": 0.5}),
            lambda run: run.annotate(None, "so far"),
            lambda run: run.run(),
        ):
            with Run.restore(run.work_directory, new_stop=StopMax(9), evaluator=quadratic, pool=DirectPool()) as again:
                change(again)
            now = tape.read_bytes()
            assert now.startswith(data)
            sizes.append(len(now))
            data = now
    assert sizes == sorted(set(sizes))
    assert [what for what, name in told.told if name == "tape.son"] == []
