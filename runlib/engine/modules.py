"""Files and modules that a config names: where they are looked for, and how they are imported.

A relative file is looked for in the working folder, then in the folders that were added (that of the config). What
somebody's module raises while it is imported becomes one sentence.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runlib.errors import ConfigError

__all__ = ["add_path", "find_file", "import_file", "paths", "running"]

_paths: list[str] = []  # folders where relative files are looked for, after the working folder


@contextlib.contextmanager
def running(what: str, name: str) -> Iterator[None]:
    """Somebody's module is imported in here: what it raises becomes one sentence."""
    try:
        yield
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{what} {name!r} cannot be imported: {type(error).__name__}: {error}") from error


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
    places = [Path(folder) for folder in _paths]
    with contextlib.suppress(FileNotFoundError):  # the working folder was deleted
        places.insert(0, Path.cwd())
    for place in places:
        if (place / name).is_file():
            return (place / name).resolve()
    where = " or ".join(str(place) for place in places) if not Path(name).is_absolute() else str(Path(name).parent)
    raise ConfigError(f"no file {str(name)!r} in {where}")


def import_file(name: str) -> Any:
    """Import a ``.py`` file as the module of its name, its folder being put on ``sys.path``.

    Raises:
        ConfigError: There is none, or another module of that name is loaded.
    """
    file = find_file(name)
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    if main is not None and Path(main).resolve() == file:
        return sys.modules["__main__"]
    if str(file.parent) not in sys.path:
        sys.path.append(str(file.parent))
    loaded = _origin(file.stem)
    if loaded is None or Path(loaded).resolve() != file:
        raise ConfigError(
            f"{file} cannot be imported: a module {file.stem!r} comes from {loaded or 'Python itself'}; rename the file"
        )
    return importlib.import_module(file.stem)


def _origin(name: str) -> str | None:
    """The file of a module, without running it: what stands in the way of a plugin must not be imported."""
    if name in sys.modules:
        return getattr(sys.modules[name], "__file__", None)
    importlib.invalidate_caches()  # the file may be younger than the cached listing of its folder
    spec = None if "." in name else importlib.util.find_spec(name)
    return spec.origin if spec is not None and spec.has_location else None
