"""Checks whether the globals that an evaluator reads from its script still have their old values in a continued run.

When a script is executed for its definitions, the code under its guard does not run. A global that is set only there
then has another value, or is missing, and the trials would silently use it. Such a change is refused. Any other change
causes a warning, as a changed function does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runlib.engine.code.script import Script
from runlib.errors import ConfigError
from runlib.evaluator.base import Evaluator
from runlib.evaluator.functions.reading import Reading

__all__ = ["changed_globals", "guarded_names", "listed_names"]

GUARD = "if __name__ == '__main__':"


def changed_globals(evaluator: Evaluator | None, noted: Mapping[str, Any], script: Script | None, place: str) -> str:
    """Returns as text the globals whose values differ from those of the last session; empty if there are none.

    Args:
        evaluator: The evaluator of the run.
        noted: The data that the last session recorded.
        script: The script that was executed for its definitions; None if there was none.
        place: The folder of the run.

    Raises:
        ConfigError: A global has another value, or is missing, because the guarded code of that script did not run.
    """
    told, guarded = _noted(noted)
    module = None if script is None else script.module
    if evaluator is None or (not told and module is None):
        return ""
    reading = Reading(evaluator, anywhere=True)
    changed = reading.changed(told, guarded)
    if module is not None and reading.space is vars(module):
        aside = set(reading.set_aside())
        missing = [name for name in reading.missing() if name in told or name in aside]
        other = [] if script is None or script.is_stopped else [name for name in changed if name in aside]
        if missing or other:
            names = list(dict.fromkeys([*missing, *other]))
            raise ConfigError(_refusal(names, aside, reading.file or "the script", place), "evaluator")
    return listed_names(changed)


def guarded_names(noted: Mapping[str, Any]) -> list[str]:
    """Returns the globals that the evaluator reads and the guarded code changes, as a session recorded them."""
    return _noted(noted)[1]


def listed_names(names: Sequence[str]) -> str:
    """Returns a text that lists the first four names and the number of the others."""
    shown = list(names[:4]) + ([f"{len(names) - 4} more"] if len(names) > 4 else [])
    *first, last = shown or [""]
    return f"{', '.join(first)} and {last}" if first else last


def _noted(noted: Mapping[str, Any]) -> tuple[Mapping[str, str], list[str]]:
    found = noted.get("globals") or {}
    return found.get("told") or {}, found.get("guarded") or []


def _refusal(names: list[str], aside: set[str], file: str, place: str) -> str:
    shown, are = listed_names(names), "is" if len(names) == 1 else "are"
    if not aside & set(names):
        return f"reads {shown}, and in {file} there {are} no such {'name' if len(names) == 1 else 'names'} any more"
    return (
        f"reads {shown} as {file} sets {'it' if len(names) == 1 else 'them'} under {GUARD}, and what stands under that "
        f"does not run here; set {'it' if len(names) == 1 else 'them'} at the top of the file, or go on in the script "
        f"itself, where it starts the run: by Run.restore({place!r}).run(), or by the start that is there with "
        "prepare(resume=True)"
    )
