"""The evaluator's way into a worker: packed by the manager, unpacked in a process that knows nothing of it.

What a worker can import goes by name; what it cannot (``__main__``, notebooks, local classes, modules that were
made by hand) goes by value, with cloudpickle. The registered components of that sort come along, because the
evaluator may build one of them by its kind. Only a manager's own workers ever read this: it is no file.
"""

from __future__ import annotations

import contextlib
import pickle
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from runlib.engine import registry
from runlib.engine.extras import load
from runlib.errors import PoolError
from runlib.evaluator.base import Evaluator
from runlib.evaluator.component import ComponentEvaluator, as_evaluator

__all__ = ["arriving", "is_arriving", "pack", "unpack"]

_arriving = False


def pack(evaluator: Evaluator) -> bytes:
    """The evaluator as bytes for ``unpack``.

    It is pickled as it is; failing that, its class goes with its config and context, and it is built anew.

    Raises:
        PoolError: Neither works; the message names the attribute at fault.
    """
    classes = [cls for cls in registry.classes(object) if not _has_name(cls)]
    with _by_value([type(evaluator), *classes, *_callables(evaluator)]):
        try:
            # In one go, so that they share the global variables of their module.
            return _dump({"evaluator": evaluator, "classes": classes})
        except Exception as error:
            return _pack_parts(evaluator, classes, error)


def _pack_parts(evaluator: Evaluator, classes: list[type], reason: Exception) -> bytes:
    """One thing in the parcel cannot be pickled: leave out what need not be in it."""
    packed = [data for cls in classes if (data := _try_dump(cls)) is not None]
    whole = _try_dump(evaluator)
    if whole is None:
        return _dump({"recipe": _recipe(evaluator, reason), "packed": packed})
    return _dump({"whole": whole, "packed": packed})


def _recipe(evaluator: Evaluator, reason: Exception) -> bytes:
    try:
        config = evaluator.get_config()
        return _dump((type(evaluator), config, evaluator.__dict__.get("given_context", {}), evaluator.objective))
    except Exception as error:
        name = type(evaluator).__qualname__
        raise PoolError(
            f"the evaluator {name} cannot be sent to the workers: {_culprit(evaluator, reason)}, and it cannot "
            f"be built there from its config: {type(error).__name__}: {error}"
        ) from reason


def _culprit(evaluator: Evaluator, reason: Exception) -> str:
    for name, value in vars(evaluator).items():
        try:
            _dump(value)
        except Exception as error:
            return f"its attribute {name!r} of type {type(value).__name__} cannot be pickled ({error})"
    return f"it cannot be pickled ({type(reason).__name__}: {reason})"


def _dump(value: Any) -> bytes:
    data: bytes = load("cloudpickle").dumps(value)
    return data


def _try_dump(value: Any) -> bytes | None:
    try:
        return _dump(value)
    except Exception:
        return None


def _callables(evaluator: Evaluator) -> list[Any]:
    return [value for value in vars(evaluator).values() if callable(value)]


def _has_name(cls: type) -> bool:
    """Whether another process finds this very class by its module and name."""
    module = sys.modules.get(cls.__module__)
    if cls.__module__ == "__main__" or module is None or not _importable(module):
        return False
    found: Any = module
    for part in cls.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is cls


def _importable(module: ModuleType) -> bool:
    name = module.__name__
    if name.startswith("runlib."):
        return True
    parent, _, _ = name.rpartition(".")
    if parent and parent not in sys.modules:
        return False
    path = getattr(sys.modules[parent], "__path__", None) if parent else None
    finders = [finder for finder in sys.meta_path if hasattr(finder, "find_spec")]
    return any(finder.find_spec(name, path) is not None for finder in finders)


@contextlib.contextmanager
def _by_value(things: list[Any]) -> Iterator[None]:
    """In here, what comes from modules that a worker cannot import is pickled by value."""
    cloudpickle = load("cloudpickle")
    names = {getattr(thing, "__module__", None) for thing in things}
    modules = [sys.modules[name] for name in names if name in sys.modules and name != "__main__"]
    hidden = [
        m for m in modules if not _importable(m) and m.__name__ not in cloudpickle.list_registry_pickle_by_value()
    ]
    for module in hidden:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in hidden:
            cloudpickle.unregister_pickle_by_value(module)


@contextlib.contextmanager
def arriving() -> Iterator[None]:
    """A worker imports and builds in here; a run that this starts would have workers that do the same, without end."""
    global _arriving
    _arriving = True
    try:
        yield
    finally:
        _arriving = False


def is_arriving() -> bool:
    """Whether this is a worker that is still building its evaluator."""
    return _arriving


def unpack(data: bytes) -> Evaluator:
    """The evaluator in a parcel; the components that came along are registered.

    Raises:
        Exception: Whatever the code in it raises.
    """
    with registry.deferred():
        parcel = pickle.loads(data)
        classes = [*parcel.get("classes", []), *map(pickle.loads, parcel.get("packed", []))]
        recipe = pickle.loads(parcel["recipe"]) if "recipe" in parcel else None
        whole = pickle.loads(parcel["whole"]) if "whole" in parcel else parcel.get("evaluator")
    for cls in classes:
        registry.register(cls)
        _make_findable(cls)
    evaluator: Evaluator = whole if recipe is None else _build(*recipe)
    return evaluator


def _build(cls: type, config: Any, context: Any, objective: str) -> Evaluator:
    if cls is not ComponentEvaluator:
        registry.register(cls)
    evaluator = as_evaluator(config, context)
    evaluator.objective = objective
    return evaluator


def _make_findable(cls: type) -> None:
    """So that objects of a class of the user's script can be pickled by name within the worker (``joblib.dump``)."""
    main = sys.modules["__main__"]
    if cls.__module__ == "__main__" and "." not in cls.__qualname__ and not hasattr(main, cls.__name__):
        setattr(main, cls.__name__, cls)
