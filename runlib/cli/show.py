"""Defines the commands ``status`` and ``top``, which read the tape, write nothing, and need no plugin."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from runlib.cli.account import describe, render_description
from runlib.cli.best import best_trials, print_best
from runlib.cli.ending import reporting, show, show_json
from runlib.engine.data.shape import flat
from runlib.engine.data.yamlfile import write_yaml
from runlib.errors import ConfigError
from runlib.run.run import Run

__all__ = ["status", "top"]

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Of the run, which may be running.")]
Json = Annotated[bool, typer.Option("--json", help="As one line of JSON, all numbers in full.")]


def status(folder: Folder, json: Json = False) -> None:
    """Show the status of the run in FOLDER, according to its tape.

    The command works while another process runs it, changes nothing, and needs none of the run's plugins.
    """
    with reporting():
        now = time.time()
        about = describe(Run.checkout(folder), now)
        if json:
            show_json(about)
        else:
            show(render_description(about, now))


def top(
    folder: Folder,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many, at most.")] = 5,
    at: Annotated[int | None, typer.Option(metavar="N", min=0, help="As it was after record N of the tape.")] = None,
    json: Json = False,
    yaml: Annotated[bool, typer.Option("--yaml", help="As YAML, suggestions in full.")] = False,
) -> None:
    """Show the best trials of the run in FOLDER.

    The table shows of each suggestion the values that differ between trials, under their shortest names; --json and
    --yaml show the whole suggestion. A suggestion that was made several times appears once.
    """
    with reporting():
        if json and yaml:
            raise ConfigError("--json and --yaml exclude each other")
        state = Run.checkout(folder, at=at).state
        if json:
            show_json(best_trials(state, count))
        elif yaml:
            sys.stdout.write(write_yaml(flat(best_trials(state, count))))
        elif state.best is None:
            show(
                f"none of the {len(state.trials)} finished trials succeeded"
                if state.trials
                else "no trial finished yet"
            )
        else:
            print_best(state, count)
