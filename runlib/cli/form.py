"""Checks the form of the file that ``runlib run`` takes; each error names the file and the place in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runlib.engine.data.canonical import NotPlain, plain
from runlib.engine.synonyms import near
from runlib.errors import ConfigError
from runlib.run.run import Run
from runlib.run.settings import DEFAULTS, check_duration

__all__ = ["below", "check_form", "naming"]

KEYS = ("run", "plugins", "context", "pool", "observers", "directory", "duration", "baseline")
BESIDE = tuple(key for key in KEYS if key != "run")  # keys for making a run that are not part of its config


@contextlib.contextmanager
def below(place: str) -> Iterator[None]:
    """Puts ``place`` before the path of errors in a config that are raised in this context."""
    try:
        yield
    except ConfigError as error:
        raise error.under(place) from error.__cause__


@contextlib.contextmanager
def naming(file: Path) -> Iterator[None]:
    """Adds the file to errors in a config that are raised in this context."""
    try:
        yield
    except ConfigError as error:
        raise type(error)(str(error), str(file)) from error.__cause__


def check_form(data: Any) -> None:
    """Checks the keys and the type of each value; null stands for a key that is left out.

    Raises:
        ConfigError: Something is wrong; the message names its place.
    """
    if data is None:
        raise ConfigError("is empty; it takes a dict with the run under 'run'")
    if not isinstance(data, dict):
        raise ConfigError(f"takes a dict with the run under 'run', got a {type(data).__name__}")
    loose = [key for key in ("search", "evaluator", "stop") if key in data]
    if loose and "run" not in data:
        raise ConfigError(f"{' and '.join(loose)} must stand under 'run': write 'run:' and indent what belongs to it")
    for key in data:
        if key not in KEYS:
            raise ConfigError(f"unknown key {str(key)[:80]!r}; {_hint(str(key)[:80])}")
    if data.get("run") is None:
        raise ConfigError("there is no 'run' in it, with search, evaluator and stop")
    for key, value in data.items():
        if value is not None:
            _check_part(key, value)


def _hint(key: str) -> str:
    """Returns what an unknown key at the top of the file may have meant, or else the keys that are allowed there."""
    settings = tuple(name for name in DEFAULTS if name not in KEYS)
    places = ((KEYS, ""), (settings, " under 'run'"), (tuple(Run.default_context), " under 'context'"))
    for cutoff in (1.0, 0.6):  # first synonyms, wherever they stand
        for known, where in places:
            for meant in near(key, known, cutoff=cutoff):
                return f"did you mean {meant!r}{where}?"
    return f"it takes {', '.join(KEYS)}"


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
