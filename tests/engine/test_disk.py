"""Every change to a disk: whole or not at all, whatever the system takes of it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from runlib.engine import disk


class NotedDisk(disk.Disk):
    """Notes operations in order, fails one of them, and takes a few bytes at a time.

    Args:
        fail: The operation that fails.
        code: With which error.
        most: Bytes that one write takes; None for all.
    """

    def __init__(self, fail: str = "", code: int = errno.EIO, most: int | None = None) -> None:
        self.fail, self.code, self.most = fail, code, most
        self.calls: list[str] = []
        self.open_fds: set[int] = set()

    def _note(self, name: str) -> None:
        self.calls.append(name)
        if name == self.fail:
            raise OSError(self.code, os.strerror(self.code))

    def open(self, path: Path, flags: int, at: int | None = None) -> int:
        self._note("open")
        fd = super().open(path, flags, at)
        self.open_fds.add(fd)
        return fd

    def write(self, fd: int, data: bytes | memoryview) -> int:
        self._note("write")
        return super().write(fd, data[: self.most])

    def sync(self, fd: int) -> None:
        self._note("sync")
        super().sync(fd)

    def sync_folder(self, path: Path, at: int | None = None) -> None:
        self._note(f"sync_folder {path.name}")
        super().sync_folder(path, at)

    def replace(self, source: Path, target: Path, at: int | None = None) -> None:
        self._note("replace")
        super().replace(source, target, at)

    def rename_folder(self, source: Path, target: Path) -> None:
        self._note("rename_folder")
        super().rename_folder(source, target)

    def mkdir(self, path: Path, at: int | None = None) -> None:
        self._note(f"mkdir {path.name}")
        super().mkdir(path, at)

    def close(self, fd: int) -> None:
        self.open_fds.discard(fd)
        super().close(fd)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_another_disk_is_in_place_for_a_while_only(tmp_path: Path) -> None:
    before = disk.current
    other = NotedDisk()

    def fail() -> None:
        with disk.use(other):
            assert disk.current is other
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert disk.current is before


def test_no_descriptor_is_inherited_by_a_child(tmp_path: Path) -> None:
    fd = disk.current.open(tmp_path / "a", os.O_WRONLY | os.O_CREAT)
    script = f"import os; os.fstat({fd})"
    child = subprocess.run([sys.executable, "-c", script], close_fds=False, capture_output=True, check=False)
    disk.current.close(fd)
    assert b"Bad file descriptor" in child.stderr


# -- a full disk ----------------------------------------------------------------------------------


class FullDisk(disk.Disk):
    """Has room for so many bytes.

    Args:
        room: How many.
        code: How it refuses more.
        most: Bytes that one write takes.
    """

    def __init__(self, room: int, code: int = errno.ENOSPC, most: int = 10**9) -> None:
        self.room, self.code, self.most = room, code, most

    def write(self, fd: int, data: bytes | memoryview) -> int:
        if self.room == 0:
            raise OSError(self.code, os.strerror(self.code))
        taken = super().write(fd, data[: min(self.room, self.most)])
        self.room -= taken
        return taken


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("most", [1, 3, 100])
def test_a_full_disk_says_how_much_it_took(tmp_path: Path, code: int, most: int) -> None:
    data = bytes(range(10))
    for room in range(10):
        file = disk.AppendFile(tmp_path / f"{room}", create=True)
        with disk.use(FullDisk(room, code, most)):
            with pytest.raises(disk.DiskFull, match=os.strerror(code)) as caught:
                file.append(data)
            assert caught.value.taken == room
            assert disk.is_full(caught.value)
        file.append(memoryview(data)[caught.value.taken :])
        file.close()
        assert (tmp_path / f"{room}").read_bytes() == data


def test_another_failure_of_a_write_is_no_full_disk(tmp_path: Path) -> None:
    file = disk.AppendFile(tmp_path / "a", create=True)
    with disk.use(FullDisk(3, errno.EIO)), pytest.raises(OSError, match="Input/output") as caught:
        file.append(b"123456")
    file.close()
    assert not isinstance(caught.value, disk.DiskFull)
    assert not disk.is_full(caught.value)


def test_what_counts_as_full() -> None:
    assert disk.is_full(OSError(errno.ENOSPC, "x"))
    assert disk.is_full(OSError(errno.EDQUOT, "x"))
    assert not disk.is_full(ValueError(errno.ENOSPC))
    assert not disk.is_full(disk.SyncFailed(errno.ENOSPC, "x"))


@pytest.mark.parametrize(
    ("fail", "action"),
    [
        ("sync", lambda folder: disk.create_file(folder / "a", b"x")),
        ("sync", lambda folder: disk.replace_file(folder / "a", b"x", durable=True)),
        ("sync", lambda folder: disk.AppendFile(folder / "a", create=True).sync()),
        ("sync_folder", lambda folder: disk.create_file(folder / "a", b"x")),
        ("sync_folder", lambda folder: disk.replace_file(folder / "a", b"x", durable=True)),
        ("sync_folder", lambda folder: disk.make_folder(folder / "a", durable=True)),
        ("sync_folder", lambda folder: disk.sync_folder(folder)),
    ],
)
def test_a_sync_that_found_no_room_is_a_failed_sync(
    tmp_path: Path, fail: str, action: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    failing = disk.Disk()
    monkeypatch.setattr(failing, fail, refuse)
    with disk.use(failing), pytest.raises(disk.SyncFailed, match="No space left"):
        action(tmp_path)


# -- replacing ------------------------------------------------------------------------------------


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "status.txt"
    disk.replace_file(path, b"one")
    disk.replace_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert names(tmp_path) == {"status.txt"}


def test_a_reader_has_the_old_content_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "status.txt"
    disk.replace_file(path, b"old content")
    with path.open("rb") as reader:
        disk.replace_file(path, b"new")
        assert reader.read() == b"old content"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("fail", ["write", "sync", "replace"])
def test_the_old_content_stays_if_the_disk_refuses(tmp_path: Path, fail: str) -> None:
    path = tmp_path / "status.txt"
    disk.replace_file(path, b"old")
    with disk.use(NotedDisk(fail, errno.ENOSPC)) as noted:
        with pytest.raises(OSError, match="No space left"):
            disk.replace_file(path, b"new", durable=True)
        assert isinstance(noted, NotedDisk)
        assert noted.open_fds == set()
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == {"status.txt"}


def test_a_durable_replacement_is_synced_before_and_after_its_name_changes(tmp_path: Path) -> None:
    with disk.use(NotedDisk()) as noted:
        disk.replace_file(tmp_path / "a", b"x", durable=True)
        assert isinstance(noted, NotedDisk)
        assert noted.calls == ["open", "write", "sync", "replace", f"sync_folder {tmp_path.name}"]
        noted.calls.clear()
        disk.replace_file(tmp_path / "a", b"x")
        assert noted.calls == ["open", "write", "replace"]


def test_two_threads_that_replace_one_file_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "a"
    contents = [letter * 50_000 for letter in (b"a", b"b", b"c")]
    errors: list[BaseException] = []

    def replace(content: bytes) -> None:
        try:
            for _ in range(30):
                disk.replace_file(path, content)
                assert path.read_bytes() in contents
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=replace, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert names(tmp_path) == {"a"}


def test_what_a_dead_process_with_this_number_left_is_no_trouble(tmp_path: Path) -> None:
    left = tmp_path / f".a.{os.getpid()}-{threading.get_ident()}.tmp"
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    for make in (lambda: left.write_bytes(b"half"), lambda: left.symlink_to(victim)):
        make()
        disk.replace_file(tmp_path / "a", b"new")
        assert (tmp_path / "a").read_bytes() == b"new"
        assert names(tmp_path) == {"a", "victim"}
    assert victim.read_bytes() == b"mine"


# -- creating -------------------------------------------------------------------------------------


def test_a_file_is_created_once(tmp_path: Path) -> None:
    disk.create_file(tmp_path / "a", b"one")
    with pytest.raises(FileExistsError):
        disk.create_file(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"one"


def test_a_created_file_is_synced_and_so_is_its_name(tmp_path: Path) -> None:
    with disk.use(NotedDisk()) as noted:
        disk.create_file(tmp_path / "a", b"x")
        assert isinstance(noted, NotedDisk)
        assert noted.calls == ["open", "write", "sync", f"sync_folder {tmp_path.name}"]
        noted.calls.clear()
        disk.create_file(tmp_path / "b", b"x", durable=False)
        assert noted.calls == ["open", "write"]


@pytest.mark.parametrize("fail", ["write", "sync"])
def test_no_part_of_a_file_is_left_if_the_disk_refuses(tmp_path: Path, fail: str) -> None:
    with disk.use(NotedDisk(fail)) as noted:
        with pytest.raises(OSError, match="Input/output error"):
            disk.create_file(tmp_path / "a", b"x")
        assert isinstance(noted, NotedDisk)
        assert noted.open_fds == set()
    assert names(tmp_path) == set()


@pytest.mark.parametrize("write", [disk.create_file, disk.replace_file], ids=["create", "replace"])
def test_short_writes_are_completed(tmp_path: Path, write: Callable[[Path, bytes], None]) -> None:
    data = bytes(range(256)) * 3
    with disk.use(NotedDisk(most=100)) as noted:
        write(tmp_path / "a", data)
        assert isinstance(noted, NotedDisk)
        assert noted.calls.count("write") == 8
    assert (tmp_path / "a").read_bytes() == data


# -- appending ------------------------------------------------------------------------------------


def test_an_append_file_only_grows(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with pytest.raises(FileNotFoundError):
        disk.AppendFile(path)
    file = disk.AppendFile(path, create=True)
    file.append(b"one")
    other = disk.AppendFile(path)
    other.append(b"two")
    file.append(b"three")
    assert path.read_bytes() == b"onetwothree"
    file.cut(6)
    file.append(b"!")
    assert path.read_bytes() == b"onetwo!"
    other.close()
    file.close()


def test_a_closed_append_file_says_so(tmp_path: Path) -> None:
    file = disk.AppendFile(tmp_path / "a", create=True)
    file.close()
    file.close()
    for action in (lambda: file.append(b"x"), file.sync, lambda: file.cut(0)):
        with pytest.raises(ValueError, match="a is closed"):
            action()


# -- folders --------------------------------------------------------------------------------------


def test_missing_parents_are_made(tmp_path: Path) -> None:
    disk.make_folder(tmp_path / "a" / "b" / "c")
    disk.make_folder(tmp_path / "a" / "b" / "c")
    assert (tmp_path / "a" / "b" / "c").is_dir()


def test_the_name_of_each_new_parent_is_synced(tmp_path: Path) -> None:
    with disk.use(NotedDisk()) as noted:
        disk.make_folder(tmp_path / "a" / "b", durable=True)
        assert isinstance(noted, NotedDisk)
        assert noted.calls == ["mkdir a", f"sync_folder {tmp_path.name}", "mkdir b", "sync_folder a"]


def test_a_folder_that_another_made_first_is_no_trouble(tmp_path: Path) -> None:
    class Overtaken(disk.Disk):
        def mkdir(self, path: Path, at: int | None = None) -> None:
            os.mkdir(path)
            os.mkdir(path)

    with disk.use(Overtaken()):
        disk.make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def full_folder(path: Path) -> Path:
    path.mkdir()
    (path / "file").write_text("x")
    return path


def test_a_folder_is_moved_with_its_content_and_durably(tmp_path: Path) -> None:
    source = full_folder(tmp_path / "new")
    with disk.use(NotedDisk()) as noted:
        disk.move_folder(source, tmp_path / "run")
        assert isinstance(noted, NotedDisk)
        assert noted.calls == ["rename_folder", f"sync_folder {tmp_path.name}"]
    assert names(tmp_path) == {"run"}
    assert (tmp_path / "run" / "file").read_text() == "x"


@pytest.mark.parametrize("there", ["folder", "full folder", "file", "dangling link"])
def test_a_folder_is_not_moved_over_anything(tmp_path: Path, there: str) -> None:
    source, target = full_folder(tmp_path / "new"), tmp_path / "run"
    {
        "folder": target.mkdir,
        "full folder": lambda: full_folder(target),
        "file": target.touch,
        "dangling link": lambda: target.symlink_to("nowhere"),
    }[there]()
    with pytest.raises(FileExistsError, match="run exists"):
        disk.move_folder(source, target)
    assert names(tmp_path) == {"new", "run"}


@pytest.mark.parametrize("there", ["full folder", "file"])
def test_a_folder_that_appears_in_the_last_moment_is_not_replaced(tmp_path: Path, there: str) -> None:
    class Overtaken(disk.Disk):
        def rename_folder(self, source: Path, target: Path) -> None:
            full_folder(target) if there == "full folder" else target.touch()
            super().rename_folder(source, target)

    with disk.use(Overtaken()), pytest.raises(FileExistsError):
        disk.move_folder(full_folder(tmp_path / "new"), tmp_path / "run")
    assert names(tmp_path) == {"new", "run"}


def test_another_trouble_with_moving_is_told_as_it_is(tmp_path: Path) -> None:
    with disk.use(NotedDisk("rename_folder", errno.EIO)), pytest.raises(OSError, match="Input/output") as caught:
        disk.move_folder(full_folder(tmp_path / "new"), tmp_path / "run")
    assert not isinstance(caught.value, FileExistsError)


# -- locking --------------------------------------------------------------------------------------


def test_a_lock_is_held_by_one_open_file(tmp_path: Path) -> None:
    first, second = (disk.current.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT) for _ in range(2))
    assert disk.current.lock(first)
    assert disk.current.lock(first)
    assert not disk.current.lock(second)
    disk.current.close(first)
    assert disk.current.lock(second)
    disk.current.close(second)


def test_output_is_added_to_what_is_there(tmp_path: Path) -> None:
    for text in (b"one", b"two"):
        fd = disk.open_output(tmp_path / "out.txt")
        disk.write_all(fd, text)
        disk.current.close(fd)
    assert (tmp_path / "out.txt").read_bytes() == b"onetwo"
