"""Defines the commands that change a run by one record, and the command that forks a run.

A change is left in the inbox of the run, and the command waits until the writer has taken it. If no process writes to
the run, the command takes the lock and writes by itself. No plugin of the run is needed, except to fork with another
search or stop.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runlib.cli.ending import FAILED, reporting, say, show, show_path
from runlib.cli.options import Plugins, check_options, load_plugins, read_component, read_data
from runlib.run.continuation.advice import ways_on
from runlib.run.continuation.fork import make_fork
from runlib.run.edits.edit import Inbox
from runlib.run.folder.folder import RunFolder
from runlib.run.parts import config_of
from runlib.run.run import Run
from runlib.search.base import Search
from runlib.stop.base import Stop

__all__ = ["annotate", "enqueue", "fork", "stop", "void"]

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Of the run, which may be running.")]
Reason = Annotated[str, typer.Option(help="For people; it stands on the tape.")]


def enqueue(
    folder: Folder,
    suggestion: Annotated[
        str,
        typer.Argument(metavar="SUGGESTION", help="A YAML file, or a text such as '{x: 0.5}'."),
    ],
) -> None:
    """Have the run in FOLDER try a suggestion next.

    It comes before the suggestions of the search. The search learns from its result if it can.
    """
    with reporting():
        _tell(Inbox(folder).enqueue(read_data("SUGGESTION", suggestion)), folder, "the suggestion is enqueued")


def void(
    folder: Folder,
    tid: Annotated[int, typer.Argument(metavar="TRIAL", min=0, help="The number of the trial.")],
    reason: Reason = "",
) -> None:
    """Void the result of a trial of the run in FOLDER.

    The result no longer counts for the best, for the stop, for repeats, or for the search. The results that were taken
    from the same evaluation are voided too. A trial that is running is cancelled.
    """
    with reporting():
        _tell(Inbox(folder).void(tid, reason), folder, f"trial {tid} is void")


def annotate(
    folder: Folder,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The remark.")],
    trial: Annotated[int | None, typer.Option(min=0, help="The trial that it is about.")] = None,
) -> None:
    """Put a remark on the tape of the run in FOLDER."""
    with reporting():
        _tell(Inbox(folder).annotate(trial, text), folder, "the remark is on the tape")


def stop(folder: Folder, reason: Reason = "") -> None:
    """Have the run in FOLDER end in order. A restore continues it."""
    with reporting():
        if not Inbox(folder).stop(reason):
            say(f"error: the process that holds {folder} did not listen; it was not stopped")
            raise typer.Exit(FAILED)
        show(f"{folder}: it ends")


def fork(
    folder: Folder,
    at: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="The record after which it goes its own way; else the last.")
    ] = None,
    directory: Annotated[str, typer.Option(metavar="D", help="Where the folder run_NAME is made.")] = ".",
    name: Annotated[str | None, typer.Option(help="Of the new run; by default two random words.")] = None,
    search: Annotated[
        str | None,
        typer.Option(metavar="SEARCH", help="Another search, told of the old trials: a YAML file, or a text."),
    ] = None,
    stop: Annotated[str | None, typer.Option(metavar="STOP", help="Another stop: a YAML file, or a text.")] = None,
    plugin: Plugins = None,
) -> None:
    """Make a new run that begins with the history of the run in FOLDER.

    The run in FOLDER is only read. The folder of the new run is printed; 'runlib restore' continues it.
    """
    with reporting():
        check_options(name=name)
        load_plugins(plugin)
        changes = {
            "search": config_of("--search", read_component("--search", search), Search),
            "stop": config_of("--stop", read_component("--stop", stop), Stop),
            "name": name,
        }
        made = make_fork(RunFolder.find(folder), at, directory, changes)
        show_path(made.path)
        say(f"to go on: {ways_on(Run.checkout(made.path)).by_command}")


def _tell(done: bool, folder: Path, what: str) -> None:
    if done:
        show(f"{folder}: {what}")
    else:
        say(f"warning: the process that holds {folder} did not take it yet; it does so when the run goes on")
