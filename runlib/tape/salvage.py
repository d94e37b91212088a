"""Saves the content of an open tape when the tape was deleted, or when another file took its name.

The content goes into a new file beside the tape, ``tape.son.rescued-1``, and the file that took the name is not
touched. If the folder itself was deleted, the content goes into a new folder next to it, ``run_<name>.rescued-1``,
which is a complete run. Nothing is overwritten, and the saved content is durable before its path is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from runlib.engine import disk
from runlib.engine.directory import Directory
from runlib.errors import TapeError, TapeReplaced

__all__ = ["salvage"]

CHUNK = 2**20  # bytes that are copied at once

Full = Callable[[OSError], None] | None


def salvage(tape: disk.AppendFile, directory: Directory, records: int, full: Callable[[], Full]) -> TapeReplaced:
    """Saves an open tape that has lost its name.

    Args:
        tape: The open file.
        directory: The folder in which the tape had its name.
        records: The number of whole records in the tape.
        full: A function that returns the callback that waits for room on the disk, as in ``TapeWriter``, or None.

    Returns:
        The error that says what happened and where the records are now.
    """
    name = tape.path.name
    happened = "another file was put in its place" if directory.has(name) else "it was deleted"
    begin = f"{tape.path} is no longer the tape that this process writes: {happened}, so this process stops"
    try:
        saved = _wait_for_room(lambda: _save(tape, directory), full)
    except (OSError, TapeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        return TapeReplaced(f"{begin}; its {records} records could not be saved: {reason}", path=tape.path, n=records)
    return _saved(saved, TapeReplaced(f"{begin}; {_way_on(saved, name, records)}", path=tape.path, n=records))


def _saved(place: Path, error: TapeReplaced) -> TapeReplaced:
    error.saved = place
    return error


def _way_on(saved: Path, name: str, records: int) -> str:
    if saved.name == name:
        return f"all {records} records are saved in the folder {saved.parent}, which is a run as it is: restore it"
    how = f"once that bears the name {name} in this folder again, the run is whole and can be restored"
    return f"all {records} records are saved in {saved}: {how}"


def _wait_for_room(action: Callable[[], Path], full: Callable[[], Full]) -> Path:
    while True:
        try:
            return action()
        except disk.DiskFull as error:
            wait = full()
            if wait is None:
                raise
            wait(error)


def _save(tape: disk.AppendFile, directory: Directory) -> Path:
    try:
        return _numbered(lambda k: _create(tape, directory, f"{tape.path.name}.rescued-{k}"))
    except FileNotFoundError:  # The folder was deleted, so nothing can be created in it.
        # The new folder goes next to it, or into the nearest parent that still exists.
        parent = next(path for path in directory.path.parents if path.is_dir())
        return _numbered(lambda k: _make(tape, parent / f"{directory.path.name}.rescued-{k}"))


def _numbered(make: Callable[[int], Path]) -> Path:
    """Calls ``make`` with 1, 2, ... until a number is free, and returns the new path."""
    k = 1
    while True:
        try:
            return make(k)
        except FileExistsError:
            k += 1


def _create(tape: disk.AppendFile, directory: Directory, name: str) -> Path:
    directory.create(name, _content(tape))
    return (directory.find() or directory.path) / name


def _make(tape: disk.AppendFile, folder: Path) -> Path:
    disk.current.mkdir(folder)
    with Directory(folder) as directory:
        saved = _create(tape, directory, tape.path.name)
    disk.sync_folder(folder.parent)
    return saved


def _content(tape: disk.AppendFile) -> Iterator[bytes]:
    offset = 0
    while chunk := tape.read(offset, CHUNK):
        offset += len(chunk)
        yield chunk
