"""Defines the command ``clean``, which removes what processes left in a folder when they died while they made a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runlib.cli.ending import FAILED, reporting, show_path
from runlib.run.folder.leftovers import find_leftovers, remove_leftovers

__all__ = ["clean"]


def clean(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="In which runs are made; their folders stay.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Name them only.")] = False,
) -> None:
    """Remove the temporary folders that dead processes left in DIR.

    A run, a fork and a repair make their folder under a temporary name (.run_*.new). A process that is killed leaves it
    behind. The next one that makes a run in DIR removes it too. Folders of runs are never touched.
    """
    with reporting():
        found = find_leftovers(directory)
        gone = found if dry_run else remove_leftovers(directory)
        for path in gone:
            show_path(path)
        if len(gone) < len(found):
            raise typer.Exit(FAILED)
