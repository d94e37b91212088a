"""Makes a fork: a new run whose tape begins with the history of another run, up to some record.

The new tape names its origin (folder, id, record and the hash of that record) and has its own hash chain. Numbers,
times and results are those of the origin. With the search of the origin, the fork continues as the origin would have;
another search adopts the old trials. The origin is not changed, and may be running.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from runlib.run.folder import opening
from runlib.run.folder.folder import RunFolder
from runlib.run.folder.large import is_apart, read_named
from runlib.run.folder.returned import files_of
from runlib.run.metadata import make_metadata, readable
from runlib.tape.whole import raw_records, whole_tape

__all__ = ["make_fork"]

Changes = Mapping[str, Any]


def make_fork(source: RunFolder, at: int | None, directory: str | Path, changes: Changes) -> RunFolder:
    """Makes the folder of a fork, without a lock.

    Args:
        source: The folder of the origin.
        at: The number of the last record that is copied from the origin; None for all records.
        directory: The folder in which the new folder is made.
        changes: The entries of the config that differ: ``search``, ``stop``, ``evaluator``, ``name``.

    Raises:
        FolderExists: A run of that name exists.
        FolderError: The directory cannot be written.
        TapeError: The tape has fewer records, or is damaged before that record.
    """
    opening.refuse_foreign(source)
    asked = {key: value for key, value in changes.items() if value is not None}
    config, origin, records = _history(source, at)
    if asked.get("search", config.get("search")) != config.get("search"):
        origin["adopted"] = len(records)
    config = {key: value for key, value in config.items() if key != "name"}  # the name belongs to the origin
    metadata = {**make_metadata({"run": {**config, **asked}}), "origin": origin}
    files = _files(source, records)
    return RunFolder.publish(directory, asked.get("name"), whole_tape(metadata, records), files)


def _history(source: RunFolder, at: int | None) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    """Returns the config after a record, the origin for the new metadata, and the records up to that record."""
    reader, state = opening.read_up_to(source, at)
    before = reader.metadata.get("origin")
    origin = {
        "folder": readable(source.path),
        "id": reader.metadata.get("id"),
        "at": state.n,
        "h": reader.position.h.decode(),
        "adopted": min(state.n, (before or {}).get("adopted", 0)),
        **({"origin": before} if before else {}),
    }
    if not state.sessions and "program" in (first := opening.first_session(source)):
        origin["program"] = first["program"]  # no record of the new tape has the program
    config = {**reader.metadata["run"], **state.changes}
    return config, origin, list(raw_records(source.tape, state.n))


def _files(source: RunFolder, records: list[dict[str, Any]]) -> Iterator[tuple[str, bytes]]:
    """Yields name and bytes of the files that the records name: large results, and bytes in results.

    Raises:
        TapeCorrupt: A file is missing or was changed.
    """
    seen = set()  # on a repaired tape, several trials may name the same file
    for record in records:
        submit = record.get("submit", {})
        if submit.get("of") is not None:
            continue
        result = submit.get("result", {})
        for entry in [*([result["file"]] if is_apart(result) else []), *files_of(result)]:
            data = read_named(entry, source)  # checks the name, which is used as a path below
            if entry["name"] not in seen:
                seen.add(entry["name"])
                yield entry["name"], data
