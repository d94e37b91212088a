"""Carries modules to a worker that it would not find by their names, or would find in another place.

A module with a file, for example one that was loaded by its path, is imported from that file in the worker, as any
module is. ``CarriedModules`` does it if the module is in ``sys.modules`` under its name, and ``load_file`` otherwise. A
module that was made by hand has no file, and is pickled by value. So a worker has the same modules under the same names
as the manager.
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
MAIN = ("__main__", "__mp_main__")  # the script itself, and its copy in a process that multiprocessing started
LOADERS = (Loader, importlib.machinery.SourcelessFileLoader, importlib.machinery.ExtensionFileLoader)
_loaded: dict[tuple[str, str], ModuleType] = {}


class Location(NamedTuple):
    """Describes where a module comes from.

    Attributes:
        file: The file of the module.
        loader: The class that loads the file.
        search: The folders in which the submodules of a package are looked for, or None for a module that is no
            package.
    """

    file: str
    loader: type[Any]
    search: list[str] | None


def find_location(spec: Any) -> Location | None:
    """Returns where the module of a specification comes from, or None if it has no file of its own."""
    file = getattr(spec, "origin", None)
    if not getattr(spec, "has_location", False) or not isinstance(file, str) or not os.path.isfile(file):
        return None
    found = type(spec.loader)
    loader = found if found in LOADERS else Loader if file.endswith(".py") else None
    search = spec.submodule_search_locations
    return None if loader is None else Location(file, loader, None if search is None else list(search))


def carried_modules() -> dict[str, Location]:
    """Returns the modules that were loaded from files and that a worker would not get by importing their names."""
    folders = {"": {os.path.abspath(entry) for entry in sys.path if isinstance(entry, str)}}
    found = {}
    for name, module in list(sys.modules.items()):
        spec: Any = getattr(module, "__spec__", None)
        if not getattr(spec, "has_location", False) or name in MAIN or _lies_where_expected(name, spec.origin, folders):
            continue
        location = None if _is_second_name(name, spec.name) else find_location(spec)
        if location is not None and not _is_found(name, location.file):
            found[name] = location
    return found


def _lies_where_expected(name: str, file: Any, folders: dict[str, set[str]]) -> bool:
    """Returns whether a module plainly lies where its name says. This quick check suffices for nearly all modules."""
    parent, _, last = name.rpartition(".")
    if parent not in folders:
        folders[parent] = set(_search_of(parent))
    folder, _, base = str(file).rpartition(os.sep)
    if base.startswith("__init__."):
        folder, _, base = folder.rpartition(os.sep)
    return base.partition(".")[0] == last and folder in folders[parent]


def _is_second_name(name: str, first: str) -> bool:
    """Returns whether a module is also found by another name, as ``os.path`` is."""
    return name != first and sys.modules.get(first) is sys.modules[name]


def _search_of(package: str) -> list[str]:
    found = getattr(sys.modules.get(package), "__path__", [])
    return [entry for entry in found if isinstance(entry, str)]


def _is_found(name: str, file: str) -> bool:
    spec = _find_spec(name)
    return spec is not None and getattr(spec, "origin", None) == file


def _find_spec(name: str) -> Any:
    """Returns what an import would find without ``sys.modules``, or None if it would find nothing."""
    parent = name.rpartition(".")[0]
    path = _search_of(parent) if parent else None
    if parent and parent not in sys.modules:
        return None
    finders = [finder for finder in sys.meta_path if hasattr(finder, "find_spec")]
    return next((spec for finder in finders if (spec := finder.find_spec(name, path)) is not None), None)


def is_handmade(name: str) -> bool:
    """Returns whether a module of ``sys.modules`` was made by hand, so that no other process can import it."""
    module = sys.modules.get(name)
    top = name.partition(".")[0]
    if type(module) is not ModuleType or name == "__main__" or top in sys.stdlib_module_names:
        return False
    if getattr(getattr(module, "__spec__", None), "has_location", False):
        return False
    return _find_spec(top) is None


def load_file(name: str, location: Location) -> ModuleType:
    """Returns the module in a file, which is loaded once for each name.

    The module is not put into ``sys.modules``, because it was not there in the manager either.
    """
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
    """Finds the modules that the manager loaded from files by their paths. It comes before all other finders.

    Args:
        locations: The location of each module by its name.
    """

    def __init__(self, locations: Mapping[str, Location]) -> None:
        self.locations = locations
        # A module may be called "plugins.mine" although there is no module "plugins".
        self._parents = {name[:end] for name in locations for end, letter in enumerate(name) if letter == "."}

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> Any:
        """Returns the specification of a carried module, or None for any other."""
        if name in self.locations:
            return _make_spec(name, self.locations[name])
        if name in self._parents and _find_elsewhere(name, path) is None:
            spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
            spec.submodule_search_locations = []
            return spec
        return None


def _find_elsewhere(name: str, path: Sequence[str] | None) -> Any:
    return importlib.machinery.PathFinder.find_spec(name, path)
