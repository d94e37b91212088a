"""Which value of a payload cannot be unpickled: its type is found in the worker, its name in the manager.

The worker knows the type alone, since a pickle holds no names of variables. The manager has the evaluator, and looks
for the nearest value of that type. Nothing is unpickled in the manager, where that might change the script.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections import deque
from types import FunctionType, ModuleType
from typing import Any, ClassVar

from runlib.pool.processes.payload.faults import Step, describe_way, parts_of, type_name
from runlib.pool.processes.payload.modules import is_handmade

__all__ = ["describe_failure", "type_that_fails"]

MOST = 20_000  # values that are looked at; an evaluator may hold a whole data set


def type_that_fails(data: bytes | memoryview) -> str | None:
    """The full name of the type whose value fails to be unpickled; None if none does, or if it has no name."""
    unpickler = _Unpickler(io.BytesIO(data))
    try:
        unpickler.load()
    except Exception:  # whatever the class raises: it is being looked for
        return unpickler.at_work
    return None


class _Unpickler(pickle._Unpickler):
    """Python's own unpickler in Python, which notes the type of what it makes or fills."""

    dispatch: ClassVar[dict[int, Any]] = dict(pickle._Unpickler.dispatch)

    stack: list[Any]

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.at_work: str | None = None

    def note_call(self, step: Any) -> None:
        """Note the type that is called, then take the step."""
        self._take(self.stack[-2], step)

    def note_state(self, step: Any) -> None:
        """Note the type of what is given its state, then take the step."""
        self._take(type(self.stack[-2]), step)

    def _take(self, cls: Any, step: Any) -> None:
        self.at_work = type_name(cls) if isinstance(cls, type) else None
        step(self)
        self.at_work = None


def _noting(step: Any, note: Any) -> Any:
    return lambda unpickler: note(unpickler, step)


for _code in (pickle.REDUCE, pickle.NEWOBJ):
    _Unpickler.dispatch[_code[0]] = _noting(_Unpickler.dispatch[_code[0]], _Unpickler.note_call)
_Unpickler.dispatch[pickle.BUILD[0]] = _noting(_Unpickler.dispatch[pickle.BUILD[0]], _Unpickler.note_state)


def describe_failure(thing: Any, name: str, reason: str) -> str | None:
    """Which part of ``thing`` is the value of the type with this full name, and what to do; None if none is found.

    Args:
        thing: What was sent.
        name: What ``type_that_fails`` gave.
        reason: What unpickling it raised.
    """
    steps = _find(thing, name)
    return None if steps is None else describe_way(steps, f"cannot be unpickled there ({reason})")


def _find(thing: Any, name: str) -> list[Step] | None:
    """The shortest way to a value of that type."""
    waiting: deque[tuple[Any, list[Step]]] = deque([(thing, [])])
    seen = {id(thing)}
    while waiting and len(seen) < MOST:
        value, way = waiting.popleft()
        for label, part in parts_of(value):
            if type_name(type(part)) == name:
                return [*way, (label, part)]
            if id(part) not in seen and not _is_imported(part):
                seen.add(id(part))
                waiting.append((part, [*way, (label, part)]))
    return None


def _is_imported(part: Any) -> bool:
    """Whether a worker gets it by importing it, so that nothing in it is unpickled."""
    if isinstance(part, ModuleType):
        name = part.__name__
    elif isinstance(part, FunctionType | type):
        name = part.__module__ or "builtins"
    else:
        return False
    return name != "__main__" and name in sys.modules and not is_handmade(name)
