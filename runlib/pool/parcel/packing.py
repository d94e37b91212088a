"""The evaluator's way into a worker: packed by the manager, for ``unpack`` in a process that knows nothing of it.

The registered components that a worker cannot import come along, because the evaluator may build one of them by its
kind. So do the other functions and classes of the script, which a worker unpacks when somebody asks for one. Only a
manager's own workers ever read a parcel: it is no file.
"""

from __future__ import annotations

import pickle
import sys
from typing import Any

from runlib.engine import registry
from runlib.errors import PoolError
from runlib.evaluator.base import Evaluator
from runlib.pool.parcel.definitions import DefinitionPickler, definitions
from runlib.pool.parcel.faults import describe_fault
from runlib.pool.parcel.handling import note_handling
from runlib.pool.parcel.modules import is_handmade
from runlib.pool.parcel.pickler import ParcelPickler

__all__ = ["pack"]


def pack(evaluator: Evaluator) -> bytes:
    """The evaluator as bytes for ``unpack``.

    It is pickled as it is; failing that, its class goes with its config and context, and it is built anew.

    Raises:
        PoolError: Neither works; the message names what is at fault.
    """
    return _Packing(evaluator).parcel()


class _Packing:
    """A parcel in the making."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._classes = [cls for cls in registry.classes(object) if not _has_name(cls)]
        self._picklers: list[ParcelPickler] = []

    def parcel(self) -> bytes:
        parcel: dict[str, Any] = self._contents()
        parcel["handling"] = self._handling()
        parcel["rest"] = self._rest()
        parcel["at_once"] = any(pickler.looks_up for pickler in self._picklers)
        parcel["sources"] = {file: lines for each in self._picklers for file, lines in each.sources.items()}
        return pickle.dumps(parcel)

    def _contents(self) -> dict[str, Any]:
        try:
            # In one go, so that what they share stays shared.
            return {"evaluator": self._dump((self._evaluator, self._classes)), "classes": []}
        except Exception as error:
            return self._parts(error)

    def _parts(self, reason: Exception) -> dict[str, Any]:
        """One thing in the parcel cannot be pickled: leave out what need not be in it."""
        packed = [data for cls in self._classes if (data := self._try_dump(cls)) is not None]
        whole = self._try_dump((self._evaluator, []))
        if whole is not None:
            return {"evaluator": whole, "classes": packed}
        return {"recipe": self._recipe(reason), "classes": packed}

    def _recipe(self, reason: Exception) -> bytes:
        made, name = self._evaluator, type(self._evaluator).__qualname__
        fault = f"the evaluator {name} cannot be sent to the workers: {describe_fault(made, reason, _is_sendable)}"
        if not made.is_found_by_config():
            raise PoolError(fault) from reason
        try:
            given = made.__dict__.get("given_context", {})
            return self._dump((type(made), made.get_config(), given, made.objective))
        except Exception as error:
            raise PoolError(
                f"{fault}; and it cannot be built there from its config: {type(error).__name__}: {error}"
            ) from reason

    def _handling(self) -> bytes:
        handling = note_handling()
        try:
            return self._dump(handling)
        except Exception as error:
            raise PoolError(
                "how this process handles warnings, floating-point errors and log records cannot be sent to the "
                f"workers: {describe_fault(handling, error, _is_sendable)}"
            ) from error

    def _rest(self) -> bytes | None:
        """The functions and classes of the script that are not in the parcel yet, but those that cannot be sent."""
        known = {name: value for pickler in self._picklers for name, value in pickler.named.items()}
        present = set(known).union(*(pickler.filled for pickler in self._picklers))
        rest = {name: value for name, value in definitions().items() if name not in present}
        if not rest:
            return None
        data = _try(DefinitionPickler, rest, known, present)
        if data is None:
            rest = {name: value for name, value in rest.items() if _try(DefinitionPickler, value, known, present)}
            data = _try(DefinitionPickler, rest, known, present)
        if data is not None:
            self._picklers.append(data[1])
        return None if data is None else data[0]

    def _dump(self, value: Any) -> bytes:
        data, pickler = ParcelPickler.pickled(value)
        self._picklers.append(pickler)
        return data

    def _try_dump(self, value: Any) -> bytes | None:
        try:
            return self._dump(value)
        except Exception:
            return None


def _try(pickler: type[ParcelPickler], value: Any, *arguments: Any) -> tuple[bytes, ParcelPickler] | None:
    try:
        return pickler.pickled(value, *arguments)
    except Exception:
        return None


def _is_sendable(value: Any) -> bool:
    return _try(ParcelPickler, value) is not None


def _has_name(cls: type) -> bool:
    """Whether another process finds this very class by its module and name."""
    module = sys.modules.get(cls.__module__)
    if cls.__module__ == "__main__" or module is None:
        return False
    found: Any = module
    for part in cls.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is cls and not is_handmade(cls.__module__)
