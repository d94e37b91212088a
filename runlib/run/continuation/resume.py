"""Going on with the run that a name stands for, if it is there: only the same run is gone on with.

What determines the suggestions and the results has to be what the tape says. What limits a run, and how it is computed,
may differ, and is noted on the tape as a restore notes it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runlib.engine.data.canonical import plain
from runlib.engine.names import check_name
from runlib.errors import ConfigError
from runlib.run.continuation.past import Past
from runlib.run.folder.folder import RunFolder
from runlib.run.settings import CHANGEABLE, DEFAULTS, differences
from runlib.run.view import RunView
from runlib.space.forms.shapes import without_tuples

__all__ = ["existing", "refuse_difference"]

FREE = {*CHANGEABLE, "name", "description", "evaluator"}  # the evaluator is compared by those who find it


def existing(directory: str | Path, name: str | None) -> RunFolder | None:
    """The folder of the run of that name; None if there is none.

    Raises:
        ConfigError: There is no name to find it by.
        NotARun: What is there is no run.
    """
    if name is None:
        raise ConfigError("resume=True finds a run by its name: give it one, Run(..., name='...')", "name")
    path = RunFolder.place(directory, check_name(name))
    return RunFolder.find(path) if os.path.lexists(path) else None


def refuse_difference(past: Past, run: RunView) -> None:
    """Compare a run with the one on a tape.

    Raises:
        ConfigError: They differ in what may not differ; the message says in what.
    """
    found = list(_differences(past, run))
    if found:
        raise ConfigError(
            f"{past.folder.path} is another run, which cannot be gone on with as this one: {'; '.join(found)}; give it "
            "another name, or what the tape has"
        )


def _differences(past: Past, run: RunView) -> Iterator[str]:
    theirs: dict[str, Any] = plain(run.get_config())[run.kind]
    ours = {**DEFAULTS, **past.config, "search": plain(past.search.get_config())}
    if without_tuples(ours["search"]) == ours["search"]:  # maybe of a time when tuples became lists
        theirs["search"] = without_tuples(theirs["search"])
    for key in sorted({*theirs, *ours} - FREE):
        yield from differences({key: ours.get(key)}, {key: theirs.get(key)})
    if (run.evaluator is None) != (past.config.get("evaluator") is None):
        yield from differences({"evaluator": past.config.get("evaluator")}, {"evaluator": theirs["evaluator"]})
