"""Stores bytes in a result in files of the trial, ``trials/<tid>/returned-NAME``.

Each file is durable before the record that names it. In the result, the name of the file replaces the bytes. The entry
``files`` beside the result lists for each file the place in the result, the path in the folder, the number of bytes and
their hash.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

from runlib.run.folder.folder import RETURNED, RunFolder, file_parts
from runlib.run.folder.large import hash_of, read_named, set_apart, write
from runlib.tape.writer import TapeWriter

__all__ = ["files_of", "on_tape", "put_files", "with_bytes"]

_OTHERS = re.compile(r"[^A-Za-z0-9_.-]+", re.ASCII)
_LONGEST = 60


def on_tape(result: dict[str, Any], tid: int, folder: RunFolder, tape: TapeWriter | None = None) -> dict[str, Any]:
    """Returns a result as it goes on the tape: its bytes are stored in files, and so is the whole if it is large.

    Arguments and errors are those of ``set_apart``.
    """
    return set_apart(put_files(result, tid, folder, tape), tid, folder, tape)


def put_files(result: dict[str, Any], tid: int, folder: RunFolder, tape: TapeWriter | None = None) -> dict[str, Any]:
    """Returns the result with its bytes stored in files; the result itself if it has none.

    Args:
        result: The result, as ``ok_result`` makes it.
        tid: The number of the trial.
        folder: The folder of the run.
        tape: The writer, as in ``set_apart``.

    Raises:
        LockStolen: Another process took the run over.
        TapeError: The disk refused a file.
    """
    if "bytes" not in result:
        return result
    kept = {key: value for key, value in result.items() if key != "bytes"}
    files: list[dict[str, Any]] = []
    taken: set[str] = set()
    for place, text in result["bytes"]:
        name = _name(place, taken)
        data = base64.b64decode(text)
        write(folder, tid, name, data, tape)
        _put(kept["ok"], place, name)
        files.append({"at": place, "name": f"trials/{tid}/{name}", "bytes": len(data), "hash": hash_of(data)})
    return {**kept, "files": files}


def _name(place: list[Any], taken: set[str]) -> str:
    """Returns a file name that tells the place, in characters that every system accepts."""
    stem = _OTHERS.sub("_", ".".join(map(str, place)))[:_LONGEST] or "bytes"
    names = (f"{RETURNED}{stem}{more}" for more in ("", *(f"-{k}" for k in range(2, len(taken) + 3))))
    # Some disks do not distinguish capital from small letters.
    name = next(name for name in names if name.lower() not in taken)
    taken.add(name.lower())
    return name


def _put(outcome: Any, place: list[Any], value: Any) -> None:
    for key in place[:-1]:
        outcome = outcome[key]
    outcome[place[-1]] = value


def files_of(result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields the entries of the files that a result names, if they have the form that runlib gives them."""
    entries = result.get("files")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.keys() == {"at", "name", "bytes", "hash"} and _is_ours(entry):
            yield entry


def _is_ours(entry: dict[str, Any]) -> bool:
    try:
        return isinstance(entry["at"], list) and file_parts(entry["name"])[-1].startswith(RETURNED)
    except ValueError:
        return False


def with_bytes(result: dict[str, Any], named: dict[str, Any], folder: RunFolder) -> dict[str, Any]:
    """Puts the bytes of the files back in their places in a result, and returns the result, which is changed in place.

    Raises:
        TapeCorrupt: A file is missing or was changed.
    """
    for entry in files_of(named):
        data = read_named(entry, folder)
        try:
            _put(result["ok"], entry["at"], data)
        except (KeyError, IndexError, TypeError):  # on a tape made by hand, the place may not exist
            continue
    return result
