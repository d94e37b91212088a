"""Finds the value of a payload that cannot be unpickled: the worker finds its type, and the manager finds its name.

The worker knows only the type, since a pickle holds no names of variables. The manager has the evaluator, and looks for
the nearest value of that type. It unpickles nothing, because that might change the script.
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

MOST = 20_000  # values that are checked; an evaluator may hold a whole data set


def type_that_fails(data: bytes | memoryview) -> str | None:
    """Returns the full name of the type whose value cannot be unpickled, or None if there is none or it has no name."""
    unpickler = _Unpickler(io.BytesIO(data))
    try:
        unpickler.load()
    except Exception:  # the class may raise anything, and its failure is what is looked for
        return unpickler.at_work
    return None


class _Unpickler(pickle._Unpickler):
    """Unpickles in pure Python, and notes the type of the object that it makes or fills."""

    dispatch: ClassVar[dict[int, Any]] = dict(pickle._Unpickler.dispatch)

    stack: list[Any]

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.at_work: str | None = None

    def note_call(self, step: Any) -> None:
        """Notes the type that is called, then performs the step."""
        self._take(self.stack[-2], step)

    def note_state(self, step: Any) -> None:
        """Notes the type of the object that is given its state, then performs the step."""
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
    """Returns which part of ``thing`` is the value of the given type and what to do, or None if there is no such part.

    Args:
        thing: The object that was sent.
        name: The full name of the type, from ``type_that_fails``.
        reason: The text of the error that unpickling raised.
    """
    steps = _find(thing, name)
    return None if steps is None else describe_way(steps, f"cannot be unpickled there ({reason})")


def _find(thing: Any, name: str) -> list[Step] | None:
    """Returns the shortest path to a value of that type."""
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
    """Returns whether a worker gets an object by an import, so that none of its parts is unpickled."""
    if isinstance(part, ModuleType):
        name = part.__name__
    elif isinstance(part, FunctionType | type):
        name = part.__module__ or "builtins"
    else:
        return False
    return name != "__main__" and name in sys.modules and not is_handmade(name)
