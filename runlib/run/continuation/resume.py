"""Finds the run of a name, and checks that it is the same run before it is continued.

Everything that determines the suggestions and the results has to agree with the tape. The settings that limit a run, or
say how it is computed, may differ; the difference is recorded on the tape, as by a restore.
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

FREE = {*CHANGEABLE, "name", "description", "evaluator"}  # the evaluator is compared where it is found (``Source``)


def existing(directory: str | Path, name: str | None) -> RunFolder | None:
    """Returns the folder of the run of that name; None if there is none.

    Raises:
        ConfigError: The run has no name by which it could be found.
        NotARun: The folder of that name is not a run.
    """
    if name is None:
        raise ConfigError("resume=True finds a run by its name: give it one, Run(..., name='...')", "name")
    path = RunFolder.place(directory, check_name(name))
    return RunFolder.find(path) if os.path.lexists(path) else None


def refuse_difference(past: Past, run: RunView) -> None:
    """Compares a run with the one on a tape.

    Raises:
        ConfigError: They differ in an entry that has to agree; the message lists the differences.
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
    if without_tuples(ours["search"]) == ours["search"]:  # an older version may have turned tuples into lists
        theirs["search"] = without_tuples(theirs["search"])
    for key in sorted({*theirs, *ours} - FREE):
        yield from differences({key: ours.get(key)}, {key: theirs.get(key)})
    if (run.evaluator is None) != (past.config.get("evaluator") is None):
        yield from differences({"evaluator": past.config.get("evaluator")}, {"evaluator": theirs["evaluator"]})
