"""Defines the options that commands share, and parses their texts; an error names its option."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from runlib.cli.form import below
from runlib.engine import registry
from runlib.engine.data.canonical import NotPlain, plain
from runlib.engine.data.yamlfile import parse_yaml, read_yaml
from runlib.engine.names import check_name
from runlib.errors import ConfigError
from runlib.run.settings import check_duration, check_timeout

__all__ = [
    "Duration",
    "NoPlugins",
    "Plugins",
    "Quiet",
    "StealLock",
    "Traceback",
    "TrustOthers",
    "check_options",
    "load_plugins",
    "read_changes",
    "read_component",
    "read_context",
    "read_data",
]

Duration = Annotated[
    float | None,
    typer.Option(
        metavar="MINUTES",
        help="Of wall clock. No trial is started in the last 30 s (or the last tenth) of it; what still runs at its "
        "end starts first on restore.",
        show_default=False,
    ),
]
Plugins = Annotated[
    list[str] | None,
    typer.Option(
        "--plugin",
        metavar="MODULE",
        help="A module or .py file with own components, imported first; may be repeated.",
        show_default=False,
    ),
]
NoPlugins = Annotated[
    bool,
    typer.Option("--no-plugins", help="Import nothing that the tape names: no plugin, no module, no script."),
]
TrustOthers = Annotated[
    bool,
    typer.Option("--trust", help="Import what the tape names also where it, or the tape, belongs to another user."),
]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        help="No progress and no table: print the folder of the run alone. What trials print goes to standard error.",
    ),
]
StealLock = Annotated[
    bool,
    typer.Option(
        "--steal-lock",
        help="Take the run over from a process that seems to write it, on a network disk. First make sure that it is "
        "dead.",
    ),
]
Traceback = Annotated[
    bool, typer.Option("--traceback", help="If an evaluation ends the run, show the whole traceback of the worker.")
]


def check_options(*, duration: float | None = None, name: str | None = None) -> None:
    """Checks arguments of a run, and names the options in errors.

    Raises:
        ConfigError: A value is out of range, or the name is not a plain name.
    """
    with _option("--duration"):
        check_duration(duration)
    if name is not None:
        with _option("--name"):
            check_name(name)


@contextlib.contextmanager
def _option(option: str) -> Iterator[None]:
    """Gives errors in this context the name of the option, in place of the argument that it stands for."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(error.reason, option) from error.__cause__


def load_plugins(plugins: Sequence[str] | None) -> None:
    """Imports the plugins that ``--plugin`` names.

    Raises:
        ConfigError: A plugin cannot be imported.
    """
    for name in plugins or []:
        with below("--plugin"):
            registry.load_plugin(name)


def read_changes(stop: str | None, trial_timeout: str | None) -> dict[str, Any]:
    """Returns what ``--stop`` and ``--trial-timeout`` change, as arguments of ``Run.restore``.

    Raises:
        ConfigError: A text has the wrong form.
    """
    changes: dict[str, Any] = {}
    if stop is not None:
        changes["new_stop"] = read_component("--stop", stop)
    if trial_timeout is not None:
        changes["trial_timeout"] = _seconds(trial_timeout)
    return changes


def read_component(option: str, text: str | None) -> Any:
    """Returns the component that an option's text describes; None for None.

    Raises:
        ConfigError: The text does not have the form of a component.
    """
    config = None if text is None else read_data(option, text)
    is_one = isinstance(config, dict) and len(config) == 1 and isinstance(next(iter(config)), str)
    if config is not None and not isinstance(config, str | int | list) and not is_one:
        raise ConfigError(f"takes {{kind: {{arguments}}}}, such as {{stop_max: {{count: 200}}}}, got {text}", option)
    return config


def read_context(context: str | None) -> dict[str, Any]:
    """Returns the context that ``--context`` gives.

    Raises:
        ConfigError: The context is not a dict.
    """
    given = {} if context is None else read_data("--context", context)
    if not isinstance(given, dict):
        raise ConfigError(f"takes a dict, such as {{devices: [0, 1]}}, got {context}", "--context")
    return given


def _seconds(text: str) -> float | None:
    if text.lower() in ("none", "null"):
        return None
    try:
        value: Any = float(text)
    except ValueError:
        value = text
    with _option("--trial-timeout"):
        return check_timeout(value)


def read_data(option: str, value: str) -> Any:
    """Returns the data in a YAML file, or in the text itself.

    Raises:
        ConfigError: The data cannot be read, or is not plain data.
    """
    is_file = value.endswith((".yaml", ".yml", ".json")) or ("{" not in value and Path(value).is_file())
    with below(option):
        data = read_yaml(value) if is_file else parse_yaml(value, "the text")
        try:
            return plain(data)
        except NotPlain as error:
            raise ConfigError(error.reason, error.path) from None
