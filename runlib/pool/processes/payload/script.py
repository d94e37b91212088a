"""Replaces the script in a worker by a ``__main__`` that has the names of the script but did not run it.

What the evaluator uses is there from the start. The other functions and classes are unpacked when one is asked for as
``__main__.name``, as ``pickle`` does for the names in a file.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, NamedTuple

from runlib.pool.processes.payload.modules import CarriedModules, Location, carried_modules

__all__ = ["Origin", "ScriptModule", "note_origin", "stand_in"]


class Origin(NamedTuple):
    """Holds what a worker must know of the manager's modules before it can unpack anything.

    Attributes:
        name: The name of the script as a module, or "__main__" if it has none.
        attributes: The attributes of ``__main__`` that say where it comes from.
        modules: The modules that a worker cannot find by their names.
    """

    name: str
    attributes: dict[str, Any]
    modules: dict[str, Location]


def note_origin(script: dict[str, Any]) -> Origin:
    """Returns the origin of a script.

    Args:
        script: The names of its ``__main__``.
    """
    main = sys.modules["__main__"]
    if isinstance(main, ScriptModule) and vars(main) is script:  # this is a worker that has workers
        return main.origin
    name = getattr(script.get("__spec__"), "name", None) or "__main__"
    kept: dict[str, Any] = {key: script[key] for key in ("__doc__", "__file__", "__package__") if key in script}
    return Origin(name, kept, carried_modules())


def stand_in(origin: Origin) -> ScriptModule:
    """Replaces ``__main__`` by a module for the script, and makes the modules of the manager known."""
    sys.meta_path.insert(0, CarriedModules(origin.modules))
    made = ScriptModule(origin)
    sys.modules["__main__"] = made
    return made


class ScriptModule(ModuleType):
    """Represents a ``__main__`` that did not run in this process.

    Args:
        origin: The origin of the script.
    """

    __slots__ = ("_lock", "_rest", "origin")  # so that these are not among the names of the script
    __spec__: ModuleSpec

    def __init__(self, origin: Origin) -> None:
        super().__init__("__main__")
        vars(self).update(origin.attributes)
        self.__spec__ = ModuleSpec(origin.name, None, origin=origin.attributes.get("__file__"))
        self.origin = origin
        self._rest: Callable[[], object] | None = None
        self._lock = threading.RLock()

    def complete_by(self, rest: Callable[[], object] | None) -> None:
        """Sets the function that is called once when a name is asked for that is not here."""
        self._rest = rest

    def complete(self) -> None:
        """Adds all names of the script."""
        with self._lock:
            rest, self._rest = self._rest, None
            try:
                if rest is not None:
                    rest()
            except BaseException:
                self._rest = rest
                raise

    def __getattr__(self, name: str) -> Any:
        """Returns the object that the script has under a name that was not used before."""
        while not name.startswith("__") and name not in vars(self) and self._rest is not None:
            self.complete()  # this may set another function for the rest
        if name not in vars(self):
            raise AttributeError(f"module '__main__' has no attribute {name!r}", name=name, obj=self)
        return vars(self)[name]

    def __reduce__(self) -> Any:
        return importlib.import_module, ("__main__",)
