"""Unpacks in a worker what the manager packed."""

from __future__ import annotations

import contextlib
import functools
import linecache
import pickle
import sys
from collections.abc import Iterator
from typing import Any

from runlib.engine import registry
from runlib.engine.extras import load
from runlib.evaluator.base import Evaluator
from runlib.evaluator.component import ComponentEvaluator, as_evaluator
from runlib.pool.processes.payload.handling import apply_handling
from runlib.pool.processes.payload.script import Origin, ScriptModule, stand_in

__all__ = ["FOOT", "ScriptName", "arrive_again", "arriving", "is_arriving", "type_at_fault", "unpack"]

FOOT = 8  # bytes at the end of a payload that hold the length of the list of its parts
LARGEST = 64 * 2**20  # bytes; a larger payload is not kept for the processes that a trial starts
_arriving = False


@contextlib.contextmanager
def arriving() -> Iterator[None]:
    """Marks that a worker imports and builds its evaluator in this context.

    A run that is started here would have workers that start a run too, without end.
    """
    global _arriving
    _arriving = True
    try:
        yield
    finally:
        _arriving = False


def is_arriving() -> bool:
    """Returns whether this is a worker that is still building its evaluator."""
    return _arriving


def unpack(data: bytes) -> Evaluator:
    """Returns the evaluator in a payload, registers its components, and adds the script's names to ``__main__``.

    Raises:
        Exception: The code in the payload raises it.
    """
    parts = _Parts(data)
    for file, lines in parts.head["sources"].items():
        linecache.cache[file] = (sum(map(len, lines)), None, lines, file)
    main = sys.modules["__main__"]
    if isinstance(main, ScriptModule):
        main.__spec__.name = ScriptName(main.origin, data)
        main.complete_by(functools.partial(_unpack_rest, parts.read("rest")))
    evaluator = _unpack_evaluator(parts)
    if parts.head["at_once"] and isinstance(main, ScriptModule):
        main.complete()
    apply_handling(parts.load("handling"))
    return evaluator


def type_at_fault(data: bytes) -> str | None:
    """Returns the full name of the type whose value in the payload cannot be unpickled, or None if there is none."""
    parts = _Parts(data)
    type_that_fails = load("runlib.pool.processes.payload.failure").type_that_fails  # no other worker needs this import
    found = (type_that_fails(part) for part in parts.of_evaluator())
    return next((name for name in found if name is not None), None)


class _Parts:
    """Gives access to the parts of a payload."""

    def __init__(self, data: bytes) -> None:
        self._view = memoryview(data)
        end = len(data) - FOOT
        self.head: dict[str, Any] = pickle.loads(self._view[end - int.from_bytes(self._view[end:]) : end])

    def load(self, name: str, default: Any = None) -> Any:
        return self.load_part(self.head[name]) if self.head.get(name) is not None else default

    def load_part(self, part: tuple[int, int]) -> Any:
        return _load(self._view[slice(*part)])

    def of_evaluator(self) -> list[memoryview]:
        """Returns the pickled parts of the evaluator and of the classes in the payload."""
        parts = [self.head.get("evaluator"), *self.head["classes"], self.head.get("recipe")]
        return [self._view[slice(*part)] for part in parts if part is not None]

    def read(self, name: str) -> bytes | None:
        return None if self.head[name] is None else bytes(self._view[slice(*self.head[name])])


def _load(data: bytes | memoryview) -> Any:
    """Returns a pickled value, after its parts from the top level of the script got their names in ``__main__``."""
    value, named = pickle.loads(data)
    names = vars(sys.modules["__main__"])
    for name, thing in named.items():
        names.setdefault(name, thing)
    return value


def _unpack_evaluator(parts: _Parts) -> Evaluator:
    with registry.deferred():
        evaluator, classes = parts.load("evaluator", (None, []))
        classes = [*classes, *map(parts.load_part, parts.head["classes"])]
        recipe = parts.load("recipe")
    for cls in classes:
        registry.register(cls)
    made: Evaluator = evaluator if recipe is None else _build(*recipe)
    return made


def _unpack_rest(data: bytes | None) -> None:
    """Unpacks the functions and classes of the script that the evaluator does not use."""
    with registry.deferred():
        names = {} if data is None else _load(data)
    main = vars(sys.modules["__main__"])
    main.update({name: value for name, value in names.items() if name not in main})


def _build(cls: type, config: Any, context: Any, objective: str) -> Evaluator:
    if cls is not ComponentEvaluator:
        registry.register(cls)
    evaluator = as_evaluator(config, context)
    evaluator.objective = objective
    return evaluator


class ScriptName(str):
    """Holds the name of the script as a module, in a worker.

    A process that a trial starts afresh (``multiprocessing`` with "spawn" or "forkserver") is sent this name, and would
    run the script again because of it. Instead, it gets the payload and a name that runs nothing.

    Args:
        origin: The origin of the script.
        payload: The payload from which the worker was made.
    """

    origin: Origin
    payload: bytes | None

    def __new__(cls, origin: Origin, payload: bytes) -> ScriptName:
        name = super().__new__(cls, origin.name)
        name.origin = origin
        name.payload = payload if len(payload) <= LARGEST else None
        return name

    def __reduce__(self) -> Any:
        return arrive_again, (self.origin, self.payload)


def arrive_again(origin: Origin, payload: bytes | None) -> str:
    """Makes the script's names available in a process that a trial started. They are unpacked on first use."""
    main = stand_in(origin)
    if payload is not None:
        main.complete_by(functools.partial(unpack, payload))
    return "__main__"
