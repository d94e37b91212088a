"""Finds what an evaluator reads from the script that defines it: the globals of its functions, and theirs in turn.

Each global has a short text that identifies its value: for plain data a hash, for code its name, for anything else the
type and size. The text is the same in every process for the same value. Globals that the evaluator itself changes are
left out.
"""

from __future__ import annotations

import builtins
import dis
import functools
import inspect
import os
from collections.abc import Collection, Iterator, Mapping
from types import CodeType, FunctionType, MethodType
from typing import Any

from runlib.engine.code.guarded import Guarded
from runlib.evaluator.base import Evaluator
from runlib.evaluator.component import ComponentEvaluator
from runlib.evaluator.functions.function import FunctionEvaluator
from runlib.evaluator.functions.value_text import Teller

__all__ = ["Reading"]

MAIN = "__main__"
MOST = 1000  # names, or pieces of code, that are looked at
LONGEST = 200  # characters of a name
_WRITING = ("STORE_GLOBAL", "DELETE_GLOBAL")


class Reading:
    """Finds what one evaluator reads.

    Args:
        evaluator: The evaluator with the functions to look at.
        anywhere: Whether to look also at functions of a module that was imported, and not only at those of
            ``__main__``.

    Attributes:
        space: The globals of the script by name; empty if the evaluator is not from one.
        names: The names that are read, whether they exist or not.
        functions: The bare names of the functions that read them.
    """

    def __init__(self, evaluator: Evaluator, *, anywhere: bool = False) -> None:
        self._anywhere = anywhere
        self.space: Mapping[str, Any] = {}
        self.names: dict[str, None] = {}
        self.functions: set[str] = set()
        self._written: set[str] = set()
        self._follow(_target(evaluator))

    @property
    def file(self) -> str | None:
        """Returns the file of the script; None if there is none."""
        file = self.space.get("__file__")
        return file if isinstance(file, str) and os.path.isfile(file) else None

    @functools.cached_property
    def guarded(self) -> Guarded:
        """Returns what the file of the script changes, and in which parts."""
        return Guarded.of(self.file)

    def set_aside(self) -> list[str]:
        """Returns the names that are changed under the guard of the script."""
        aside = self.guarded.set_aside(self.functions)
        return [name for name in self.names if name in aside]

    def missing(self) -> list[str]:
        """Returns the names that do not exist, and that the evaluator does not set itself."""
        return [name for name in self.names if name not in self.space and name not in self._written]

    def noted(self) -> dict[str, Any] | None:
        """Returns what a session notes: the text ``told`` of each name, and the ``guarded`` names; None for nothing."""
        guarded, own = self.set_aside(), self._own
        names = [name for name in self.names if name in self.space and name not in own]
        tell, whole = self._teller().tell, self.file is not None
        told = {name: _text(tell(self.space[name], whole=whole, inside=name in guarded)) for name in names}
        if not told:
            return None
        kept = [name for name in guarded if name in told]
        return {"told": told, **({"guarded": kept} if kept else {})}

    def changed(self, told: Mapping[str, str], guarded: Collection[str]) -> list[str]:
        """Returns the names with other values than those that were noted, and those that do not exist."""
        tell, own = self._teller().tell, self._own
        changed = []
        for name in [name for name in self.names if name in told and name not in own]:
            value = self.space.get(name, self)  # No value of the script has the text of this object.
            now = [_text(tell(value, whole=whole, inside=name in guarded)) for whole in (True, False)]
            changed += [] if told[name] in now else [name]
        return changed

    @property
    def _own(self) -> frozenset[str]:
        """Returns the names that the evaluator changes itself."""
        return self.guarded.changed_by(self.functions) | self._written

    def _teller(self) -> Teller:
        home = os.path.dirname(os.path.realpath(self.file)) if self.file else ""
        return Teller(str(self.space.get("__name__")), home)

    def _follow(self, target: Any) -> None:
        waiting = [target]
        seen: set[int] = set()
        while waiting and len(seen) < MOST and len(self.names) < MOST:
            value = waiting.pop()
            if id(value) in seen:
                continue
            seen.add(id(value))
            for function in _functions_of(value):
                waiting += self._take(function)

    def _take(self, function: FunctionType) -> list[Any]:
        """Notes what a function of the script reads, and returns the values to follow from there."""
        space = function.__globals__
        is_meant = space is self.space if self.space else self._anywhere or space.get("__name__") == MAIN
        if not is_meant:
            return []
        self.space = space
        read: dict[str, None] = {}
        for code in _codes(function.__code__):
            self.functions.add(code.co_name)
            self._written.update(name for name, is_read in _global_names(code) if not is_read)
            read.update((name, None) for name, is_read in _global_names(code) if is_read and _is_noted(name, space))
        self.names.update(read)
        cells = map(_content, function.__closure__ or ())
        return [value for value in (*cells, *(space.get(name) for name in read)) if self._leads_on(value)]

    def _leads_on(self, value: Any) -> bool:
        """Returns whether there may be code of the script behind a value."""
        if isinstance(value, FunctionType | MethodType | functools.partial):
            return True
        cls = value if isinstance(value, type) else type(value)
        is_own = cls.__module__ == self.space.get("__name__")
        return is_own or inspect.getattr_static(value, "__wrapped__", None) is not None


def _text(told: str) -> str:
    """Returns a text that a tape can hold, whatever names a user gives to classes."""
    return told.encode("utf-8", "backslashreplace").decode()


def _target(evaluator: Evaluator) -> Any:
    if isinstance(evaluator, FunctionEvaluator):
        return evaluator.target
    return evaluator.component if isinstance(evaluator, ComponentEvaluator) else evaluator


def _functions_of(value: Any) -> Iterator[FunctionType]:
    """Yields the functions that run when a value is called."""
    if isinstance(value, functools.partial):
        yield from _functions_of(value.func)
    elif isinstance(value, MethodType):
        yield from _functions_of(value.__func__)
        yield from _functions_of(type(value.__self__))
    elif isinstance(value, type):
        yield from _methods(value)
    elif isinstance(value, FunctionType):
        yield value
        if inspect.unwrap(value) is not value:
            yield from _functions_of(inspect.unwrap(value))
    elif (inner := inspect.getattr_static(value, "__wrapped__", None)) is not None:  # such as functools.cache
        yield from _functions_of(inner)
    else:
        yield from _methods(type(value))


def _methods(cls: type) -> Iterator[FunctionType]:
    for base in cls.__mro__:
        if base.__module__ == "builtins" or base.__module__.startswith("runlib."):
            continue
        for value in vars(base).values():
            inner = getattr(value, "__func__", getattr(value, "fget", getattr(value, "func", value)))
            if isinstance(inner, FunctionType):
                yield inner


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # It has no value yet.
        return None


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


@functools.lru_cache(maxsize=1000)
def _global_names(code: CodeType) -> tuple[tuple[str, bool], ...]:
    """Returns the globals that code names, each with whether the code reads it."""
    steps = [(step.opname, str(step.argval)) for step in dis.get_instructions(code)]
    own = {name for operation, name in steps if operation == "STORE_NAME"}  # in the body of a class
    read = {(name, True) for operation, name in steps if operation in ("LOAD_GLOBAL", "LOAD_NAME") and name not in own}
    return tuple(sorted(read | {(name, False) for operation, name in steps if operation in _WRITING}))


def _is_noted(name: str, space: Mapping[str, Any]) -> bool:
    is_own = name.startswith("__") and name.endswith("__")
    return not is_own and len(name) <= LONGEST and (name in space or not hasattr(builtins, name))
