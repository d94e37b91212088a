"""Registers the class of each kind, and looks for further classes in plugins.

A kind is looked up among the classes that were defined or registered, then among the built-in kinds, whose modules are
imported when they are asked for (see ``announced``). If it is not there, the plugins are loaded: first the modules
named in ``RUNLIB_PLUGINS``, then installed packages (entry-point group ``runlib.components``). When a run is continued,
the script that started it is executed last. A requested plugin that fails raises an error. An installed package that
fails is only named in the error if the kind is not found. A class with the same module and qualified name replaces the
earlier class, since a notebook cell may run again. Two different classes for one kind raise an error that names both.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import types
import weakref
from collections.abc import Iterator
from typing import Any, TypeVar

from runlib.engine.announced import announced, find_class, is_rival
from runlib.engine.arguments import known_arguments
from runlib.engine.code.modules import add_path, find_file, import_file, import_named, paths
from runlib.engine.code.script import load_standing_in
from runlib.engine.code.starts import running
from runlib.engine.extras import load
from runlib.engine.synonyms import INSTEAD, near
from runlib.errors import ConfigError, KindConflict, UnknownKind

__all__ = [
    "add_path",
    "classes",
    "deferred",
    "find_file",
    "import_file",
    "load_plugin",
    "loaded_classes",
    "lookup",
    "paths",
    "plugins",
    "register",
    "register_definition",
    "where_instead",
]

T = TypeVar("T", bound=type)

_classes: dict[str, type] = {}
_definitions: weakref.WeakKeyDictionary[type, tuple[str, str]] = weakref.WeakKeyDictionary()
_plugins: list[str] = []  # They stand in the order of loading; workers and restores load them again.
_unsettled: list[type] = []  # These empty classes will soon be filled or discarded.
_holding = 0
_searched_plugins = False
_failed_packages: list[str] = []


@known_arguments
def register(cls: T) -> T:
    """Registers ``cls`` under its ``kind``. It can be used as a decorator.

    Raises:
        KindConflict: Another class has that kind.
        ConfigError: The class is not derived from Component or has no kind.
    """
    _settle()
    _register(cls)
    return cls


def _register(cls: type) -> None:
    if not _is_component(cls):
        raise ConfigError(f"{cls!r} cannot be registered: it is no class derived from Component")
    kind = getattr(cls, "kind", None)
    if not isinstance(kind, str) or not kind:
        raise ConfigError(f"{_name(cls)} cannot be registered: it has no text attribute 'kind'")
    if kind not in _classes and is_rival(kind, cls):
        _register(find_class(kind))
    known = _classes.get(kind)
    definition = _definitions.setdefault(cls, _definition(cls))
    if known is not None and known is not cls and _definitions.get(known) != definition:
        raise KindConflict(
            f"two classes claim the kind {kind!r}: {_name(known)} and {_name(cls)}; give one of them another kind"
        )
    _classes[kind] = cls


def _definition(cls: type) -> tuple[str, str]:
    """Returns where a class is defined, by file, since a script is both a module of its own name and ``__main__``."""
    module = sys.modules.get(cls.__module__)
    file = getattr(module, "__file__", None)
    return (os.path.realpath(file) if isinstance(file, str) else cls.__module__), cls.__qualname__


def _is_component(value: Any) -> bool:
    return isinstance(value, type) and hasattr(value, "get_config")


def register_definition(cls: type) -> None:
    """Registers a component class when it is defined, unless the class is still empty.

    Unpickling a class of a script first makes an empty class. It then fills that class, including its ``kind``, or
    discards it because the class exists already. An empty class therefore waits until the registry is next used.
    """
    if _is_empty(cls) and _is_unpickled():
        _unsettled.append(cls)
    else:
        register(cls)


def _is_empty(cls: type) -> bool:
    return cls.__doc__ is None and _EMPTY.issuperset(cls.__dict__) and vars(cls).get("kind") == cls.__name__.lower()


_EMPTY = {"__module__", "__doc__", "__dict__", "__weakref__", "__slots__", "__orig_bases__", "__parameters__"}
_EMPTY |= {
    "__firstlineno__",
    "__static_attributes__",
    "__abstractmethods__",
    "_abc_impl",
    "kind",
    "_abstract",
}


def _is_unpickled() -> bool:
    """Returns whether the class being made comes from ``types.new_class`` and not from a ``class`` statement."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_name in _MAKING:
        frame = frame.f_back
    return frame.f_code.co_name == "new_class"


_MAKING = {"_is_unpickled", "register_definition", "__init_subclass__", "__new__", "__call__"}


def _settle() -> None:
    while _unsettled and not _holding:
        cls = _unsettled.pop(0)
        if not getattr(cls, "_abstract", False) and not _is_empty_copy(cls):
            _register(cls)


def _is_empty_copy(cls: type) -> bool:
    """Returns whether the class is an empty copy of a class that is registered."""
    return _is_empty(cls) and any(
        (known.__module__, known.__name__, known.__bases__) == (cls.__module__, cls.__name__, cls.__bases__)
        for known in _classes.values()
    )


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """Delays the registration of classes that are unpickled in the ``with`` block until all of them are complete."""
    global _holding
    _holding += 1
    try:
        yield
    finally:
        _holding -= 1
        _settle()


def lookup(kind: str, family: type | None = None) -> type:
    """Returns the class of a kind.

    Raises:
        UnknownKind: No class is registered. The message names similar kinds and says how to register one.
        ConfigError: The class belongs to another family.
    """
    _settle()
    if kind not in _classes and (built_in := find_class(kind)) is not None:
        _register(built_in)
    if kind not in _classes:
        _load_announced_plugins()
        _settle()
    if kind not in _classes and load_standing_in():
        _settle()
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
    begin = f"no component of kind {shown!r} is registered"
    if called := _called(shown, family):
        return f"{begin}; did you mean {' or '.join(map(repr, called))}?"
    kinds = _kinds(family)
    meant = (
        near(shown, kinds, count=3, cutoff=0.8) or _parts_of(shown, family) or near(shown, kinds, count=3, cutoff=0.5)
    )
    known = ", ".join(_kinds(family)) or "none"
    hint = f"did you mean {' or '.join(map(repr, meant))}?" if meant else f"known are: {known}."
    failed = f" (not loaded: {'; '.join(_failed_packages)})" if _failed_packages else ""
    return (
        f"{begin}; {hint} An own class is known once its module is imported, "
        f"named by --plugin or in RUNLIB_PLUGINS, or passed to runlib.register{failed}"
    )


def _called(word: str, family: type | None) -> list[str]:
    """Returns the kinds that other tools call by this name, and those whose name without the family equals it."""
    plain = word.lower().replace("-", "_")
    return [kind for kind in _kinds(family) if plain in (*vars(_classes[kind]).get("also_called", ()), _bare(kind))]


def _parts_of(word: str, family: type | None) -> list[str]:
    """Returns the kinds whose name without the family is a part of the name, as ``random`` of ``random_search``."""
    return [kind for kind in _kinds(family) if _bare(kind) and _bare(kind) in word.lower().split("_")]


def _bare(kind: str) -> str:
    """Returns the kind without its family, such as ``max`` for ``stop_max``."""
    return kind.partition("_")[2]


def where_instead(word: str, asked: type[Any] | None = None) -> str:
    """Returns a sentence that says where to set something that is not an argument; empty if there is no such place.

    The place is a component of its own or a context. The function suggests a component first, but never the class
    ``asked``, which rejected the argument.
    """
    plain = word.lower()
    if plain in INSTEAD:
        return INSTEAD[plain]
    known = classes(object)
    for cls in known:
        if cls is not asked and plain in vars(cls).get("also_called", ()):
            return f"for that there is {cls.__name__}(...)"
    contexts = {key: cls for cls in known for key in getattr(cls, "default_context", {})}
    for key in near(word, sorted(contexts), cutoff=0.8):
        return f"{key} stands in the context: context={{{key!r}: ...}}"
    return ""


def _kinds(family: type | None) -> list[str]:
    for kind in announced():
        if kind not in _classes:
            _register(find_class(kind))
    return sorted(kind for kind, cls in _classes.items() if family is None or issubclass(cls, family))


def classes(family: type) -> list[type]:
    """Returns all classes of a family, sorted by kind. This imports the modules of all built-in kinds."""
    _settle()
    return [_classes[kind] for kind in _kinds(family)]


def loaded_classes() -> list[type]:
    """Returns the classes that are defined by now, sorted by kind."""
    _settle()
    return [_classes[kind] for kind in sorted(_classes)]


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _load_announced_plugins() -> None:
    global _searched_plugins
    if _searched_plugins:
        return
    _searched_plugins = True  # This is set first, since a plugin may look up a kind while it is imported.
    try:
        for name in os.environ.get("RUNLIB_PLUGINS", "").split(","):
            if name.strip():
                load_plugin(name.strip())
        _load_packages()
    except ConfigError:
        _searched_plugins = False  # The next lookup must raise the same error, and not say that the kind is unknown.
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
    """Imports a plugin, a module by name or a file ``folder/file.py``, and registers its components.

    If no module of the name is found, a file of that name is looked for next to the config or in the working folder.

    Raises:
        ConfigError: The plugin cannot be found, or it fails while it is imported.
    """
    with running("plugin", name):
        full = _full_name(name)
        module = import_file(full) if full.endswith(".py") else import_named(full)
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


def _register_all(loaded: Any) -> None:
    """Registers the ``components`` of a plugin and what it defines, since its module may have been imported earlier."""
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
    return isinstance(value, type) and value.__module__ == module and isinstance(getattr(value, "kind", None), str)


def plugins() -> list[str]:
    """Returns the plugins loaded so far as module names and absolute paths of files."""
    return list(_plugins)
