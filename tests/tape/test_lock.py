"""One writer: a second one hears who the first is, and the lock ends with its holder."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runlib.engine import disk
from runlib.errors import FolderError, RunLocked
from runlib.tape.lock import FolderLock

HOLD = """
import sys
from pathlib import Path
from runlib.tape.lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_process_hears_who_the_first_is(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(RunLocked) as caught:
        FolderLock(tmp_path)
    text = str(caught.value)
    assert f"process {holder.pid} on {socket.gethostname()}" in text
    assert re.search(r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d", text)
    assert str(tmp_path) in text
    assert caught.value.folder == tmp_path


def test_the_lock_ends_with_a_holder_that_is_killed(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    lock = FolderLock(tmp_path)
    assert json.loads((tmp_path / "run.lock").read_text())["pid"] == os.getpid()
    lock.release()


def test_a_refused_process_does_not_change_what_the_lock_says(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    before = (tmp_path / "run.lock").read_bytes()
    for _ in range(3):
        with pytest.raises(RunLocked):
            FolderLock(tmp_path)
    assert (tmp_path / "run.lock").read_bytes() == before


def test_one_process_cannot_hold_it_twice(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    with pytest.raises(RunLocked, match=r"this very process since .* close\(\) the Run"):
        FolderLock(tmp_path)
    lock.release()
    FolderLock(tmp_path).release()


def test_releasing_twice_does_nothing_more(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    lock.release()
    other = FolderLock(tmp_path)
    lock.release()
    with pytest.raises(RunLocked):
        FolderLock(tmp_path)
    other.release()


def test_the_file_of_the_lock_stays(tmp_path: Path) -> None:
    FolderLock(tmp_path).release()
    inode = (tmp_path / "run.lock").stat().st_ino
    FolderLock(tmp_path).release()
    assert (tmp_path / "run.lock").stat().st_ino == inode


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', "\x00\x00"])
def test_a_holder_that_has_not_said_its_name_is_no_trouble(tmp_path: Path, text: str) -> None:
    lock = FolderLock(tmp_path)
    (tmp_path / "run.lock").write_text(text)
    with pytest.raises(RunLocked, match="another process"):
        FolderLock(tmp_path)
    lock.release()


class RefusingDisk(disk.Disk):
    """Fails one operation with one error, and counts descriptors that are open."""

    def __init__(self, operation: str, code: int) -> None:
        self.operation, self.code, self.open_count = operation, code, 0

    def _check(self, operation: str) -> None:
        if operation == self.operation:
            raise OSError(self.code, os.strerror(self.code))

    def open(self, path: Path, flags: int) -> int:
        self._check("open")
        self.open_count += 1
        return super().open(path, flags)

    def lock(self, fd: int) -> bool:
        self._check("lock")
        return super().lock(fd)

    def truncate(self, fd: int, size: int) -> None:
        self._check("truncate")
        super().truncate(fd, size)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        self._check("write")
        return super().write(fd, data)

    def close(self, fd: int) -> None:
        self.open_count -= 1
        super().close(fd)


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("open", errno.EROFS),
        ("open", errno.EACCES),
        ("lock", errno.ENOLCK),
        ("truncate", errno.EIO),
        ("write", errno.ENOSPC),
    ],
)
def test_a_folder_that_cannot_be_written_is_said_and_nothing_stays_open(
    tmp_path: Path, operation: str, code: int
) -> None:
    with disk.use(RefusingDisk(operation, code)) as refusing:
        with pytest.raises(FolderError, match=re.escape(os.strerror(code))) as caught:
            FolderLock(tmp_path)
        assert isinstance(refusing, RefusingDisk)
        assert refusing.open_count == 0
    assert "check it out to read it" in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    FolderLock(tmp_path).release()


def test_a_child_process_does_not_inherit_it(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", "input(1)"], close_fds=False, **pipes) as child:
        assert child.stdout.read(1) == b"1"  # it is another program by now
        lock.release()
        FolderLock(tmp_path).release()
        child.kill()
