"""Large results lie apart, durable before the record that names them, and are read back whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import math
import os
from pathlib import Path
from typing import Any

import pytest

from runlib.engine import disk
from runlib.engine.data.canonical import dump
from runlib.errors import TapeCorrupt, TapeError
from runlib.run.folder.folder import RunFolder
from runlib.run.folder.large import LIMIT, is_apart, load_large, set_apart


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made, lock, _ = RunFolder.create(tmp_path, "x", {"run": {}, "format": "runlib-tape/1"})
    lock.release()
    return made


def large(**more: Any) -> dict[str, Any]:
    return {"ok": {"loss": 0.25, "text": "ä" * LIMIT, "nan": math.inf, **more}}


def test_a_result_that_is_not_large_stays_itself(folder: RunFolder) -> None:
    frame = len(dump({"ok": {"loss": 1.0, "text": ""}}))
    result = {"ok": {"loss": 1.0, "text": "x" * (LIMIT - frame)}}
    assert set_apart(result, 0, folder) is result
    assert not (folder.path / "trials").exists()
    result["ok"]["text"] += "x"
    assert "file" in set_apart(result, 0, folder)


def test_a_large_result_leaves_what_a_search_needs(folder: RunFolder) -> None:
    short = set_apart(large(duration=1.5, cost=2.0, var=0.5, refined_suggestion={"x": 1}), 7, folder)
    kept = {"loss": 0.25, "duration": 1.5, "cost": 2.0, "var": 0.5, "refined_suggestion": {"x": 1}}
    assert short["ok"] == kept
    assert short["file"]["name"] == "trials/7/result.json"
    assert short["file"]["bytes"] == (folder.trial(7) / "result.json").stat().st_size
    assert len(dump(short)) < 400


def test_a_refined_suggestion_that_is_large_itself_lies_apart_too(folder: RunFolder) -> None:
    result = {"ok": {"loss": 0.25, "refined_suggestion": {"x": "y" * LIMIT}}}
    short = set_apart(result, 0, folder)
    assert short["ok"] == {"loss": 0.25}
    assert load_large(short["file"], folder) == result


@pytest.mark.parametrize("size", [1, 100])
def test_a_large_result_comes_back_whole(folder: RunFolder, size: int) -> None:
    result = large(more=["z" * 100_000] * size, **{"$float": "nan"})
    short = set_apart(result, 3, folder)
    assert load_large(short["file"], folder) == result


def test_a_long_error_is_cut_on_the_tape_and_whole_apart(folder: RunFolder) -> None:
    result = {"error": {"error": "ValueError", "error_text": "e" * LIMIT, "traceback": "t" * 10}}
    short = set_apart(result, 1, folder)
    assert short["error"] == {"error": "ValueError", "error_text": "e" * 1000 + "..."}
    assert load_large(short["file"], folder) == result


def test_a_trial_that_is_evaluated_again_replaces_its_file(folder: RunFolder) -> None:
    old = set_apart(large(k=1), 0, folder)
    new = set_apart(large(k=2), 0, folder)
    assert load_large(new["file"], folder) == large(k=2)
    with pytest.raises(TapeCorrupt):
        load_large(old["file"], folder)


@pytest.mark.parametrize("is_there", [False, True])  # a worker that captures output makes it, and syncs nothing
def test_the_file_and_its_name_are_durable_when_this_returns(folder: RunFolder, is_there: bool) -> None:
    if is_there:
        folder.trial(5).mkdir(parents=True)

    class Noting(disk.Disk):
        def __init__(self) -> None:
            self.calls: list[str] = []

        def sync(self, fd: int) -> None:
            self.calls.append("sync")

        def sync_folder(self, path: Path, at: int | None = None) -> None:
            self.calls.append(path.name)

        def replace(self, source: Path, target: Path, at: int | None = None) -> None:
            self.calls.append("replace")
            super().replace(source, target, at)

    with disk.use(Noting()) as noting:
        set_apart(large(), 5, folder)
        assert isinstance(noting, Noting)
        assert noting.calls == ["sync", "replace", "5", "trials", "run_x"]


def test_a_disk_that_refuses_is_said(folder: RunFolder) -> None:
    class Full(disk.Disk):
        def write(self, fd: int, data: bytes | memoryview) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with disk.use(Full()), pytest.raises(TapeError, match=r"result\.json could not be written: No space left"):
        set_apart(large(), 5, folder)
    assert list(folder.trial(5).iterdir()) == []


def test_a_file_that_was_changed_is_refused(folder: RunFolder) -> None:
    short = set_apart(large(), 0, folder)
    path = folder.trial(0) / "result.json"
    data = path.read_bytes()
    for changed in (data[:-1], data + b" ", data[:50] + b"X" + data[51:], b""):
        path.write_bytes(changed)
        with pytest.raises(TapeCorrupt, match=r"result\.json was changed") as caught:
            load_large(short["file"], folder)
        assert caught.value.path == path
    path.unlink()
    with pytest.raises(TapeCorrupt, match=r"result\.json is no file of this run"):
        load_large(short["file"], folder)


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "trials/../../secret", "link", "", "trials"])
def test_no_file_outside_of_the_run_is_read(folder: RunFolder, name: str) -> None:
    (folder.path.parent / "secret").write_text("{}")
    (folder.path / "link").symlink_to(folder.path.parent / "secret")
    (folder.path / "trials").mkdir()
    with pytest.raises(TapeCorrupt, match="no file of this run"):
        load_large({"name": name, "bytes": 2, "hash": "0"}, folder)


def test_what_an_evaluator_calls_file_is_not_taken_for_a_large_result(folder: RunFolder) -> None:
    short = set_apart(large(), 0, folder)
    assert is_apart(short)
    for given in ("model.pkl", None, {}, short["file"], ["name", "bytes", "hash"]):
        assert not is_apart({"ok": {"loss": 1.0, "file": given}})


def test_what_stands_beside_a_large_result_stays_on_the_tape_unless_it_is_what_is_large(folder: RunFolder) -> None:
    result = {**large(), "given_loss": 3, "dropped": ["model"]}
    short = set_apart(result, 0, folder)
    assert (short["given_loss"], short["dropped"]) == (3, ["model"])
    assert load_large(short["file"], folder) == {**large(), "given_loss": 3}
    short = set_apart({"ok": {"loss": 1.0}, "given_loss": "x" * LIMIT}, 1, folder)
    assert short.keys() == {"ok", "file"}
    assert load_large(short["file"], folder)["given_loss"] == "x" * LIMIT


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"ok": 3}', b'{"ok": {}}', b'{"ok": {"loss": "0"}}', b'{"$int": "x"}'])
def test_a_file_with_the_right_hash_that_is_no_result_is_refused(folder: RunFolder, data: bytes) -> None:
    short = set_apart(large(), 0, folder)
    (folder.trial(0) / "result.json").write_bytes(data)
    entry = {**short["file"], "hash": hashlib.blake2b(data, digest_size=16).hexdigest()}
    with pytest.raises(TapeCorrupt, match=r"result\.json is no result"):
        load_large(entry, folder)
