"""Stores large results in files of their own, so that the tape stays quick to read.

A result over 64 KiB goes to ``trials/<tid>/result.json``. The file is durable before the record that names it with its
hash. The record keeps loss, duration, cost and variance; it also keeps the refined suggestion, unless that is what
makes the result large.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from runlib.engine import disk
from runlib.engine.data.canonical import dump, load
from runlib.engine.directory import Directory
from runlib.errors import TapeCorrupt, TapeError
from runlib.run.folder.folder import RunFolder, file_parts
from runlib.tape.schema import check
from runlib.tape.writer import TapeWriter

__all__ = ["hash_of", "is_apart", "load_large", "read_named", "set_apart", "write"]

LIMIT = 64 * 1024
NAME = "result.json"
_KEPT = ("loss", "duration", "cost", "var", "error", "error_text")
_STAY = ("files", "dropped")  # entries that stay on the tape: ``files`` leads to other files, and both are short


def set_apart(result: dict[str, Any], tid: int, folder: RunFolder, tape: TapeWriter | None = None) -> dict[str, Any]:
    """Returns the result as it goes on the tape: unchanged, or, if it is large, a short one that names its file.

    Args:
        result: The result of an evaluation; entries beside ``ok`` or ``error`` stay on the tape unless they are the
            large part.
        tid: The number of the trial.
        folder: The folder of the run.
        tape: The writer that is asked whether the run still belongs to this process, and that waits if the disk is
            full; then the whole file is written again. None to ask nobody and not to wait.

    Raises:
        LockStolen: Another process took the run over; no file was written.
        TapeError: The disk refused the file; nothing of the result is on the tape.
    """
    state = "ok" if "ok" in result else "error"
    data = dump({key: value for key, value in result.items() if key not in _STAY})
    if len(data) <= LIMIT:
        return result
    write(folder, tid, NAME, data, tape)
    file = {"name": f"trials/{tid}/{NAME}", "bytes": len(data), "hash": hash_of(data)}
    beside = {key: value for key, value in result.items() if key != state and (key in _STAY or _is_short(value))}
    return {state: _short(result[state]), **beside, "file": file}


def write(folder: RunFolder, tid: int, name: str, data: bytes, tape: TapeWriter | None) -> None:
    """Writes a file of a trial, durable together with its name; raises the errors of ``set_apart``."""
    while True:
        if tape is not None:
            tape.check_owner()
        try:
            with folder.opened() as directory:
                _write_below(directory, str(tid), name, data)
            return
        except OSError as error:
            if tape is None or tape.full is None or not disk.is_full(error):
                path, reason = folder.trial(tid) / name, error.strerror or str(error)
                raise TapeError(
                    f"{path} could not be written: {reason}: the result of trial {tid} is not on the "
                    "tape; restore the run once the disk is well again, which evaluates it once more",
                    path=path,
                ) from error
            tape.full(error)


def _write_below(directory: Directory, tid: str, name: str, data: bytes) -> None:
    with directory.inside("trials", make=True) as trials, trials.inside(tid, make=True) as trial:
        trial.replace(name, data, durable=True)
        trials.sync()  # a worker may have made the folders without a sync
        directory.sync()


def is_apart(result: dict[str, Any]) -> bool:
    """Returns whether a result on the tape names a file that holds the whole result."""
    return "file" in result


def _is_short(value: Any) -> bool:
    return len(dump(value)) <= LIMIT // 8


def _short(outcome: dict[str, Any]) -> dict[str, Any]:
    short = {key: _cut(outcome[key]) for key in _KEPT if key in outcome}
    refined = outcome.get("refined_suggestion")
    if refined is not None and len(dump(refined)) <= LIMIT // 2:
        short["refined_suggestion"] = refined
    return short


def _cut(value: Any) -> Any:
    return value if not isinstance(value, str) or len(value) <= 1000 else f"{value[:1000]}..."


def hash_of(data: bytes) -> str:
    """Returns the hash by which a record identifies a file."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def load_large(entry: dict[str, Any], folder: RunFolder) -> dict[str, Any]:
    """Returns the whole result that a ``file`` entry names.

    Raises:
        TapeCorrupt: The file is missing, or differs from what was written.
    """
    return _result(folder.path / entry["name"], read_named(entry, folder))


def read_named(entry: dict[str, Any], folder: RunFolder) -> bytes:
    """Returns the bytes of the file that an entry names.

    Raises:
        TapeCorrupt: The file is missing, or differs from what was written.
    """
    path = folder.path / str(entry["name"])
    try:
        *folders, name = file_parts(entry["name"])
        with folder.opened() as directory, directory.inside(*folders) as trial, trial.open_to_read(name) as file:
            # The file is hashed in parts first, so that only a file written by a run is loaded into memory.
            digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16))
            file.seek(0)
            data = file.read() if digest.hexdigest() == entry["hash"] else b""
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise TapeCorrupt(
            f"{path} is no file of this run, though the tape names it as a result: {reason}", path=path
        ) from error
    if hash_of(data) != entry["hash"]:
        raise TapeCorrupt(f"{path} was changed: its hash is not the one on the tape", path=path)
    return data


def _result(path: Path, data: bytes) -> dict[str, Any]:
    try:
        result: dict[str, Any] = load(data)
        fault = check("result")(result)
    except ValueError as error:
        raise TapeCorrupt(f"{path} is no result: {error}", path=path) from error
    if fault is not None:
        raise TapeCorrupt(f"{path} is no result as the schema of the tape has it: {fault}", path=path)
    return result
