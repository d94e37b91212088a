"""Pickles a payload: by name what a worker can import, and by value what it cannot.

Objects of ``__main__`` (a script, a notebook), of modules that were made by hand, and objects that no name leads to are
pickled by value. cloudpickle does that. This module adds the following:

- The global variables of ``__main__`` stay one single dict, that of the worker's ``__main__``.
- Functions keep the names of their files, and source without a file is included, for tracebacks and ``inspect``.
- Objects that pickle themselves by their name in ``__main__`` (a cached function, ``NewType``, a sentinel) are pickled
  by value too.
- Modules that were loaded from a file are loaded from that file again.
"""

from __future__ import annotations

import copyreg
import functools
import linecache
import operator
import os
import pickle
import sys
from collections import ChainMap
from collections.abc import Mapping
from types import FunctionType, ModuleType
from typing import IO, Any

import cloudpickle

from runlib.pool.processes.payload import rebuilding
from runlib.pool.processes.payload.modules import find_location, is_handmade, load_file
from runlib.pool.processes.payload.names import annotated_names, code_names, globals_of_class
from runlib.pool.processes.payload.reducers import REDUCERS, WITHOUT_NAME, complete_class

__all__ = ["PayloadPickler"]

OWN = ("__builtins__", "__cached__", "__loader__", "__spec__")  # names of each module that are not the user's
LOOKING_UP = {"eval", "exec", "globals", "vars"}


class _Space:
    """Stands in a payload for the global variables of a module that is pickled by value."""

    def __init__(self, module: str) -> None:
        self.module = module

    def __reduce__(self) -> Any:
        return rebuilding.space, (self.module,)


class PayloadPickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Pickles the evaluator and all that it needs.

    Args:
        file: The file to write to.
        script: The names of ``__main__``, see ``find_script``.

    Attributes:
        named: The objects of ``__main__`` that were pickled by value, by their names there.
        filled: The names of ``__main__`` that the functions in the payload need.
        sources: The lines of source without a file, by the names of their files.
        looks_up: Whether a function looks up names itself, so that none can be left out.
    """

    dispatch_table = ChainMap(REDUCERS, cloudpickle.Pickler.dispatch_table)

    def __init__(self, file: IO[bytes], script: dict[str, Any]) -> None:
        super().__init__(file)
        self.named: dict[str, Any] = {}
        self.filled: set[str] = set()
        self.sources: dict[str, list[str]] = {}
        self.looks_up = False
        self._script = script
        self.globals_ref[id(script)] = _Space("__main__")
        self._handmade: dict[str, bool] = {}
        self._registered: list[ModuleType] = []

    def put(self, value: Any) -> None:
        """Pickles a value, and the names that its parts have in ``__main__``.

        Raises:
            Exception: A part of the value cannot be pickled.
        """
        try:
            self.dump((value, self.named))
        finally:
            for module in self._registered:
                cloudpickle.unregister_pickle_by_value(module)
            self._registered.clear()

    def reducer_override(self, obj: Any) -> Any:
        """Returns how one object is pickled. It is called for each object that is no plain data."""
        if isinstance(obj, FunctionType):
            return self._reduce_function(obj)
        if issubclass(type(obj), type):
            return self._reduce_class(obj)
        if type(obj) is ModuleType:
            return self._reduce_module(obj)
        if type(obj) in self.dispatch_table:
            self._note(obj)
            return NotImplemented
        return self._reduce_object(obj)

    def _reduce_function(self, function: FunctionType) -> Any:
        space = function.__globals__
        if self._is_part_of_file(function, space):
            return self._part_of_file(function, space)
        self._open(function)
        reduced = super().reducer_override(function)
        if reduced is NotImplemented:
            return reduced
        self._note(function)
        self._note_code(function)
        found = reduced[2][1]
        found["__globals__"] = self._globals(function, found["__globals__"])
        return reduced

    def _globals(self, function: FunctionType, found: dict[str, Any]) -> dict[str, Any]:
        """Returns the global variables that are pickled with a function."""
        found = {**found, **annotated_names(function, found)}
        if function.__globals__ is self._script:
            self.filled |= found.keys()
        return found

    def _reduce_class(self, cls: type) -> Any:
        space = globals_of_class(cls)
        if space is not None and self._is_part_of_file(cls, space):
            return self._part_of_file(cls, space)
        self._open(cls)
        reduced = super().reducer_override(cls)
        if reduced is not NotImplemented and len(reduced) > 2:  # otherwise it is one of Python's own classes
            self._note(cls)
            complete_class(cls, reduced)
        return reduced

    def _reduce_module(self, module: ModuleType) -> Any:
        name = module.__name__
        registered = sys.modules.get(name) is module
        if registered and not self._is_handmade(name):
            return NotImplemented
        location = None if registered else find_location(module.__spec__)
        if location is not None:
            return load_file, (name, location)
        names = {key: value for key, value in vars(module).items() if key not in OWN}
        make = rebuilding.registered_module if registered else rebuilding.make_module
        # The names are pickled as its state, since they may lead back to the module.
        return make, (name,), names, None, None, rebuilding.fill_module

    def _reduce_object(self, obj: Any) -> Any:
        if isinstance(obj, functools._lru_cache_wrapper):
            space = getattr(obj.__wrapped__, "__globals__", {})
            if self._is_part_of_file(obj, space):
                return self._part_of_file(obj, space)
        reduced = obj.__reduce_ex__(self.proto)
        if not isinstance(reduced, str) or self._is_found(obj, reduced):
            return reduced
        self._note(obj, reduced)
        if type(obj) in WITHOUT_NAME:
            return WITHOUT_NAME[type(obj)](obj)
        return copyreg.__newobj__, (type(obj),), obj.__getstate__()  # type: ignore[attr-defined]

    def _is_found(self, obj: Any, name: str) -> bool:
        """Returns whether a worker finds an object by the name under which it pickles itself."""
        module = pickle.whichmodule(obj, name)  # type: ignore[attr-defined]
        if module == "__main__" or self._is_handmade(module) or module not in sys.modules:
            return False
        try:
            return operator.attrgetter(name)(sys.modules[module]) is obj
        except AttributeError:
            return False

    # -- notes ----------------------------------------------------------------------------------

    def _note(self, obj: Any, name: str | None = None) -> None:
        name = name or getattr(obj, "__qualname__", None)
        if isinstance(name, str) and self._script.get(name) is obj:
            self.named[name] = obj

    def _note_code(self, function: FunctionType) -> None:
        code = function.__code__
        self.looks_up = self.looks_up or not LOOKING_UP.isdisjoint(code_names(code))
        file = code.co_filename
        if file not in self.sources and not os.path.exists(file):
            lines = linecache.getlines(file, function.__globals__)
            if lines:
                self.sources[file] = lines

    # -- modules made by hand, or loaded from files ---------------------------------------------

    def _is_handmade(self, name: str) -> bool:
        if name not in self._handmade:
            self._handmade[name] = is_handmade(name)
        return self._handmade[name]

    def _open(self, thing: Any) -> None:
        """Makes cloudpickle pickle an object by value if its module was made by hand."""
        name = getattr(thing, "__module__", None)
        if not isinstance(name, str) or name not in sys.modules or not self._is_handmade(name):
            return
        module = sys.modules[name]
        self.globals_ref[id(vars(module))] = _Space(name)
        if name not in cloudpickle.list_registry_pickle_by_value():
            cloudpickle.register_pickle_by_value(module)
            self._registered.append(module)

    def _is_part_of_file(self, thing: Any, space: Mapping[str, Any]) -> bool:
        """Returns whether an object is in the namespace of a module that has a file but is not in ``sys.modules``."""
        name = str(space.get("__name__"))
        if name == "__main__" or vars(sys.modules.get(name, ModuleType("none"))) is space:
            return False
        if find_location(space.get("__spec__")) is None:
            return False
        try:
            return operator.attrgetter(thing.__qualname__)(_Names(space)) is thing
        except AttributeError:
            return False

    def _part_of_file(self, thing: Any, space: Mapping[str, Any]) -> Any:
        location = find_location(space["__spec__"])
        return rebuilding.part_of_file, (space["__name__"], location, thing.__qualname__)


class _Names:
    """Gives the keys of a mapping as attributes."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.__dict__.update(names)
