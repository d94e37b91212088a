"""Pickles the functions and classes of a script that its evaluator does not use, without the data that they use."""

from __future__ import annotations

from collections.abc import Mapping
from types import FunctionType
from typing import IO, Any

from runlib.pool.processes.payload import rebuilding
from runlib.pool.processes.payload.names import is_definition
from runlib.pool.processes.payload.pickler import PayloadPickler

__all__ = ["DefinitionPickler", "definitions"]


def definitions(script: dict[str, Any]) -> dict[str, Any]:
    """Returns the functions, classes and small constants of the script, by their names."""
    return {
        name: value
        for name, value in list(script.items())
        if not name.startswith("__") and is_definition(value) and _belongs_to_script(name, value)
    }


def _belongs_to_script(name: str, value: Any) -> bool:
    module = getattr(value, "__module__", None)
    return module == "__main__" if module is not None else not name.startswith("_")


class DefinitionPickler(PayloadPickler):
    """Pickles the rest of the script: its functions and classes, without the data that they use.

    Args:
        file: The file to write to.
        script: The names of ``__main__``.
        known: The objects that the worker has already, by their names in ``__main__``.
        present: All names that the worker's ``__main__`` has already.
    """

    def __init__(self, file: IO[bytes], script: dict[str, Any], known: Mapping[str, Any], present: set[str]) -> None:
        super().__init__(file, script)
        self._known = {id(value): name for name, value in known.items()}
        self._present = present

    def reducer_override(self, obj: Any) -> Any:
        """Pickles an object by its name if the worker has it already."""
        if id(obj) in self._known:
            return rebuilding.named, ("__main__", self._known[id(obj)])
        return super().reducer_override(obj)

    def _globals(self, function: FunctionType, found: dict[str, Any]) -> dict[str, Any]:
        found = super()._globals(function, found)
        if function.__globals__ is not self._script:
            return found
        return {name: value for name, value in found.items() if name not in self._present and is_definition(value)}
