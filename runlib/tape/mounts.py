"""Which disks several machines may share: there a lock may count for each machine alone."""

from __future__ import annotations

import os
import re
from pathlib import Path

__all__ = ["on_network"]

MOUNTS = Path("/proc/self/mountinfo")
NETWORK = re.compile(  # kinds of file systems, as the table of mounts names them
    "9p|acfs|afs|beegfs|ceph|cifs|coda|fhgfs|gfs2?|glusterfs|gpfs|lustre|ncpfs|nfs4?|ocfs2|orangefs|panfs|pvfs2|smb3|smbfs|"
    r"vboxsf|virtiofs|wekafs|fuse\.(beegfs|ceph|ceph-fuse|gcsfuse|glusterfs|juicefs|mfs|moosefs|rclone|s3fs|smbnetfs|sshfs)"
)


def on_network(folder: Path) -> bool:
    """Whether a folder is on a disk that several machines may share, where locks may count for each machine alone.

    It is looked up in the table of mounts, by the longest mount point above the folder; where there is no such table
    (elsewhere than on Linux), every disk is taken for a local one.
    """
    try:
        lines = os.fsdecode(MOUNTS.read_bytes()).splitlines()
    except OSError:
        return False
    place, found = folder.resolve(), ("", "")
    for line in lines:
        fields, _, rest = line.partition(" - ")
        point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields.split(" ")[4])
        if place.is_relative_to(point) and len(point) >= len(found[0]):  # a later one lies over an earlier one
            found = point, rest.split(" ")[0]
    return NETWORK.fullmatch(found[1]) is not None
