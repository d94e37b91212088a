"""Describes the program that writes a run: its file, how it was started, and where to find the file later.

The description is plain data on the tape. Names of ``__main__`` belong to that file, so a restore by another program
looks for them there. All paths are absolute. If the folder of the run was moved, files that moved with it come first.
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

MOST_ARGUMENTS = 16_384  # characters; a longer command line is not recorded

_runs = itertools.count()
_evaluating_in: ContextVar[str | None] = ContextVar("evaluating_in", default=None)
_command_main: ModuleType | None = None


def declare_command() -> None:
    """Declares that ``__main__`` belongs to the command ``runlib``, so that it defines no name of the user."""
    global _command_main
    _command_main = sys.modules["__main__"]


def in_command() -> bool:
    """Returns whether this process is the command ``runlib``."""
    return _command_main is not None


def is_main_of_command() -> bool:
    """Returns whether ``__main__`` is that of the command ``runlib`` and has not been replaced by that of a script."""
    return in_command() and sys.modules.get("__main__") is _command_main


@dataclass(frozen=True)
class Program:
    """Holds what a session records about the program that writes the run.

    Attributes:
        how: The way in which it was started: ``script`` (``python file.py``), ``module`` (``python -m name``),
            ``notebook``, ``input`` (typed or piped into Python, or ``-c``, so that there is no file) or ``command``
            (``runlib``).
        directory: The directory that holds the folder of the run.
        file: The file of ``__main__``; None if it has no file.
        package: The package of a module that was started by ``-m``; None otherwise.
        arguments: The arguments of the command line.
        folder: The working folder.
        path: The folders on ``sys.path`` that do not belong to Python itself.
        earlier: The number of runs that this process had made before.
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
        """Returns the description of this program, which makes a run in ``directory``."""
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
        """Returns the description from a tape; None if there is none. Values of an unexpected form are left out."""
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
        """Returns the description as plain data. Values that cannot be encoded as text are left out."""
        found = {name: _as_data(value) for name, value in asdict(self).items()}
        return {name: value for name, value in found.items() if value not in (None, [], 0)}

    def moved_to(self, home: Path) -> Program:
        """Returns the description for a run that now lies in ``home``.

        A path that exists at the same place relative to ``home`` is taken to have moved with the run. Other paths stay.
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
        """Returns the folders that are searched last for files and modules."""
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
        # A path that cannot be encoded as text cannot stand on a tape, so it counts as missing.
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
    """Returns the working folder; None if it was deleted."""
    try:
        return os.getcwd()
    except OSError:
        return None


@contextlib.contextmanager
def evaluating_in(folder: str | None) -> Iterator[None]:
    """Makes worker processes start in that folder; with None, in the working folder of this process."""
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
    """Changes the working folder and restores the previous one afterwards, even if that was deleted."""
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
    """Returns the folders that the user has put on ``sys.path``."""
    usual = {*sysconfig.get_paths().values(), *site.getsitepackages(), site.getusersitepackages()}
    usual |= {os.path.join(folder, "lib-dynload") for folder in list(usual)}
    has_folder = working_folder() is not None  # Without it, relative entries lead nowhere.
    entries = (entry for entry in sys.path if entry not in usual and (has_folder or os.path.isabs(entry)))
    given = map(_text, map(os.path.abspath, entries))
    return [entry for entry in given if entry is not None and entry not in usual and os.path.isdir(entry)]


def _text(path: Any) -> str | None:
    """Returns a path as text that a tape can hold; None if it cannot be encoded."""
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
