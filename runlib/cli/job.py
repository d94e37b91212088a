"""The file that ``runlib run`` takes: a run, and beside it how it is computed.

::

    run: {search: ..., evaluator: ..., stop: ...}   # the arguments of Run: what determines the result
    plugins: [module, file.py]                      # imported first
    context: {max_workers: 2}                       # how things are computed
    pool: pool_processes
    observers: [observe_status, observe_log]
    directory: runs                                 # where the folder of the run is made
    duration: 10                                    # minutes
    baseline: {...}                                 # a suggestion to compare the best with

Files named in it are looked for in the working folder, then next to it. Everything is checked, and every component
made, before a folder is; each error names the file and the place in it.
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from runlib.engine import registry
from runlib.engine.canonical import NotPlain, plain
from runlib.engine.component import Component, from_config, merge_context
from runlib.engine.yamlfile import read_yaml
from runlib.errors import ConfigError
from runlib.observe.base import Observer
from runlib.pool.base import Pool
from runlib.run.run import Run
from runlib.run.settings import check_context, check_duration

__all__ = ["Job", "check_workplace", "naming", "read_job"]

KEYS = ("run", "plugins", "context", "pool", "observers", "directory", "duration", "baseline")
BESIDE = ("pool", "observers", "context")  # Run takes them, but they are no part of its config

C = TypeVar("C", bound=Component)


@dataclass(frozen=True)
class Job:
    """What stands in the file, each part checked for its type.

    Attributes:
        file: Where it was read.
        run: The arguments of the run.
        plugins: Modules and files.
        context: How things are computed.
        pool: A config; None for the default.
        observers: Configs; None for the default ones.
        directory: Where the folder of the run is made, seen from the working folder.
        duration: Minutes; None for no limit.
        baseline: A suggestion; None for none.
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
        """Load the plugins and make the run, with all its components; nothing is written.

        Args:
            name: Instead of the name in the file.
            context: Comes before that in the file.

        Raises:
            ConfigError: Something in the file is wrong.
        """
        registry.add_path(self.file.parent)
        merged = {**self.context, **context}
        with naming(self.file):
            for index, plugin in enumerate(self.plugins):
                with below(f"plugins.{index}"):
                    registry.load_plugin(plugin)
            scene = {"pool": self._pool(merged), "observers": self._observers(merged)}
            check_context(merge_context(Run, merged))
            arguments = {**self.run, **scene} if name is None else {**self.run, **scene, "name": name}
            run = from_config({Run.kind: arguments}, context=merged, family=Run)
            check_workplace(run)
        return run

    def _pool(self, context: Mapping[str, Any]) -> Pool | None:
        return None if self.pool is None else _made("pool", self.pool, Pool, context)

    def _observers(self, context: Mapping[str, Any]) -> list[Observer] | None:
        if self.observers is None:
            return None
        return [_made(f"observers.{i}", config, Observer, context) for i, config in enumerate(self.observers)]


def check_workplace(run: Run) -> None:
    """What a pool needs to know of the context is checked before anything is written.

    Raises:
        ConfigError: A value in the context is wrong.
    """
    run.pool.slots(run.context)


def _made(place: str, config: Any, family: type[C], context: Mapping[str, Any]) -> C:
    with below(place):
        return from_config(config, context=context, family=family)


@contextlib.contextmanager
def below(place: str) -> Iterator[None]:
    """Errors in a config are told with ``place`` before their path."""
    try:
        yield
    except ConfigError as error:
        raise error.under(place) from error.__cause__


@contextlib.contextmanager
def naming(file: Path) -> Iterator[None]:
    """Errors in a config are told with the file that it stands in."""
    try:
        yield
    except ConfigError as error:
        raise type(error)(str(error), str(file)) from error.__cause__


def read_job(file: Path) -> Job:
    """Read the file and check its form; components are not made yet.

    Raises:
        ConfigError: It cannot be read, or has another form.
    """
    data = read_yaml(file)
    with naming(file):
        _check_form(data)
        given = {key: value for key, value in data.items() if value is not None}
        for key, value in given.items():
            _check_part(key, value)
        return Job(file=file, **given)


def _check_form(data: Any) -> None:
    if data is None:
        raise ConfigError("is empty; it takes a dict with the run under 'run'")
    if not isinstance(data, dict):
        raise ConfigError(f"takes a dict with the run under 'run', got a {type(data).__name__}")
    loose = [key for key in ("search", "evaluator", "stop") if key in data]
    if loose and "run" not in data:
        raise ConfigError(f"{' and '.join(loose)} must stand under 'run': write 'run:' and indent what belongs to it")
    for key in data:
        if key not in KEYS:
            near = difflib.get_close_matches(str(key)[:80], KEYS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it takes {', '.join(KEYS)}"
            raise ConfigError(f"unknown key {str(key)[:80]!r}; {hint}")
    if data.get("run") is None:
        raise ConfigError("there is no 'run' in it, with search, evaluator and stop")


def _check_part(key: str, value: Any) -> None:
    wanted = {"run": dict, "context": dict, "plugins": list, "observers": list, "directory": str}.get(key)
    if wanted is not None and not isinstance(value, wanted):
        name = {dict: "a dict", list: "a list", str: "text"}[wanted]
        raise ConfigError(f"takes {name}, got {_short(value)}", key)
    if key == "plugins":
        _check_plugins(value)
    elif key == "duration":
        check_duration(value)
    elif key == "run":
        _check_run(value)
    elif key == "baseline":
        _check_plain(value)


def _check_plugins(plugins: list[Any]) -> None:
    for index, name in enumerate(plugins):
        if not isinstance(name, str) or not name:
            raise ConfigError(f"takes the name of a module or a .py file, got {_short(name)}", f"plugins.{index}")


def _check_run(run: dict[Any, Any]) -> None:
    for key in BESIDE:
        if key in run:
            raise ConfigError(f"stands beside 'run', not in it: move {key!r} to the top level", f"run.{key}")


def _check_plain(value: Any) -> None:
    try:
        plain(value)
    except NotPlain as error:
        raise ConfigError(error.reason, error.path).under("baseline") from None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."
