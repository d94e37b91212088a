"""The registry: which class stands behind a kind, and where further classes are looked for.

A kind is found among the classes that were defined or registered; failing that, the plugins are loaded: the
modules named in ``RUNLIB_PLUGINS``, then installed packages (entry-point group ``runlib.components``). A plugin that
was asked for and fails is an error; an installed package that fails is named if the kind is then not found.
The same module and qualified name replaces its class (a notebook cell run again); two different classes
for one kind are an error that names both.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import importlib.util
import os
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from runlib.engine.extras import load
from runlib.errors import ConfigError, KindConflict, UnknownKind

__all__ = [
    "add_path",
    "classes",
    "deferred",
    "find_file",
    "import_file",
    "load_plugin",
    "lookup",
    "paths",
    "plugins",
    "register",
    "register_definition",
    "running",
]

T = TypeVar("T", bound=type)

_classes: dict[str, type] = {}
_plugins: list[str] = []  # in the order of loading; workers and restores load them again
_paths: list[str] = []  # folders where relative files are looked for, after the working folder
_deferred: list[type] | None = None
_searched_plugins = False
_failed_packages: list[str] = []


def register(cls: T) -> T:
    """Make ``cls`` known under its ``kind``; usable as a decorator.

    Raises:
        KindConflict: Another class has that kind.
        ConfigError: It is no class of components, or has no kind.
    """
    if not _is_component(cls):
        raise ConfigError(f"{cls!r} cannot be registered: it is no class derived from Component")
    kind = getattr(cls, "kind", None)
    if not isinstance(kind, str) or not kind:
        raise ConfigError(f"{_name(cls)} cannot be registered: it has no text attribute 'kind'")
    known = _classes.get(kind)
    if known is not None and known is not cls and _name(known) != _name(cls):
        raise KindConflict(
            f"two classes claim the kind {kind!r}: {_name(known)} and {_name(cls)}; give one of them another kind"
        )
    _classes[kind] = cls
    return cls


def _is_component(value: Any) -> bool:
    return isinstance(value, type) and hasattr(value, "get_config")


def register_definition(cls: type) -> None:
    """What defining a component does: register it, now or at the end of ``deferred``."""
    if _deferred is None:
        register(cls)
    else:
        _deferred.append(cls)


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """Classes made in here are registered at the end, when whole: unpickling sets ``kind`` only late."""
    global _deferred
    outer, _deferred = _deferred, []
    try:
        yield
    finally:
        inner, _deferred = _deferred, outer
        for cls in inner:
            if not getattr(cls, "_abstract", False):
                register_definition(cls)


def lookup(kind: str, family: type | None = None) -> type:
    """The class of a kind.

    Raises:
        UnknownKind: None is registered, with near names and how to register one.
        ConfigError: It is of another family.
    """
    if kind not in _classes:
        _load_announced_plugins()
    cls = _classes.get(kind)
    if cls is None:
        raise UnknownKind(_unknown(kind, family))
    if family is not None and not issubclass(cls, family):
        raise ConfigError(
            f"{kind!r} is no {family.__name__}, but {_name(cls)}; known here: {', '.join(_kinds(family))}"
        )
    return cls


def _unknown(kind: str, family: type | None) -> str:
    shown = kind if len(kind) <= 80 else f"{kind[:80]}..."
    near = difflib.get_close_matches(shown, _kinds(family), n=3, cutoff=0.5)
    hint = (
        f"did you mean {' or '.join(map(repr, near))}" if near else f"known are {', '.join(_kinds(family))}"
    )
    failed = f" (not loaded: {'; '.join(_failed_packages)})" if _failed_packages else ""
    return (
        f"no component of kind {shown!r} is registered; {hint}? An own class is known once its module is imported, "
        f"named by --plugin or in RUNLIB_PLUGINS, or passed to runlib.register{failed}"
    )


def _kinds(family: type | None) -> list[str]:
    return sorted(kind for kind, cls in _classes.items() if family is None or issubclass(cls, family))


def classes(family: type) -> list[type]:
    """All registered classes of a family, by kind."""
    return [_classes[kind] for kind in _kinds(family)]


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _load_announced_plugins() -> None:
    global _searched_plugins
    if _searched_plugins:
        return
    _searched_plugins = True  # at once, for a plugin may look up a kind while it is imported
    try:
        for name in os.environ.get("RUNLIB_PLUGINS", "").split(","):
            if name.strip():
                load_plugin(name.strip())
        _load_packages()
    except ConfigError:
        _searched_plugins = False  # the next lookup says the same, and not that the kind is unknown
        raise


def _load_packages() -> None:
    _failed_packages.clear()
    for entry in load("importlib.metadata").entry_points(group="runlib.components"):
        try:
            with running("installed plugin", entry.value):
                loaded = entry.load()
        except KindConflict:
            raise
        except ConfigError as error:
            _failed_packages.append(error.reason)
        else:
            _register_all(loaded)


def load_plugin(name: str) -> Any:
    """Import a plugin, a module by name or a file ``folder/file.py``, and register what it holds.

    A module that is not found by its name is looked for as a file next to the config or in the working folder.

    Raises:
        ConfigError: It cannot be found or fails while it is imported.
    """
    with running("plugin", name):
        full = _full_name(name)
        module = import_file(full) if full.endswith(".py") else importlib.import_module(full)
    if full not in _plugins:
        _plugins.append(full)
    _register_all(module)
    return module


def _full_name(name: str) -> str:
    if name.endswith(".py"):
        return str(find_file(name))
    if name.isidentifier() and name not in sys.modules and importlib.util.find_spec(name) is None:
        with contextlib.suppress(ConfigError):
            return str(find_file(f"{name}.py"))
    return name


@contextlib.contextmanager
def running(what: str, name: str) -> Iterator[None]:
    """Somebody's module is imported in here: what it raises becomes one sentence."""
    try:
        yield
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{what} {name!r} cannot be imported: {type(error).__name__}: {error}") from error


def _register_all(loaded: Any) -> None:
    """What a plugin lists as ``components``, and what it defines: its module may have been imported long ago."""
    listed = loaded if isinstance(loaded, list | tuple) else getattr(loaded, "components", [])
    found: list[Any] = list(listed) if isinstance(listed, list | tuple) else []
    if isinstance(loaded, types.ModuleType):
        found += [cls for cls in vars(loaded).values() if _is_defined_in(cls, loaded.__name__)]
    elif isinstance(loaded, type):
        found.append(loaded)
    for cls in found:
        if _is_component(cls) and not getattr(cls, "_abstract", False):
            register(cls)


def _is_defined_in(value: Any, module: str) -> bool:
    return (
        isinstance(value, type)
        and value.__module__ == module
        and isinstance(getattr(value, "kind", None), str)
    )


def plugins() -> list[str]:
    """The plugins loaded so far: module names and absolute paths of files."""
    return list(_plugins)


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
    places = [Path.cwd(), *map(Path, _paths)]
    for place in places:
        if (place / name).is_file():
            return (place / name).resolve()
    where = (
        " or ".join(str(place) for place in places)
        if not Path(name).is_absolute()
        else str(Path(name).parent)
    )
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
