"""Files and modules that a config names: where they are looked for, and how they are imported.

A relative file is looked for in the working folder, then in the folders that were added (that of the config). A
module that starts a run when it is imported is stopped there, and what it defined until then is used.
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

_paths: list[str] = []  # folders where relative files are looked for, after the working folder


def add_path(folder: str | Path) -> None:
    """Look for relative files in ``folder`` too, after the working folder."""
    full = str(Path(folder).resolve())
    if full not in _paths:
        _paths.append(full)


def paths() -> list[str]:
    """The folders added by ``add_path``."""
    return list(_paths)


def find_file(name: str | Path) -> Path:
    """The absolute path of a file named in a config.

    Raises:
        ConfigError: It is in none of the places, which are named.
    """
    # The folder of the config is often the working folder: each is looked into, and named, once.
    here = [] if (folder := working_folder()) is None else [Path(folder).resolve()]
    places = list(dict.fromkeys([*here, *map(Path, _paths), *map(Path, script.places())]))
    for place in places:
        if (place / name).is_file():
            _remember(place)
            return (place / name).resolve()
    where = " or ".join(map(str, places)) if not Path(name).is_absolute() else str(Path(name).parent)
    raise ConfigError(f"no file {str(name)!r} in {where}")


def _remember(place: Path) -> None:
    """What was found where the script of a run was is found there again, also by the workers."""
    if str(place) in script.places() and str(place) != working_folder():
        add_path(place)


def import_file(name: str) -> Any:
    """Import a ``.py`` file as the module of its name, its folder being put on ``sys.path``.

    Raises:
        ConfigError: There is none, another module of that name is loaded, or it is not to be imported.
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
    """Import a module by its name; of one that starts a run, what it defines before that.

    Raises:
        ConfigError: That fails; what the import of another module raises is not caught here.
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
    """The file of a module, without running it: what stands in the way of a plugin must not be imported."""
    if name in sys.modules:
        return getattr(sys.modules[name], "__file__", None)
    importlib.invalidate_caches()  # the file may be younger than the cached listing of its folder
    spec = None if "." in name else importlib.util.find_spec(name)
    return spec.origin if spec is not None and spec.has_location else None
