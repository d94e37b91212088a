"""Large results lie in files of their own, so that the tape stays quick to read.

A result over 64 KiB goes to ``trials/<tid>/result.json``, durable before the record that names it with its hash; the
record keeps loss, duration, cost and variance, and the refined suggestion unless that is what makes it large.
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
_STAY = ("files", "dropped")  # on the tape: other files are found by it; neither is long


def set_apart(result: dict[str, Any], tid: int, folder: RunFolder, tape: TapeWriter | None = None) -> dict[str, Any]:
    """The result as it goes on the tape: itself, or if it is large a short one that names its file.

    Args:
        result: Of an evaluation; what stands beside ``ok`` or ``error`` stays on the tape unless it is what is large.
        tid: The trial.
        folder: Of the run.
        tape: Is asked whether the run is still this process's, and waits if there is no room; then the whole file is
            tried again.

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
    """Write a file of a trial, durable with its name; errors as in ``set_apart``."""
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
        trials.sync()  # a worker may have made the folders
        directory.sync()


def is_apart(result: dict[str, Any]) -> bool:
    """Whether a result, as it stands on the tape, names the file that holds the whole of it."""
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
    """The hash by which a record names a file."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def load_large(entry: dict[str, Any], folder: RunFolder) -> dict[str, Any]:
    """The whole result that a ``file`` entry names.

    Raises:
        TapeCorrupt: The file is missing or not what was written.
    """
    return _result(folder.path / entry["name"], read_named(entry, folder))


def read_named(entry: dict[str, Any], folder: RunFolder) -> bytes:
    """The bytes of the file that an entry names.

    Raises:
        TapeCorrupt: The file is missing or not what was written.
    """
    path = folder.path / str(entry["name"])
    try:
        *folders, name = file_parts(entry["name"])
        with folder.opened() as directory, directory.inside(*folders) as trial, trial.open_to_read(name) as file:
            # Hashed in parts first, so that nothing is taken into memory that was not written by a run.
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
