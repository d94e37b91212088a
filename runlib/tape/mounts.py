"""Finds out which disks several machines may share, because a lock on such a disk may count for one machine only."""

from __future__ import annotations

import os
import re
from pathlib import Path

__all__ = ["on_network"]

MOUNTS = Path("/proc/self/mountinfo")
NETWORK = re.compile(  # types of file systems, as the table of mounts spells them
    "9p|acfs|afs|beegfs|ceph|cifs|coda|fhgfs|gfs2?|glusterfs|gpfs|lustre|ncpfs|nfs4?|ocfs2|orangefs|panfs|pvfs2|smb3|smbfs|"
    r"vboxsf|virtiofs|wekafs|fuse\.(beegfs|ceph|ceph-fuse|gcsfuse|glusterfs|juicefs|mfs|moosefs|rclone|s3fs|smbnetfs|sshfs)"
)


def on_network(folder: Path) -> bool:
    """Returns whether several machines may share the disk of a folder, so that locks may count for one machine only.

    The function looks for the longest mount point above the folder in the table of mounts. Only Linux has such a table.
    On other systems the function takes every disk for a local one.
    """
    try:
        lines = os.fsdecode(MOUNTS.read_bytes()).splitlines()
    except OSError:
        return False
    place, found = folder.resolve(), ("", "")
    for line in lines:
        fields, _, rest = line.partition(" - ")
        point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields.split(" ")[4])
        if place.is_relative_to(point) and len(point) >= len(found[0]):  # A later mount hides an earlier one.
            found = point, rest.split(" ")[0]
    return NETWORK.fullmatch(found[1]) is not None
