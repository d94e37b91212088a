"""The files for the output of a trial, made before it starts: so a disk that has no room for them is waited for.

A worker could not wait: it would take the time of its trial, and nobody would hear of it. It finds the files there.
"""

from __future__ import annotations

import os

from runlib.engine import disk
from runlib.run.folder.folder import RunFolder

__all__ = ["make_outputs"]

NAMES = ("stdout.txt", "stderr.txt")


def make_outputs(folder: RunFolder, tid: int) -> OSError | None:
    """Make the files that are missing; returns the error if there is no room for them, or no inode.

    Whatever else is in the way is found by the worker, and is an error of the trial.
    """
    try:
        with folder.opened() as directory, directory.inside("trials", str(tid), make=True) as trial:
            for name in NAMES:
                disk.current.close(trial.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND))
    except OSError as error:
        return error if disk.is_full(error) else None
    return None
