"""Defines the commands ``run``, which takes a config file, and ``restore``, which takes a folder.

Errors are found before a run begins.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runlib.cli.carry import Manner, carry_out, working_where_it_did
from runlib.cli.ending import reporting
from runlib.cli.job import read_job
from runlib.cli.options import (
    Duration,
    NoPlugins,
    Plugins,
    Quiet,
    StealLock,
    Traceback,
    TrustOthers,
    check_options,
    load_plugins,
    read_changes,
    read_context,
)
from runlib.cli.streams import stdout_to_stderr
from runlib.errors import ConfigError
from runlib.run.run import Run

__all__ = ["restore", "run"]


def run(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.yaml", help="The run, and how it is computed.")],
    directory: Annotated[
        str | None,
        typer.Option(help="Where the folder run_NAME is made; by default as in the file, or in the working folder."),
    ] = None,
    duration: Duration = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Evaluations at once; by default context.max_workers, or one for each core."),
    ] = None,
    plugin: Plugins = None,
    name: Annotated[str | None, typer.Option(help="Of the run; by default two random words.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run of that name, if it is there and is the same.")
    ] = False,
    quiet: Quiet = False,
    traceback: Traceback = False,
) -> None:
    """Start the run that CONFIG.yaml describes.

    The file has the run under 'run' (search, evaluator, stop, ...). Beside it may stand: plugins, context, pool,
    observers, directory, duration (minutes), and baseline, a suggestion that is evaluated once afterwards to show the
    gain. Files that it names are looked for in the working folder, then next to CONFIG.yaml.
    """
    with reporting(traceback):
        check_options(duration=duration, name=name)
        with stdout_to_stderr():  # this includes what modules print while they are imported
            load_plugins(plugin)
            job = read_job(config)
            made = job.make(name=name, **({} if workers is None else {"max_workers": workers}))
            made.prepare(job.directory if directory is None else directory, resume=resume)
        minutes = job.duration if duration is None else duration
        carry_out(made, Manner(minutes, quiet, traceback, job.baseline))


def restore(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Of the run.")],
    duration: Duration = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Evaluations at once; by default as before."),
    ] = None,
    plugin: Plugins = None,
    no_plugins: NoPlugins = False,
    trust: TrustOthers = False,
    evaluator: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.py:NAME",
            help="Where the function is that evaluates, if it is not where it was; or MODULE:NAME.",
        ),
    ] = None,
    stop: Annotated[
        str | None,
        typer.Option(metavar="STOP", help="Another stop: a YAML file, or a text such as '{stop_max: {count: 200}}'."),
    ] = None,
    trial_timeout: Annotated[
        str | None, typer.Option(metavar="SECONDS", help="Another limit for one evaluation; 'none' for no limit.")
    ] = None,
    context: Annotated[
        str | None,
        typer.Option(metavar="CONTEXT", help="How it is computed: a YAML file, or a text such as '{devices: [0, 1]}'."),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="First ask the search again for every old suggestion, and compare.")
    ] = False,
    steal_lock: StealLock = False,
    quiet: Quiet = False,
    traceback: Traceback = False,
) -> None:
    """Continue the run in FOLDER where its tape ends.

    Trials that were cut off are evaluated first; no finished trial is evaluated again. A run that has reached its stop
    continues with another one (--stop). Pool, observers, context and working folder stay as they were, except for what
    is given.

    The command executes code that the tape names: the plugins, the module or file of the evaluator's function, and the
    script that the run was started from. The script is executed up to the line that would start a run, and without the
    code under: if __name__ == "__main__". With --no-plugins none of this code is executed. If such a file, or the tape,
    belongs to another user of this machine, --trust is required.
    """
    with reporting(traceback):
        check_options(duration=duration)
        changes = read_changes(stop, trial_timeout)
        given = {**read_context(context), **({} if workers is None else {"max_workers": workers})}
        with stdout_to_stderr():
            load_plugins(plugin)
            made = Run.restore(
                folder,
                evaluator=evaluator,
                verify=verify,
                steal_lock=steal_lock,
                plugins=not no_plugins,
                trust=trust,
                context=given,
                **changes,
            )
        if made.evaluator is None:
            made.close()
            raise ConfigError(f"{folder} is driven by hand, from Python: there is no evaluator to go on with", "FOLDER")
        with working_where_it_did(made):
            carry_out(made, Manner(duration, quiet, traceback))
