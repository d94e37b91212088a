"""Reads the file that ``runlib run`` takes, which holds a run and how it is computed.

::

    run: {search: ..., evaluator: ..., stop: ...}   # the arguments of Run: what determines the result
    plugins: [module, file.py]                      # imported first
    context: {max_workers: 2}                       # how things are computed
    pool: pool_processes
    observers: [observe_status, observe_log]
    directory: runs                                 # where the folder of the run is made
    duration: 10                                    # minutes
    baseline: {...}                                 # a suggestion to compare the best with

Files named in it are looked for first in the working folder, then next to the file. Everything is checked, and every
component is made, before the folder is; each error names the file and the place in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from runlib.cli.form import below, check_form, naming
from runlib.engine import registry
from runlib.engine.component import Component, from_config, merge_context
from runlib.engine.data.yamlfile import read_yaml
from runlib.engine.legible import shell_word
from runlib.errors import ConfigError
from runlib.observe.base import Observer
from runlib.pool.base import Pool
from runlib.run.run import Run
from runlib.run.settings import check_context
from runlib.space.dialects.neps import reread_words

__all__ = ["Job", "read_job"]

C = TypeVar("C", bound=Component)


@dataclass(frozen=True)
class Job:
    """Holds the content of the file, with the type of each part checked.

    Attributes:
        file: The path of the file.
        run: The arguments of the run.
        plugins: The modules and files to import.
        context: The settings of how things are computed.
        pool: The config of the pool; None for the default.
        observers: The configs of the observers; None for the default ones.
        directory: The folder in which the folder of the run is made, relative to the working folder.
        duration: The limit in minutes; None for no limit.
        baseline: A suggestion to compare with; None for none.
    """

    file: Path
    run: dict[str, Any]
    plugins: list[str] = field(default_factory=list)
    context: dict[str, Any] = field(default_factory=dict)
    pool: Any = None
    observers: list[Any] | None = None
    directory: str = "."
    duration: float | None = None
    baseline: Any = None

    def make(self, *, name: str | None = None, **context: Any) -> Run:
        """Loads the plugins and makes the run with all its components; writes nothing.

        Args:
            name: A name that replaces the one in the file.
            context: Values that take precedence over the context in the file.

        Raises:
            ConfigError: Something in the file is wrong.
        """
        registry.add_path(self.file.parent)
        merged = {**self.context, **context}
        with naming(self.file):
            for index, plugin in enumerate(self.plugins):
                with below(f"plugins.{index}"):
                    registry.load_plugin(plugin)
            execution = {"pool": self._pool(merged), "observers": self._observers(merged)}
            check_context(merge_context(Run, merged))
            arguments = {**self.run, **execution} if name is None else {**self.run, **execution, "name": name}
            run = from_config({Run.kind: arguments}, context=merged, family=Run)
            if run.evaluator is None:
                raise ConfigError("is missing; a run without one is driven by hand, from Python", "run.evaluator")
            run.pool.slots(run.context)  # the pool checks the context before anything is written
        return run

    def _pool(self, context: Mapping[str, Any]) -> Pool | None:
        return None if self.pool is None else _made("pool", self.pool, Pool, context)

    def _observers(self, context: Mapping[str, Any]) -> list[Observer] | None:
        if self.observers is None:
            return None
        return [_made(f"observers.{i}", config, Observer, context) for i, config in enumerate(self.observers)]


def _made(place: str, config: Any, family: type[C], context: Mapping[str, Any]) -> C:
    with below(place):
        return from_config(config, context=context, family=family)


def _refuse_other(file: Path) -> None:
    """Refuses a file that is clearly not a config.

    Raises:
        ConfigError: The file is something else; the message says what it is.
    """
    if file.is_dir():
        is_run = (file / "tape.son").is_file()
        way = f"the folder of a run; to go on with it: runlib restore {shell_word(file)}" if is_run else "a folder"
        raise ConfigError(f"{file} is {way}; runlib run takes the file of a config, CONFIG.yaml")
    if file.name == "tape.son":
        raise ConfigError(f"{file} is the tape of a run; to go on with it: runlib restore {shell_word(file.parent)}")
    if file.suffix in (".py", ".ipynb"):
        start = f", which Python starts: python {shell_word(file)}" if file.suffix == ".py" else ""
        raise ConfigError(f"{file} is a program{start}; runlib run takes the file of a config, CONFIG.yaml")


def read_job(file: Path) -> Job:
    """Reads the file and checks its form; does not make components yet.

    Raises:
        ConfigError: The file cannot be read, or has another form.
    """
    _refuse_other(file)
    data = read_yaml(file, reread_words)
    with naming(file):
        check_form(data)
        given = {key: value for key, value in data.items() if value is not None}
        return Job(file=file, **given)
