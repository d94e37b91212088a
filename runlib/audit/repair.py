"""Saves what is intact of a damaged run in a new folder, and never changes the old one.

The new folder is completed under a temporary name, synced, and then renamed. Its tape has a new chain, new record
numbers, the config of the old run, and ``repaired_from``, which names the old tape by id and hash. Every record of it
says that all records are durable, which is true before the folder gets its name. So any later damage is seen as damage.
"""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runlib.audit.beside import LengthHints
from runlib.audit.report import Finding, RepairReport
from runlib.audit.scan import Scan, scan
from runlib.audit.selection import Selection, select
from runlib.errors import FolderError, FolderExists, TapeCorrupt, TapeFormat
from runlib.run.folder.folder import RunFolder, absolute, filled, publish
from runlib.run.folder.large import read_named
from runlib.tape.codec import FORMAT, FORMATS
from runlib.tape.schema import check
from runlib.tape.whole import whole_tape

__all__ = ["repair"]


def repair(folder: str | Path, into: str | Path) -> RepairReport:
    """Saves every intact record of a run into a new run.

    A record with one wrong byte is corrected if its hash shows the original byte. Any other damaged record is lost, and
    so is its successor if its hash is damaged too. A result whose suggestion is lost has no meaning and is dropped. The
    later trials are then renumbered, so that the run can be restored. A trial that lost its result is live again.

    Args:
        folder: The folder of the old run. No process should write to it.
        into: The folder to make.

    Raises:
        NotARun: There is no tape in ``folder``.
        FolderExists: ``into`` exists.
        FolderError: ``into`` cannot be made, or lies in the old folder.
        TapeCorrupt: The config of the run cannot be read any more.
        TapeFormat: The file is no tape of this format, or it has records of a newer one.
    """
    source, target = RunFolder.find(folder), _target(into)
    if target.is_relative_to(source.path):
        raise FolderError(f"{target} lies in the damaged run; give a folder elsewhere", target)
    data = source.tape.read_bytes()
    found = scan(data)
    metadata = _metadata(found, data, source)
    chosen = select(found, source, data)
    if "origin" in metadata:  # a fork counts how many records come from another run; the new tape needs new numbers
        metadata["origin"] = _origin_renumbered(metadata["origin"], chosen.numbers)
    if not chosen.exact:  # later suggestions depend on what is lost, so the search adopts all of them
        metadata["origin"] = {**metadata.get("origin", {}), "adopted": len(chosen.records)}
    _make(target, whole_tape(metadata, chosen.records), chosen)
    return _report(found, chosen, target)


def _target(into: str | Path) -> Path:
    target = absolute(Path(into).parent) / Path(into).name
    if os.path.lexists(target):
        raise FolderExists(f"{target} exists; a repair makes a new folder, so give another name", target)
    return target


def _metadata(found: Scan, data: bytes, folder: RunFolder) -> dict[str, Any]:
    metadata, tape = found.metadata, folder.tape
    format_ = None if metadata is None else metadata.get("format")
    if found.head in ("intact", "mended") and format_ not in FORMATS:
        shown = repr(format_)[:60]
        raise TapeFormat(f"{tape} is of the format {shown}, this version reads up to {FORMAT!r}", path=tape, n=0)
    if metadata is None or not isinstance(metadata.get("run"), dict):
        what = "is no tape of runlib" if not found.lines else "has lost its first line, with the config of the run"
        raise TapeCorrupt(f"{tape} {what}: without that no run can be made of it", path=tape, n=0, offset=0)
    fault = check("settings")(metadata["run"])
    if fault is not None:
        what = f"the config of the run has other values than the schema of the tape allows: {fault.under('run')}"
        raise TapeCorrupt(f"{tape}: {what}: no run can be made of it", path=tape, n=0, offset=0)
    metadata = _as_in_schema(metadata)
    old = {"id": metadata.get("id"), "hash": hashlib.blake2b(data, digest_size=16).hexdigest(), "bytes": len(data)}
    fresh = {"format": FORMAT, "id": uuid.uuid4().hex, "created": time.strftime("%Y-%m-%dT%H:%M:%S%z")}
    kept = {key: value for key, value in metadata.items() if key not in ("h", "repaired_from")}
    before = {"before": metadata["repaired_from"]} if "repaired_from" in metadata else {}
    return {**kept, **fresh, "repaired_from": {**old, **before}}


def _as_in_schema(metadata: dict[str, Any]) -> dict[str, Any]:
    """Returns the metadata without the entries that a reader would refuse. The config of the run is kept."""
    kept = {"run": metadata["run"], "format": FORMAT}
    for key, value in metadata.items():
        if key not in kept and check("metadata")({**kept, key: value}) is None:
            kept[key] = value
    return kept


def _origin_renumbered(origin: dict[str, Any], numbers: dict[int, int]) -> dict[str, Any]:
    def up_to(limit: int) -> int:
        return max((new for old, new in numbers.items() if old <= limit), default=0)

    return {**origin, **{key: up_to(origin.get(key, 0)) for key in ("at", "adopted")}}


def _make(target: Path, tape: bytes, chosen: Selection) -> None:
    files = ((new, read_named(entry, chosen.folder)) for new, entry in chosen.files.items())
    try:
        with filled(target.parent, tape, files) as temporary:
            publish(temporary, target)
    except FileExistsError as error:
        raise FolderExists(f"{target} exists; a repair makes a new folder, so give another name", target) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise FolderError(f"{target} cannot be made: {reason}; nothing is left of it", target) from error


def _report(found: Scan, chosen: Selection, target: Path) -> RepairReport:
    mended = [f"record {line.n}, byte {line.offset}" for line in found.lines if line.mended]
    places = [(line.n, line.offset) for line in found.lines if line.mended]
    texts = [f"{what}: damaged in one place, which its hash puts right" for what in mended]
    if found.head == "mended":
        places, texts = [(0, 0), *places], ["the metadata: damaged in one place, which their hash puts right", *texts]
    return RepairReport(
        folder=chosen.folder.path,
        into=target,
        kept=len(chosen.records),
        mended=tuple(Finding("note", n, at, text) for (n, at), text in zip(places, texts, strict=True)),
        dropped=tuple(sorted(chosen.dropped, key=_place)),
        lost_trials=tuple(sorted(chosen.lost_trials)),
        reopened=chosen.reopened,
        renumbered={old: new for old, new in chosen.tids.items() if old != new},
        exact=chosen.exact,
        lost=chosen.untraced + sum(found.level == "error" for found in chosen.dropped),
        notes=(*_head_notes(found), *chosen.notes, *_hints(found, chosen.folder)),
    )


def _place(found: Finding) -> tuple[bool, int, int]:
    """Returns the sort key that puts findings in the order of the file, and those without a position last."""
    return found.offset is None, found.offset or 0, found.n or 0


def _hints(found: Scan, folder: RunFolder) -> list[str]:
    return [hint.text for hint in LengthHints(folder.path).check(found.reached)]


def _head_notes(found: Scan) -> Iterator[str]:
    if found.head == "readable":
        way = "compare the config of the new run with what you began the old one with"
        yield f"the metadata do not fit their hash: {way}"
    if found.gave_up:
        yield "more is damaged than there is time to put right byte by byte: some of the lost records may differ in one"
