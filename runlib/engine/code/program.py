"""The program that writes a run: its file, how it was started, and where that is found again later.

It stands on the tape as data. Names of ``__main__`` are names of that file, so a restore by another program looks
there. All paths are absolute; where the folder of the run was moved, what was moved along with it comes first.
"""

from __future__ import annotations

import builtins
import contextlib
import itertools
import os
import site
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = [
    "Program",
    "declare_command",
    "evaluating_in",
    "evaluation_folder",
    "in_command",
    "is_main_of_command",
    "working_folder",
    "working_in",
]

MOST_ARGUMENTS = 16_384  # characters of a command line that are noted; a longer one is left out

_runs = itertools.count()
_evaluating_in: ContextVar[str | None] = ContextVar("evaluating_in", default=None)
_command_main: ModuleType | None = None


def declare_command() -> None:
    """The ``__main__`` of this process is that of the command ``runlib``, and none of its names is the user's."""
    global _command_main
    _command_main = sys.modules["__main__"]


def in_command() -> bool:
    """Whether this process is the command ``runlib``."""
    return _command_main is not None


def is_main_of_command() -> bool:
    """Whether ``__main__`` is that of the command ``runlib``, and not yet that of a script."""
    return in_command() and sys.modules.get("__main__") is _command_main


@dataclass(frozen=True)
class Program:
    """What a session notes of the program that writes.

    Attributes:
        how: ``script`` (``python file.py``), ``module`` (``python -m name``), ``notebook``, ``input`` (typed or piped
            into Python, or ``-c``: there is no file), ``command`` (``runlib``).
        directory: In which the folder of the run lies.
        file: Of ``__main__``; None where it has none.
        package: Of a module that was started by ``-m``; None otherwise.
        arguments: Of its command line.
        folder: The working folder.
        path: Where it imports from, beside what belongs to Python itself.
        earlier: How many runs this process had made before.
    """

    how: str
    directory: str
    file: str | None = None
    package: str | None = None
    arguments: tuple[str, ...] = ()
    folder: str | None = None
    path: tuple[str, ...] = ()
    earlier: int = 0

    @classmethod
    def running(cls, directory: Path) -> Program:
        """This program, which makes a run in ``directory``."""
        main = sys.modules.get("__main__")
        how, file = _started(main)
        return cls(
            how,
            _text(directory) or "",
            file=file,
            package=getattr(main, "__package__", None) if how == "module" else None,
            arguments=_arguments() if file is not None else (),
            folder=_text(working_folder()),
            path=tuple(_own_path()),
            earlier=next(_runs),
        )

    @classmethod
    def read(cls, data: Any) -> Program | None:
        """What a tape says; None if it says nothing, and what has another form than is written is left out."""
        if not isinstance(data, Mapping) or not isinstance(data.get("how"), str):
            return None
        earlier = data.get("earlier")
        return cls(
            data["how"],
            _read_text(data.get("directory")) or "",
            file=_read_text(data.get("file")),
            package=_read_text(data.get("package")),
            arguments=_read_texts(data.get("arguments")),
            folder=_read_text(data.get("folder")),
            path=_read_texts(data.get("path")),
            earlier=earlier if type(earlier) is int else 0,
        )

    def as_data(self) -> dict[str, Any]:
        """The same as plain data; what is no text, so that a tape cannot hold it, is left out."""
        found = {name: _as_data(value) for name, value in asdict(self).items()}
        return {name: value for name, value in found.items() if value not in (None, [], 0)}

    def moved_to(self, home: Path) -> Program:
        """The same for a run whose folder lies in ``home`` now.

        What lies where it did, seen from there, was moved along; what does not is where it was.
        """
        beside = None if self.file is None else str(home / Path(self.file).name)
        file = _first(self._places(self.file, home) + ([beside] if beside else []), os.path.isfile)
        folders = self._places(self.folder, home)
        if file == self.file:
            folders.reverse()
        path = [place for entry in self.path for place in self._places(entry, home) if os.path.isdir(place)]
        return replace(
            self,
            directory=str(home),
            file=file or self.file,
            folder=_first(folders, os.path.isdir),
            path=tuple(dict.fromkeys(path)),
        )

    @property
    def places(self) -> list[str]:
        """Folders in which files and modules are looked for that are nowhere else."""
        return [place for place in (self.folder, self.directory) if place]

    def _places(self, path: str | None, home: Path) -> list[str]:
        if path is None:
            return []
        if self.directory in ("", str(home)):
            return [path]
        return [os.path.normpath(home / os.path.relpath(path, self.directory)), path]


def _started(main: ModuleType | None) -> tuple[str, str | None]:
    if in_command():
        return "command", None
    file = getattr(main, "__file__", None)
    if isinstance(file, str) and os.path.isfile(file):
        # A name that is no text on a tape is none there.
        found = _text(os.path.realpath(file))
        return ("script" if getattr(main, "__spec__", None) is None else "module"), found
    is_notebook = hasattr(main, "get_ipython") or hasattr(builtins, "get_ipython")
    return ("notebook" if is_notebook else "input"), None


def _arguments() -> tuple[str, ...]:
    given = [_text(argument) for argument in sys.argv[1:]]
    kept = tuple(argument for argument in given if argument is not None)
    whole = len(kept) == len(given) and sum(map(len, kept)) <= MOST_ARGUMENTS
    return kept if whole else ()


def working_folder() -> str | None:
    """The working folder; None if it was deleted."""
    try:
        return os.getcwd()
    except OSError:
        return None


@contextlib.contextmanager
def evaluating_in(folder: str | None) -> Iterator[None]:
    """In here, worker processes start in that folder; with None, in the working folder of this process."""
    token = _evaluating_in.set(folder)
    try:
        yield
    finally:
        _evaluating_in.reset(token)


def evaluation_folder() -> str | None:
    """Returns the folder in which worker processes start; None if the working folder was deleted."""
    return _evaluating_in.get() or working_folder()


@contextlib.contextmanager
def working_in(folder: str) -> Iterator[None]:
    """In here the working folder is another; then it is again what it was, even if that was deleted."""
    before = os.open(".", getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.chdir(folder)
        try:
            yield
        finally:
            os.fchdir(before)
    finally:
        os.close(before)


def _own_path() -> list[str]:
    """What somebody put on ``sys.path``."""
    usual = {*sysconfig.get_paths().values(), *site.getsitepackages(), site.getusersitepackages()}
    usual |= {os.path.join(folder, "lib-dynload") for folder in list(usual)}
    has_folder = working_folder() is not None  # else what is relative to it is nowhere
    entries = (entry for entry in sys.path if entry not in usual and (has_folder or os.path.isabs(entry)))
    given = map(_text, map(os.path.abspath, entries))
    return [entry for entry in given if entry is not None and entry not in usual and os.path.isdir(entry)]


def _text(path: Any) -> str | None:
    """As the tape can hold it: a name of bytes that are no text is left out."""
    try:
        return None if path is None else str(path).encode().decode()
    except UnicodeEncodeError:
        return None


def _as_data(value: Any) -> Any:
    if isinstance(value, tuple):
        return [text for item in value if (text := _text(item)) is not None]
    return _text(value) if isinstance(value, str) else value


def _read_text(value: Any) -> str | None:
    return value if isinstance(value, str) and "\0" not in value else None


def _read_texts(values: Any) -> tuple[str, ...]:
    found = map(_read_text, values) if isinstance(values, list) else ()
    return tuple(text for text in found if text is not None)


def _first(places: list[str], fits: Any) -> str | None:
    return next((place for place in places if fits(place)), None)
