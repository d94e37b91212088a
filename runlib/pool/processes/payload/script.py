"""What stands for the script in a worker: a ``__main__`` with the names of the script, which did not run there.

What the evaluator uses is there from the start. The other functions and classes come when somebody asks for one, by
``__main__.name``: that is how ``pickle`` finds what a file names.
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
    """What a worker must know of the manager's modules before it can unpack anything.

    Attributes:
        name: The name of the script as a module; "__main__" if it has none.
        attributes: Those of ``__main__`` that say where it comes from.
        modules: Modules that a worker cannot find by their names.
    """

    name: str
    attributes: dict[str, Any]
    modules: dict[str, Location]


def note_origin(script: dict[str, Any]) -> Origin:
    """The origin of a script.

    Args:
        script: The names of its ``__main__``.
    """
    main = sys.modules["__main__"]
    if isinstance(main, ScriptModule) and vars(main) is script:  # a worker that has workers
        return main.origin
    name = getattr(script.get("__spec__"), "name", None) or "__main__"
    kept: dict[str, Any] = {key: script[key] for key in ("__doc__", "__file__", "__package__") if key in script}
    return Origin(name, kept, carried_modules())


def stand_in(origin: Origin) -> ScriptModule:
    """Put a module in the place of ``__main__``, and make the modules of the manager known."""
    sys.meta_path.insert(0, CarriedModules(origin.modules))
    made = ScriptModule(origin)
    sys.modules["__main__"] = made
    return made


class ScriptModule(ModuleType):
    """A ``__main__`` that did not run here.

    Args:
        origin: Of the script.
    """

    __slots__ = ("_lock", "_rest", "origin")  # not among the names of the script
    __spec__: ModuleSpec

    def __init__(self, origin: Origin) -> None:
        super().__init__("__main__")
        vars(self).update(origin.attributes)
        self.__spec__ = ModuleSpec(origin.name, None, origin=origin.attributes.get("__file__"))
        self.origin = origin
        self._rest: Callable[[], object] | None = None
        self._lock = threading.RLock()

    def complete_by(self, rest: Callable[[], object] | None) -> None:
        """Let ``rest`` be called once, when somebody asks for a name that is not here."""
        self._rest = rest

    def complete(self) -> None:
        """Put all names of the script here."""
        with self._lock:
            rest, self._rest = self._rest, None
            try:
                if rest is not None:
                    rest()
            except BaseException:
                self._rest = rest
                raise

    def __getattr__(self, name: str) -> Any:
        """What the script has under a name that was not used before."""
        while not name.startswith("__") and name not in vars(self) and self._rest is not None:
            self.complete()  # which may find out that there is more
        if name not in vars(self):
            raise AttributeError(f"module '__main__' has no attribute {name!r}", name=name, obj=self)
        return vars(self)[name]

    def __reduce__(self) -> Any:
        return importlib.import_module, ("__main__",)
