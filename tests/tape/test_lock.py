"""One writer: a second one hears who the first is, the lock ends with its holder, and who lost it hears of that."""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runlib.engine import disk
from runlib.errors import FolderError, LockStolen, RunLocked
from runlib.tape import lock as locking
from runlib.tape import mounts
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

    def open(self, path: Path, flags: int, at: int | None = None) -> int:
        self._check("open")
        self.open_count += 1
        return super().open(path, flags, at)

    def lock(self, fd: int) -> bool:
        self._check("lock")
        return super().lock(fd)

    def truncate(self, fd: int, size: int) -> None:
        self._check("truncate")
        super().truncate(fd, size)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        self._check("write")
        return super().write(fd, data)

    def replace(self, source: Path, target: Path, at: int | None = None) -> None:
        self._check("replace")
        super().replace(source, target, at)

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


# -- what stands in it ----------------------------------------------------------------------------


def text(folder: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((folder / "run.lock").read_text())
    return data


def forge(folder: Path, **changes: Any) -> None:
    """Leave a lock as a holder leaves it that is killed; ``changes`` say where that was."""
    lock = FolderLock(folder)
    left = {**text(folder), **changes}
    lock.release()
    (folder / "run.lock").write_text(json.dumps(left))


def mount(monkeypatch: pytest.MonkeyPatch, folder: Path, kind: str) -> None:
    """Have ``folder`` on a disk of a kind."""
    table = folder.parent / f"mounts of {folder.name}"
    table.write_text(
        f"27 1 254:0 / / rw - ext4 /dev/vda rw\n30 27 0:50 / {folder} rw,noatime shared:1 - {kind} s:/x rw\n"
    )
    monkeypatch.setattr(mounts, "MOUNTS", table)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "folder"
    path.mkdir()
    return path


@pytest.fixture
def on_nfs(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    mount(monkeypatch, folder, "nfs4")
    return folder


def test_a_lock_that_is_given_back_names_nobody(folder: Path) -> None:
    lock = FolderLock(folder)
    assert text(folder)["pid"] == os.getpid()
    lock.release()
    assert (folder / "run.lock").read_bytes() == b""


def test_a_forked_child_does_not_give_back_what_its_parent_holds(folder: Path) -> None:
    lock = FolderLock(folder)
    pid = os.fork()
    if pid == 0:
        lock.release()
        os._exit(0)
    os.waitpid(pid, 0)
    assert text(folder)["pid"] == os.getpid()
    with pytest.raises(RunLocked):
        FolderLock(folder)
    lock.release()


FORK = """
import os, sys
from pathlib import Path
from runlib.tape.lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
if os.fork() == 0:
    try:
        lock.check(Path(sys.argv[1]) / "tape.son")
    except ValueError:
        print("let go", flush=True)
sys.stdin.read()
"""


def test_a_fork_of_a_holder_does_not_keep_the_lock_when_that_is_dead(folder: Path) -> None:
    command = [sys.executable, "-c", FORK, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "let go\n"
        with pytest.raises(RunLocked):  # the parent has it nevertheless
            FolderLock(folder)
        holder.kill()
        os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)
        FolderLock(folder).release()  # while the child still waits for its standard input


def test_a_lock_of_a_process_that_is_not_there_may_be_stolen_with_care(folder: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    lock = FolderLock(folder)
    (folder / "run.lock").write_text(json.dumps({**text(folder), "pid": gone.pid}))
    with pytest.raises(RunLocked, match=r"no process here: .* make sure that it is dead .*--steal-lock"):
        FolderLock(folder)
    lock.release()


def test_what_a_dead_process_of_this_machine_left_is_taken_silently(
    on_nfs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    forge(on_nfs, pid=1)
    lock = FolderLock(on_nfs)
    assert (text(on_nfs)["pid"], caplog.messages) == (os.getpid(), [])
    lock.check(on_nfs / "tape.son")
    lock.release()


@pytest.mark.parametrize("kind", ["ext4", "xfs", "tmpfs", "fuseblk"])
def test_what_another_machine_left_on_a_local_disk_is_taken_and_said(
    folder: Path, kind: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    mount(monkeypatch, folder, kind)
    forge(folder, host="far.away", pid=4711, since="2026-01-02 03:04:05")
    lock = FolderLock(folder)
    [said] = caplog.messages
    assert "process 4711 on far.away since 2026-01-02 03:04:05" in said
    assert "separate ways" in said
    assert text(folder)["host"] == socket.gethostname()
    lock.release()


def test_a_copy_of_a_folder_that_is_being_written_is_said_to_be_one(
    tmp_path: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lock = FolderLock(folder)
    shutil.copytree(folder, tmp_path / "copy")
    other = FolderLock(tmp_path / "copy")
    [said] = caplog.messages
    assert str(tmp_path / "copy") in said
    assert f"process {os.getpid()} on {socket.gethostname()} since" in said
    lock.check(folder / "tape.son")
    other.check(tmp_path / "copy" / "tape.son")
    lock.release()
    other.release()


@pytest.mark.parametrize(
    "kind", ["nfs", "nfs4", "cifs", "smb3", "lustre", "gpfs", "9p", "fuse.sshfs", "ceph", "beegfs"]
)
def test_what_another_machine_left_on_a_network_disk_is_not_taken(
    folder: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mount(monkeypatch, folder, kind)
    forge(folder, host="far.away", pid=4711)
    before = (folder / "run.lock").read_bytes()
    with pytest.raises(RunLocked) as caught:
        FolderLock(folder)
    assert "process 4711 on far.away" in str(caught.value)
    assert "make sure that it is dead" in str(caught.value)
    assert "--steal-lock" in str(caught.value)
    assert (folder / "run.lock").read_bytes() == before


def test_what_a_run_on_another_machine_gave_back_is_free(on_nfs: Path, caplog: pytest.LogCaptureFixture) -> None:
    FolderLock(on_nfs).release()
    FolderLock(on_nfs).release()
    assert caplog.messages == []


def test_a_holder_elsewhere_is_named_with_the_way_to_steal_from_it(folder: Path) -> None:
    lock = FolderLock(folder)
    (folder / "run.lock").write_text(json.dumps({**text(folder), "host": "far.away"}))
    with pytest.raises(RunLocked, match=r"on far\.away since .* make sure that it is dead .*--steal-lock"):
        FolderLock(folder)
    lock.release()


def test_a_holder_here_is_not_to_be_stolen_from(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(RunLocked) as caught:
        FolderLock(tmp_path)
    assert "steal" not in str(caught.value)


# -- stealing -------------------------------------------------------------------------------------


def test_stealing_a_lock_that_is_free_is_taking_it(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    FolderLock(folder).release()
    inode = (folder / "run.lock").stat().st_ino
    lock = FolderLock(folder, steal=True)
    assert (folder / "run.lock").stat().st_ino == inode
    assert caplog.messages == []
    lock.release()


def test_a_thief_has_the_lock_and_says_from_whom(
    tmp_path: Path, holder: subprocess.Popen[str], caplog: pytest.LogCaptureFixture
) -> None:
    lock = FolderLock(tmp_path, steal=True)
    assert f"was taken from process {holder.pid} on {socket.gethostname()} since" in caplog.messages[0]
    assert caplog.records[0].levelno == logging.WARNING
    lock.check(tmp_path / "tape.son")
    with pytest.raises(RunLocked, match="this very process"):
        FolderLock(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["run.lock"]
    lock.release()
    FolderLock(tmp_path).release()


def test_a_lock_of_another_machine_is_stolen_where_it_could_not_be_taken(on_nfs: Path) -> None:
    forge(on_nfs, host="far.away")
    with pytest.raises(RunLocked):
        FolderLock(on_nfs)
    inode = (on_nfs / "run.lock").stat().st_ino
    lock = FolderLock(on_nfs, steal=True)
    assert (on_nfs / "run.lock").stat().st_ino != inode  # so that its holder, if it lives, sees that
    assert text(on_nfs)["host"] == socket.gethostname()
    lock.release()
    FolderLock(on_nfs).release()


def test_one_that_was_stolen_from_hears_of_the_thief_and_leaves_its_lock_alone(folder: Path) -> None:
    lock = FolderLock(folder)
    lock.check(folder / "tape.son")
    thief = FolderLock(folder, steal=True)
    with pytest.raises(LockStolen) as caught:
        lock.check(folder / "tape.son")
    assert f"was taken over by process {os.getpid()} on {socket.gethostname()} since" in str(caught.value)
    assert caught.value.path == folder / "tape.son"
    lock.release()
    assert text(folder)["pid"] == os.getpid()
    thief.check(folder / "tape.son")
    with pytest.raises(RunLocked):
        FolderLock(folder)
    thief.release()
    with pytest.raises(ValueError, match="was released"):
        thief.check(folder / "tape.son")


def test_one_that_was_stolen_from_hears_of_it_also_when_the_thief_is_done(folder: Path) -> None:
    lock = FolderLock(folder)
    FolderLock(folder, steal=True).release()
    with pytest.raises(LockStolen, match=r"was taken over by another process .* or is done"):
        lock.check(folder / "tape.son")
    lock.release()


class HookedDisk(disk.Disk):
    """Does something once, before the first operation of a name."""

    def __init__(self, operation: str, action: Callable[[], Any]) -> None:
        self.operation, self.action, self.done = operation, action, False
        self.result: Any = None

    def _hook(self, operation: str) -> None:
        if operation == self.operation and not self.done:
            self.done = True
            self.result = self.action()

    def lock(self, fd: int) -> bool:
        self._hook("lock")
        return super().lock(fd)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        self._hook("write")
        return super().write(fd, data)

    def replace(self, source: Path, target: Path, at: int | None = None) -> None:
        self._hook("replace")
        super().replace(source, target, at)


def test_one_whose_file_is_replaced_while_it_takes_the_lock_begins_anew(folder: Path) -> None:
    """It has the lock of a file that bears the name no more: alone that would make two holders."""
    first = FolderLock(folder)

    def steal_and_end() -> FolderLock:
        thief = FolderLock(folder, steal=True)
        first.release()  # now the lock of the old file is free
        return thief

    with disk.use(HookedDisk("lock", steal_and_end)) as hooked:
        with pytest.raises(RunLocked, match="this very process"):
            FolderLock(folder)
        assert isinstance(hooked, HookedDisk)
        hooked.result.check(folder / "tape.son")
        hooked.result.release()
    FolderLock(folder).release()


@pytest.mark.parametrize("operation", ["lock", "write"])
def test_a_thief_takes_only_the_lock_that_it_saw(folder: Path, operation: str) -> None:
    """Another thief comes first, while this one prepares its lock."""
    lock = FolderLock(folder)
    other = folder / "other.lock"

    def come_first() -> None:
        other.write_text(json.dumps({**text(folder), "pid": 1, "token": "other"}))
        os.replace(other, folder / "run.lock")

    at = "write" if operation == "write" else "lock"
    hooked = HookedDisk(at, come_first)
    with disk.use(hooked):
        if operation == "lock":  # before it looks: it is the lock of the other that it sees and takes
            FolderLock(folder, steal=True).release()
        else:
            with pytest.raises(RunLocked, match="process 1 on"):
                FolderLock(folder, steal=True)
    assert hooked.done
    assert sorted(os.listdir(folder)) == ["run.lock"]
    lock.release()


def test_a_thief_yields_to_one_that_is_just_stealing(folder: Path) -> None:
    lock = FolderLock(folder)
    claim = folder / "run.lock.new"
    claim.touch()
    with pytest.raises(RunLocked, match="just taking the lock; try again"):
        FolderLock(folder, steal=True)
    assert claim.exists()
    lock.check(folder / "tape.son")
    lock.release()


def test_what_a_thief_left_that_died_is_cleared_away_later(folder: Path) -> None:
    lock = FolderLock(folder)
    claim = folder / "run.lock.new"
    claim.touch()
    old = time.time() - 2 * locking.STALE
    os.utime(claim, (old, old))
    with claim.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # it is suspended, not dead
        with pytest.raises(RunLocked, match="just taking the lock"):
            FolderLock(folder, steal=True)
    thief = FolderLock(folder, steal=True)
    assert not claim.exists()
    thief.check(folder / "tape.son")
    thief.release()
    lock.release()


@pytest.mark.parametrize(("operation", "code"), [("write", errno.ENOSPC), ("replace", errno.EIO)])
def test_a_theft_that_the_disk_refuses_leaves_all_as_it_was(folder: Path, operation: str, code: int) -> None:
    lock = FolderLock(folder)
    before = (folder / "run.lock").read_bytes()
    with disk.use(RefusingDisk(operation, code)) as refusing:
        with pytest.raises(FolderError, match=re.escape(os.strerror(code))):
            FolderLock(folder, steal=True)
        assert isinstance(refusing, RefusingDisk)
        assert refusing.open_count == 0
    assert sorted(os.listdir(folder)) == ["run.lock"]
    assert (folder / "run.lock").read_bytes() == before
    lock.check(folder / "tape.son")
    lock.release()


# -- whose it is ----------------------------------------------------------------------------------


def as_before(path: Path) -> None:
    os.utime(path)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def copy_over(path: Path) -> None:
    shutil.copy(path, path.with_name("copy"))
    os.replace(path.with_name("copy"), path)


@pytest.mark.parametrize("change", [as_before, empty, copy_over])
def test_a_lock_file_that_nobody_else_signed_is_still_the_holders(folder: Path, change: Callable[[Path], None]) -> None:
    lock = FolderLock(folder)
    change(folder / "run.lock")
    for _ in range(2):
        lock.check(folder / "tape.son")
    lock.release()


def test_a_folder_may_be_renamed_while_it_is_held(folder: Path) -> None:
    lock = FolderLock(folder)
    folder.rename(folder.with_name("elsewhere"))
    lock.check(folder / "tape.son")
    lock.release()


# -- a file that somebody deletes -----------------------------------------------------------------


def test_a_file_that_a_cleaner_deleted_is_made_again(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    lock = FolderLock(folder)
    for _ in range(3):
        (folder / "run.lock").unlink()
        lock.check(folder / "tape.son")
        with pytest.raises(RunLocked, match="this very process"):
            FolderLock(folder)
        lock.check(folder / "tape.son")
    assert "had lost its file run.lock, which is made again" in caplog.text
    lock.release()
    FolderLock(folder).release()


def test_one_whose_file_was_deleted_stops_if_another_took_the_lock(folder: Path) -> None:
    lock = FolderLock(folder)
    (folder / "run.lock").unlink()
    other = FolderLock(folder)
    with pytest.raises(LockStolen, match="was taken over by process"):
        lock.check(folder / "tape.son")
    other.check(folder / "tape.son")
    other.release()
    lock.release()


def test_one_that_takes_the_lock_of_the_new_file_first_has_it(folder: Path) -> None:
    """Between its making and its locking."""
    lock = FolderLock(folder)
    (folder / "run.lock").unlink()
    with disk.use(HookedDisk("lock", lambda: FolderLock(folder))) as hooked:
        with pytest.raises(LockStolen, match="was taken over by process"):
            lock.check(folder / "tape.son")
        assert isinstance(hooked, HookedDisk)
        hooked.result.check(folder / "tape.son")
        hooked.result.release()
    lock.release()


def test_without_room_it_is_made_again_later(folder: Path) -> None:
    lock = FolderLock(folder)
    (folder / "run.lock").unlink()
    for operation in ("open", "write"):
        with disk.use(RefusingDisk(operation, errno.ENOSPC)):
            lock.check(folder / "tape.son")
        assert not (folder / "run.lock").exists()
    lock.check(folder / "tape.son")
    with pytest.raises(RunLocked):
        FolderLock(folder)
    lock.release()


def test_a_disk_that_does_not_let_it_be_made_again_ends_the_writing(folder: Path) -> None:
    lock = FolderLock(folder)
    (folder / "run.lock").unlink()
    with disk.use(RefusingDisk("open", errno.EACCES)), pytest.raises(LockStolen, match=r"has lost its file run\.lock"):
        lock.check(folder / "tape.son")
    lock.release()


def test_in_a_folder_that_was_deleted_nobody_else_can_write(folder: Path) -> None:
    lock = FolderLock(folder)
    shutil.rmtree(folder)
    lock.check(folder / "tape.son")
    lock.release()
    assert not folder.exists()


# -- a file that is none --------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["link", "dangling link", "pipe", "folder", "link to a device", "link to a folder"])
def test_nothing_but_a_plain_file_is_taken_for_the_lock(tmp_path: Path, folder: Path, what: str) -> None:
    victim, place = tmp_path / "victim", folder / "run.lock"
    victim.write_text("precious")
    {
        "link": lambda: place.symlink_to(victim),
        "dangling link": lambda: place.symlink_to(tmp_path / "new"),
        "pipe": lambda: os.mkfifo(place),
        "folder": place.mkdir,
        "link to a device": lambda: place.symlink_to("/dev/zero"),
        "link to a folder": lambda: place.symlink_to(tmp_path),
    }[what]()
    for steal in (False, True):
        with pytest.raises(FolderError, match=r"cannot be written: run\.lock is a (symbolic link|pipe|folder)"):
            FolderLock(folder, steal=steal)
    assert victim.read_text() == "precious"
    assert not (tmp_path / "new").exists()


def test_a_file_with_another_name_is_replaced_and_not_written_to(tmp_path: Path, folder: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    os.link(victim, folder / "run.lock")
    lock = FolderLock(folder)
    lock.check(folder / "tape.son")
    with pytest.raises(RunLocked):
        FolderLock(folder)
    lock.release()
    assert victim.read_text() == "precious"
    assert victim.stat().st_nlink == 1


def test_one_that_signs_the_same_file_is_noticed(folder: Path) -> None:
    """On a disk where a lock counts for each machine alone, two may take a free one at once."""
    lock = FolderLock(folder)
    lock.check(folder / "tape.son")
    (folder / "run.lock").write_text(json.dumps({**text(folder), "host": "far.away", "token": "other"}))
    with pytest.raises(LockStolen, match=r"taken over by process .* on far\.away"):
        lock.check(folder / "tape.son")
    lock.release()


def test_asking_opens_nothing_and_costs_one_look(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = FolderLock(folder)
    looks: list[Any] = []
    stat = os.stat
    monkeypatch.setattr(os, "stat", lambda *a, **k: looks.append(a) or stat(*a, **k))
    monkeypatch.setattr(os, "open", None)
    lock.check(folder / "tape.son")
    monkeypatch.undo()
    assert len(looks) == 1
    lock.release()


# -- many at once ---------------------------------------------------------------------------------

THIEVES = """
import json, os, sys
from pathlib import Path
from runlib.errors import LockStolen, RunLocked
from runlib.tape.lock import FolderLock

folder, thieves, rounds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])

def attempt(start, told, end):
    os.read(start, 1)
    try:
        lock = FolderLock(folder, steal=True)
    except RunLocked as error:
        os.write(told, b"refused\\n")
        return
    os.write(told, b"took\\n")
    os.read(end, 1)
    try:
        lock.check(folder / "tape.son")
        os.write(1, b"holds\\n")  # in one piece
    except LockStolen:
        os.write(1, b"lost\\n")

for round in range(rounds):
    victim = FolderLock(folder)
    (start, started), (hear, told), (end, ended) = os.pipe(), os.pipe(), os.pipe()
    pids = []
    for _ in range(thieves):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                for fd in (started, hear, ended):
                    os.close(fd)
                attempt(start, told, end)
                status = 0
            finally:
                os._exit(status)
        pids.append(pid)
    os.close(told)
    os.close(started)
    reports = os.fdopen(hear)
    lines = [reports.readline().strip() for _ in range(thieves)]
    os.close(ended)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * thieves
    for fd in (start, end):
        os.close(fd)
    print("took", lines.count("took"), "refused", lines.count("refused"), flush=True)
    try:
        victim.check(folder / "tape.son")
        print("victim holds", flush=True)
    except LockStolen:
        pass
    victim.release()
    print("---", flush=True)
"""


def test_of_thieves_that_come_at_once_one_ends_up_holding_and_the_others_say_so(folder: Path) -> None:
    thieves, rounds = 12, 10
    command = [sys.executable, "-W", "ignore", "-c", THIEVES, str(folder), str(thieves), str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = [part.split("\n") for part in done.stdout.split("---\n")[:-1]]
    assert len(told) == rounds
    for lines in told:
        assert lines.count("holds") == 1
        [counts] = [line.split() for line in lines if line.startswith("took")]
        assert lines.count("lost") + 1 == int(counts[1])
        assert int(counts[1]) + int(counts[3]) == thieves
        assert "victim holds" not in lines
