"""The commands that run: ``run`` takes a file, ``restore`` a folder. What is wrong is found before a run begins."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from runlib.cli.carry import Manner, carry_out
from runlib.cli.ending import reporting, say, sentence
from runlib.cli.job import read_job
from runlib.cli.options import (
    Duration,
    Plugins,
    Quiet,
    Traceback,
    check_options,
    load_plugins,
    read_changes,
    read_context,
)
from runlib.engine import registry
from runlib.engine.component import from_config, is_config
from runlib.errors import ConfigError
from runlib.observe.base import Observer
from runlib.observe.log import LogObserver
from runlib.observe.progress import ProgressObserver
from runlib.observe.status import StatusObserver
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
    quiet: Quiet = False,
    traceback: Traceback = False,
) -> None:
    """Start the run that CONFIG.yaml describes.

    The file has the run under 'run' (search, evaluator, stop, ...) and may have beside it: plugins, context, pool,
    observers, directory, duration (minutes), and baseline, a suggestion that is evaluated once afterwards to show what
    was gained. Files that it names are looked for in the working folder, then next to it.
    """
    with reporting(traceback):
        check_options(duration=duration, name=name)
        load_plugins(plugin)
        job = read_job(config)
        made = job.make(name=name, announce=False, **({} if workers is None else {"max_workers": workers}))
        made.observers = _with_progress(made.observers, quiet, made.given_context)
        made.prepare(job.directory if directory is None else directory)
        minutes = job.duration if duration is None else duration
        carry_out(made, Manner(minutes, quiet, traceback, job.baseline))


def restore(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Of the run.")],
    duration: Duration = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Evaluations at once; by default as many as before, so that it goes on as it would."),
    ] = None,
    plugin: Plugins = None,
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
    quiet: Quiet = False,
    traceback: Traceback = False,
) -> None:
    """Go on with the run in FOLDER where its tape ends.

    Trials that were cut off are evaluated first; nothing that was finished is evaluated again. A run that has reached
    its stop goes on with another one (--stop). Pool, observers and workers are those of before.
    """
    with reporting(traceback):
        check_options(duration=duration)
        changes = read_changes(stop, trial_timeout)
        given = {**read_context(context), **({} if workers is None else {"max_workers": workers})}
        noted = Run.checkout(folder).state.last_session
        load_plugins(plugin)
        made = Run.restore(folder, verify=verify, **_scene(noted, given, quiet), **changes)
        carry_out(made, Manner(duration, quiet, traceback))


def _scene(noted: Mapping[str, Any], given: Mapping[str, Any], quiet: bool) -> dict[str, Any]:
    """Pool, observers and context of a restored run: those of its last session, and over them what is given."""
    before = {"max_workers": "slots", "ahead": "ahead", "sync": "sync"}
    context = {key: noted[name] for key, name in before.items() if name in noted}
    context |= {**given, "announce": False}
    observers = _with_progress(_noted_observers(noted, context), quiet, context)
    pool = noted.get("pool")
    return {"pool": pool if is_config(pool) else None, "observers": observers, "context": context}


def _noted_observers(noted: Mapping[str, Any], context: Mapping[str, Any]) -> list[Observer]:
    """The observers of the last session; one that cannot be made is missed, but keeps nothing from going on."""
    configs = noted.get("observers")
    if not isinstance(configs, list):
        return [StatusObserver(context), LogObserver(context)]
    _try_plugins(noted)
    found = []
    for config in configs:
        try:
            found.append(from_config(config, context=context, family=Observer))
        except ConfigError as error:
            say(f"warning: going on without an observer: {sentence(error)}")
    return found


def _try_plugins(noted: Mapping[str, Any]) -> None:
    """Load what the last session had loaded; what cannot be is told by ``Run.restore``, which tries again."""
    for path in noted.get("paths", []):
        registry.add_path(path)
    for name in noted.get("plugins", []):
        with contextlib.suppress(ConfigError):
            registry.load_plugin(name)


def _with_progress(observers: Sequence[Observer], quiet: bool, context: Mapping[str, Any]) -> list[Observer]:
    others = [observer for observer in observers if not isinstance(observer, ProgressObserver)]
    return others if quiet else [*others, ProgressObserver(context)]
