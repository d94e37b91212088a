"""Bytes in a result lie in files of their trial, ``trials/<tid>/returned-NAME``, durable before the record names them.

Where they stood in the result stands the name of the file. Beside the result the record has under ``files`` the place,
the path in the folder, the number of bytes and their hash.
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
    """The result of an evaluation as it goes on the tape: its bytes in files, and itself in one if it is large.

    Arguments and errors are those of ``set_apart``.
    """
    return set_apart(put_files(result, tid, folder, tape), tid, folder, tape)


def put_files(result: dict[str, Any], tid: int, folder: RunFolder, tape: TapeWriter | None = None) -> dict[str, Any]:
    """The result with its bytes in files; itself if it has none.

    Args:
        result: As ``ok_result`` makes it.
        tid: The trial.
        folder: Of the run.
        tape: As in ``set_apart``.

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
    """A name for the file that tells the place, of letters that every system takes."""
    stem = _OTHERS.sub("_", ".".join(map(str, place)))[:_LONGEST] or "bytes"
    names = (f"{RETURNED}{stem}{more}" for more in ("", *(f"-{k}" for k in range(2, len(taken) + 3))))
    # Some disks do not tell capital letters from small ones.
    name = next(name for name in names if name.lower() not in taken)
    taken.add(name.lower())
    return name


def _put(outcome: Any, place: list[Any], value: Any) -> None:
    for key in place[:-1]:
        outcome = outcome[key]
    outcome[place[-1]] = value


def files_of(result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The entries of the files that a result names, as far as they have the form that runlib gives them."""
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
    """A result of which the caller may do as he likes, with the bytes in their places.

    Raises:
        TapeCorrupt: A file is missing or was changed.
    """
    for entry in files_of(named):
        data = read_named(entry, folder)
        try:
            _put(result["ok"], entry["at"], data)
        except (KeyError, IndexError, TypeError):  # of a tape that was made by hand: there is no such place
            continue
    return result
