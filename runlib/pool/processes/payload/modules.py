"""Modules that a worker would not find by their names, or would find elsewhere: loaded from a file by its path, say.

A module with a file is imported from that file in the worker, as any module is: by ``CarriedModules``, if it stands in
``sys.modules`` under its name, otherwise by ``load_file``. A module that was made by hand has no file, and travels by
value. So a worker has the same modules under the same names as the manager.
"""

from __future__ import annotations

import importlib.machinery
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Any, NamedTuple

__all__ = ["CarriedModules", "Location", "carried_modules", "find_location", "is_handmade", "load_file"]

Loader = importlib.machinery.SourceFileLoader
MAIN = ("__main__", "__mp_main__")  # the script itself; in a process that multiprocessing started, a copy of it
LOADERS = (Loader, importlib.machinery.SourcelessFileLoader, importlib.machinery.ExtensionFileLoader)
_loaded: dict[tuple[str, str], ModuleType] = {}


class Location(NamedTuple):
    """Where a module comes from.

    Attributes:
        file: The file.
        loader: The class that loads it.
        search: Where the submodules of a package are looked for; None for what is no package.
    """

    file: str
    loader: type[Any]
    search: list[str] | None


def find_location(spec: Any) -> Location | None:
    """Where the module of a specification comes from; None if it has no file of its own."""
    file = getattr(spec, "origin", None)
    if not getattr(spec, "has_location", False) or not isinstance(file, str) or not os.path.isfile(file):
        return None
    found = type(spec.loader)
    loader = found if found in LOADERS else Loader if file.endswith(".py") else None
    search = spec.submodule_search_locations
    return None if loader is None else Location(file, loader, None if search is None else list(search))


def carried_modules() -> dict[str, Location]:
    """The modules that were loaded from files, and that importing their names in a worker would not give."""
    folders = {"": {os.path.abspath(entry) for entry in sys.path if isinstance(entry, str)}}
    found = {}
    for name, module in list(sys.modules.items()):
        spec: Any = getattr(module, "__spec__", None)
        if not getattr(spec, "has_location", False) or name in MAIN or _is_at_home(name, spec.origin, folders):
            continue
        location = None if _is_second_name(name, spec.name) else find_location(spec)
        if location is not None and not _is_found(name, location.file):
            found[name] = location
    return found


def _is_at_home(name: str, file: Any, folders: dict[str, set[str]]) -> bool:
    """Whether a module plainly lies where its name says: the quick answer for nearly all of them."""
    parent, _, last = name.rpartition(".")
    if parent not in folders:
        folders[parent] = set(_search_of(parent))
    folder, _, base = str(file).rpartition(os.sep)
    if base.startswith("__init__."):
        folder, _, base = folder.rpartition(os.sep)
    return base.partition(".")[0] == last and folder in folders[parent]


def _is_second_name(name: str, first: str) -> bool:
    """Whether a module is found by another name as well, as ``os.path`` is."""
    return name != first and sys.modules.get(first) is sys.modules[name]


def _search_of(package: str) -> list[str]:
    found = getattr(sys.modules.get(package), "__path__", [])
    return [entry for entry in found if isinstance(entry, str)]


def _is_found(name: str, file: str) -> bool:
    spec = _find_spec(name)
    return spec is not None and getattr(spec, "origin", None) == file


def _find_spec(name: str) -> Any:
    """What an import would find, without a look at ``sys.modules``; None if it would find nothing."""
    parent = name.rpartition(".")[0]
    path = _search_of(parent) if parent else None
    if parent and parent not in sys.modules:
        return None
    finders = [finder for finder in sys.meta_path if hasattr(finder, "find_spec")]
    return next((spec for finder in finders if (spec := finder.find_spec(name, path)) is not None), None)


def is_handmade(name: str) -> bool:
    """Whether a module of ``sys.modules`` was made by hand, so that no other process can import it."""
    module = sys.modules.get(name)
    top = name.partition(".")[0]
    if type(module) is not ModuleType or name == "__main__" or top in sys.stdlib_module_names:
        return False
    if getattr(getattr(module, "__spec__", None), "has_location", False):
        return False
    return _find_spec(top) is None


def load_file(name: str, location: Location) -> ModuleType:
    """The module in a file, loaded once for each name, and not put into ``sys.modules``, where it was not either."""
    key = name, location.file
    if key not in _loaded:
        spec = _make_spec(name, location)
        module = _loaded[key] = module_from_spec(spec)
        spec.loader.exec_module(module)
    return _loaded[key]


def _make_spec(name: str, location: Location) -> Any:
    loader = location.loader(name, location.file)
    return spec_from_file_location(name, location.file, loader=loader, submodule_search_locations=location.search)


class CarriedModules:
    """Finds the modules that the manager loaded from files by their paths; before all other finders.

    Args:
        locations: Where each of them comes from.
    """

    def __init__(self, locations: Mapping[str, Location]) -> None:
        self.locations = locations
        # A module may be called "plugins.mine" where there is no "plugins".
        self._parents = {name[:end] for name in locations for end, letter in enumerate(name) if letter == "."}

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> Any:
        """The specification of a module that came along; None for any other."""
        if name in self.locations:
            return _make_spec(name, self.locations[name])
        if name in self._parents and _find_elsewhere(name, path) is None:
            spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
            spec.submodule_search_locations = []
            return spec
        return None


def _find_elsewhere(name: str, path: Sequence[str] | None) -> Any:
    return importlib.machinery.PathFinder.find_spec(name, path)
