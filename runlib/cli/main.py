"""Defines the command ``runlib``, with its subcommands and its help."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Annotated

import typer

from runlib import __version__
from runlib.cli.audit import repair, verify
from runlib.cli.change import annotate, enqueue, fork, stop, void
from runlib.cli.clean import clean
from runlib.cli.ending import interruptible
from runlib.cli.show import status, top
from runlib.cli.spelling import KnownCommands, KnownOptions
from runlib.cli.streams import have_streams
from runlib.cli.work import restore, run
from runlib.engine.code.program import declare_command

__all__ = ["app", "main"]

_HELP = """Tune with runs that survive: every event is on one tape, and a run that was cut off goes on exactly.

Exit codes: 0 the run ended as it should (its stop reached, the search exhausted, the duration passed), or there was
something to show; 1 the run ended with an error, or its tape or disk cannot be used; 2 wrong usage or config, or a
folder that is no run, exists already, or is written by another process: nothing was begun; 130 ended in order by
Ctrl-C; 143 by SIGTERM; 138 and 140 by SIGUSR1 and SIGUSR2; 129 because its terminal went away.
"""

app = typer.Typer(
    name="runlib",
    cls=KnownCommands,
    help=_HELP,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # errors are plain lines, which can also be read in logs
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"runlib {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Takes the options that stand before the subcommand."""


for _command in (run, restore, status, top, enqueue, void, annotate, stop, fork, verify, repair, clean):
    app.command(cls=KnownOptions)(_command)


def main() -> None:
    """Runs the command, and never returns."""
    with interruptible():
        _main()


def _main() -> None:
    declare_command()
    have_streams()
    # As with ``python -m``, modules in the working folder can be named; at the end, so that they shadow nothing.
    with contextlib.suppress(FileNotFoundError):  # the folder was deleted: code that needs it raises
        sys.path.append(os.getcwd())
    app(prog_name="runlib")
