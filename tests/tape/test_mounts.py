"""A network disk is known by the table of mounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from runlib.tape import mounts
from runlib.tape.mounts import on_network


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("1 0 0:1 / / rw - nfs s:/ rw", True),
        ("1 0 0:1 / / rw - ext4 /dev/a rw", False),
        ("1 0 0:1 / / rw - nfs s:/ rw\n2 1 0:2 / {here} rw - ext4 /dev/a rw", False),  # the nearest one
        ("2 1 0:2 / {here} rw - ext4 /dev/a rw\n1 0 0:1 / / rw - nfs s:/ rw", False),
        ("2 1 0:2 / {here} rw - ext4 /dev/a rw\n3 2 0:3 / {here} rw shared:4 master:1 - nfs4 s:/ rw", True),  # above it
        ("1 0 0:1 / / rw - ext4 /dev/a rw\n2 1 0:2 / {here}x rw - nfs s:/ rw", False),  # a name that begins alike
        ("1 0 0:1 / / rw - ext4 /dev/a rw\n2 1 0:2 / {parent} rw - fuse.sshfs a@b: rw", True),
        ("1 0 0:1 / / rw - ext4 /dev/a rw\n2 1 0:2 / {here} rw - nfsd nfsd rw", False),
        ("", False),
    ],
)
def test_a_network_disk_is_known_by_the_nearest_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, expected: bool
) -> None:
    here = tmp_path / "with space"
    here.mkdir()
    names = {"here": str(here).replace(" ", "\\040"), "parent": tmp_path}
    (tmp_path / "table").write_text(table.format(**names))
    monkeypatch.setattr(mounts, "MOUNTS", tmp_path / "table")
    assert on_network(here) is expected


def test_without_a_table_of_mounts_every_disk_is_local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts, "MOUNTS", tmp_path / "none")
    assert not on_network(tmp_path)


def test_the_table_of_this_machine_can_be_read() -> None:
    assert on_network(Path("/proc")) is False
