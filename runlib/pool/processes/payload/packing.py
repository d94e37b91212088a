"""Packs an evaluator in the manager, so that ``unpack`` can rebuild it in a process that knows nothing of it.

The registered components that a worker cannot import are packed too, because the evaluator may build one of them by its
kind. So are the other functions and classes of the script, which a worker unpacks when one is asked for. Only a
manager's own workers ever read a payload, because it is never written to a file.
"""

from __future__ import annotations

import functools
import io
import pickle
import sys
from collections.abc import Callable
from typing import IO, Any, cast

from runlib.engine import registry
from runlib.errors import PoolError
from runlib.evaluator.base import Evaluator
from runlib.pool.processes.payload.definitions import DefinitionPickler, definitions
from runlib.pool.processes.payload.faults import describe_fault
from runlib.pool.processes.payload.handling import note_handling
from runlib.pool.processes.payload.modules import is_handmade
from runlib.pool.processes.payload.names import find_script
from runlib.pool.processes.payload.pickler import PayloadPickler
from runlib.pool.processes.payload.unpacking import FOOT

__all__ = ["pack"]

Make = Callable[[IO[bytes], dict[str, Any]], PayloadPickler]
Part = tuple[int, int]  # begin and end of a part


def pack(evaluator: Evaluator) -> bytes:
    """Returns the evaluator as bytes for ``unpack``.

    It is pickled as it is. If that fails, its class is sent with its config and context, and the worker builds it anew.

    Raises:
        PoolError: Neither works. The message names what is at fault.
    """
    return _Packing(evaluator).payload()


class _Packing:
    """Builds a payload: its parts follow one after the other, so that none is copied, and their list comes last."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._script = find_script(evaluator)
        self._classes = [cls for cls in registry.loaded_classes() if not _has_name(cls)]
        self._file = io.BytesIO()
        self._picklers: list[PayloadPickler] = []

    def payload(self) -> bytes:
        head: dict[str, Any] = self._contents()
        head["handling"] = self._handling()
        head["rest"] = self._rest()
        head["at_once"] = any(pickler.looks_up for pickler in self._picklers)
        head["sources"] = {file: lines for each in self._picklers for file, lines in each.sources.items()}
        written = self._file.write(pickle.dumps(head))
        self._file.write(written.to_bytes(FOOT))
        return self._file.getvalue()

    def _contents(self) -> dict[str, Any]:
        try:
            # They are pickled together, so that the objects that they share stay shared.
            return {"evaluator": self._dump((self._evaluator, self._classes)), "classes": []}
        except Exception as error:
            return self._parts(error)

    def _parts(self, reason: Exception) -> dict[str, Any]:
        """Packs the parts separately and leaves out what is not needed, because a part cannot be pickled."""
        packed = [part for cls in self._classes if (part := self._try_dump(cls)) is not None]
        whole = self._try_dump((self._evaluator, []))
        if whole is not None:
            return {"evaluator": whole, "classes": packed}
        return {"recipe": self._recipe(reason), "classes": packed}

    def _recipe(self, reason: Exception) -> Part:
        made, name = self._evaluator, type(self._evaluator).__qualname__
        fault = f"the evaluator {name} cannot be sent to the workers: {describe_fault(made, reason, self._is_sendable)}"
        if not made.is_found_by_config():
            raise PoolError(fault) from reason
        try:
            given = made.__dict__.get("given_context", {})
            return self._dump((type(made), made.get_config(), given, made.objective))
        except Exception as error:
            raise PoolError(
                f"{fault}; and it cannot be built there from its config: {type(error).__name__}: {error}"
            ) from reason

    def _handling(self) -> Part:
        handling = note_handling()
        try:
            return self._dump(handling)
        except Exception as error:
            raise PoolError(
                "how this process handles warnings, floating-point errors and log records cannot be sent to the "
                f"workers: {describe_fault(handling, error, self._is_sendable)}"
            ) from error

    def _rest(self) -> Part | None:
        """Packs the functions and classes of the script that are not in the payload yet and can be sent."""
        known = {name: value for pickler in self._picklers for name, value in pickler.named.items()}
        present = set(known).union(*(pickler.filled for pickler in self._picklers))
        rest = {name: value for name, value in definitions(self._script).items() if name not in present}
        make = functools.partial(DefinitionPickler, known=known, present=present)
        part = self._try_dump(rest, make) if rest else None
        if rest and part is None:
            part = self._try_dump({name: value for name, value in rest.items() if self._is_sendable(value, make)}, make)
        return part

    def _dump(self, value: Any, make: Make = PayloadPickler) -> Part:
        begin, pickler = self._file.tell(), make(self._file, self._script)
        try:
            pickler.put(value)
        except BaseException:
            self._file.seek(begin)
            self._file.truncate()
            raise
        self._picklers.append(pickler)
        return begin, self._file.tell()

    def _try_dump(self, value: Any, make: Make = PayloadPickler) -> Part | None:
        try:
            return self._dump(value, make)
        except Exception:
            return None

    def _is_sendable(self, value: Any, make: Make = PayloadPickler) -> bool:
        try:
            make(cast(IO[bytes], _Nowhere()), self._script).put(value)
        except Exception:
            return False
        return True


class _Nowhere(io.RawIOBase):
    """Discards what is written to it."""

    def write(self, data: Any) -> int:
        return len(data)


def _has_name(cls: type) -> bool:
    """Returns whether another process finds this very class by its module and name."""
    module = sys.modules.get(cls.__module__)
    if cls.__module__ == "__main__" or module is None:
        return False
    found: Any = module
    for part in cls.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is cls and not is_handmade(cls.__module__)
