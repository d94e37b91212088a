"""Makes the files for the output of a trial before the trial starts, so that the run can wait while the disk is full.

A worker could not wait: the time would count for its trial, and nobody would notice. It finds the files already made.
"""

from __future__ import annotations

import os

from runlib.engine import disk
from runlib.run.folder.folder import RunFolder

__all__ = ["make_outputs"]

NAMES = ("stdout.txt", "stderr.txt")


def make_outputs(folder: RunFolder, tid: int) -> OSError | None:
    """Makes the missing files; returns the error if the disk has no space, or no inode, for them.

    The worker runs into any other error itself, which is then an error of the trial.
    """
    try:
        with folder.opened() as directory, directory.inside("trials", str(tid), make=True) as trial:
            for name in NAMES:
                disk.current.close(trial.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND))
    except OSError as error:
        return error if disk.is_full(error) else None
    return None
