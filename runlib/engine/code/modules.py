"""Finds and imports the files and modules that a config names.

A relative file is looked for in the working folder, then in the added folders (such as that of the config). A module
that starts a run when it is imported is stopped there, and the names that it has defined so far are used.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from runlib.engine.code import script
from runlib.engine.code.program import working_folder
from runlib.engine.code.starts import StartOfRun
from runlib.engine.code.trust import check_file, check_module
from runlib.errors import ConfigError

__all__ = ["add_path", "find_file", "import_file", "import_named", "paths"]

_paths: list[str] = []  # Relative files are looked for in these folders after the working folder.


def add_path(folder: str | Path) -> None:
    """Adds ``folder`` to the folders in which relative files are looked for after the working folder."""
    full = str(Path(folder).resolve())
    if full not in _paths:
        _paths.append(full)


def paths() -> list[str]:
    """Returns the folders that ``add_path`` has added."""
    return list(_paths)


def find_file(name: str | Path) -> Path:
    """Returns the absolute path of a file that a config names.

    Raises:
        ConfigError: The file is in none of the places. The message names them.
    """
    # The folder of the config is often the working folder. Each place is searched and named only once.
    here = [] if (folder := working_folder()) is None else [Path(folder).resolve()]
    places = list(dict.fromkeys([*here, *map(Path, _paths), *map(Path, script.places())]))
    for place in places:
        if (place / name).is_file():
            _remember(place)
            return (place / name).resolve()
    where = " or ".join(map(str, places)) if not Path(name).is_absolute() else str(Path(name).parent)
    raise ConfigError(f"no file {str(name)!r} in {where}")


def _remember(place: Path) -> None:
    """Adds a place of the script of a run to the paths, so that later look-ups and the workers find the file again."""
    if str(place) in script.places() and str(place) != working_folder():
        add_path(place)


def import_file(name: str) -> Any:
    """Imports a ``.py`` file as a module named after the file, and appends its folder to ``sys.path``.

    Raises:
        ConfigError: The file does not exist, another module of that name is loaded, or the file may not be imported.
    """
    file = find_file(name)
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    if main is not None and Path(main).resolve() == file:
        return sys.modules["__main__"]
    check_file(file)
    if str(file.parent) not in sys.path:
        sys.path.append(str(file.parent))
    loaded = _origin(file.stem)
    if loaded is None or Path(loaded).resolve() != file:
        raise ConfigError(
            f"{file} cannot be imported: a module {file.stem!r} comes from {loaded or 'Python itself'}; rename the file"
        )
    return import_named(file.stem)


def import_named(name: str) -> ModuleType:
    """Imports a module by its name. If the module starts a run, only what it defines before that is returned.

    Raises:
        ConfigError: The import is not allowed, or the module starts a run and cannot be executed for its definitions.
            Other errors of the import pass through.
    """
    check_module(name)
    try:
        return _import(name)
    except StartOfRun:
        spec = importlib.util.find_spec(name)
        if spec is None or not spec.has_location or spec.origin is None:
            raise ConfigError(f"{name!r} starts a run when it is imported") from None
        return script.define(Path(spec.origin), spec.parent)


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        first = name.partition(".")[0]
        found = [place for place in script.places() if place not in sys.path and _has_module(Path(place), first)]
        if error.name != first or not found:
            raise
    check_file(_module_file(Path(found[0]), first))
    sys.path.append(found[0])
    importlib.invalidate_caches()
    return importlib.import_module(name)


def _has_module(place: Path, name: str) -> bool:
    return _module_file(place, name).is_file()


def _module_file(place: Path, name: str) -> Path:
    single = place / f"{name}.py"
    return single if single.is_file() else place / name / "__init__.py"


def _origin(name: str) -> str | None:
    """Returns the file of a module without importing it, since a module that hides a plugin must not be executed."""
    if name in sys.modules:
        return getattr(sys.modules[name], "__file__", None)
    importlib.invalidate_caches()  # The file may be newer than the cached listing of its folder.
    spec = None if "." in name else importlib.util.find_spec(name)
    return spec.origin if spec is not None and spec.has_location else None
