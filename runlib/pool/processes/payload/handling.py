"""Carries the handling of warnings, floating-point errors and log records from the script to a worker.

Three settings are carried: the filters of ``warnings``, the values of ``np.seterr`` and ``np.seterrcall``, and the
levels of the loggers. The plain handlers of the root logger that write to stdout or stderr are carried with the levels,
because a level without a handler shows nothing. Other settings of a script (random generators, options of libraries,
other handlers) are not carried: an evaluator sets them itself.
"""

from __future__ import annotations

import logging
import re
import sys
import warnings
from dataclasses import dataclass, field
from typing import Any

from runlib.engine.extras import load

__all__ = ["Handling", "apply_handling", "note_handling"]

STREAMS = ("stdout", "stderr")
# The defaults of numpy. With these, numpy need not be imported for this.
NUMPY = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}


Name = tuple[str, str]  # module and qualified name of a class


@dataclass(frozen=True)
class Handling:
    """Holds the settings of one process.

    Attributes:
        filters: The filters of ``warnings``, in the order in which they are tried.
        errors: The result of ``np.geterr``, or None if numpy has its defaults.
        call: The function or object given to ``np.seterrcall``.
        levels: The levels of the loggers by their names. The root logger has an empty name.
        disabled: The level given to ``logging.disable``.
        handlers: The stream, level and formatter of each handler of the root logger.
    """

    filters: list[tuple[str, str, type[Warning] | Name, str, int]]
    errors: dict[str, str] | None = None
    call: Any = None
    levels: dict[str, int] = field(default_factory=dict)
    disabled: int = logging.NOTSET
    handlers: list[tuple[str, int, logging.Formatter | None]] = field(default_factory=list)


def note_handling() -> Handling:
    """Returns the settings of this process."""
    filters = [
        (action, _pattern(message), _name(category), _pattern(module), line)
        for action, message, category, module, line in warnings.filters
    ]
    errors, call = _numpy_errors()
    root = logging.getLogger()
    handlers = [found for handler in root.handlers if (found := _describe_handler(handler)) is not None]
    return Handling(filters, errors, call, _levels(), root.manager.disable, handlers)


def _pattern(found: Any) -> str:
    """Returns the text of a filter's regular expression. Python's own filters have plain names."""
    if found is None:
        return ""
    return str(found.pattern if isinstance(found, re.Pattern) else re.escape(found) + r"\Z")


def _name(category: Any) -> type[Warning] | Name:
    """Returns a category, or its name if it is from a package, so that a worker need not import the package."""
    module, name = category.__module__, category.__qualname__
    stays = module in ("builtins", "__main__") or getattr(sys.modules.get(module), name, None) is not category
    found: type[Warning] | Name = category if stays else (module, name)
    return found


class _ByName(type):
    """Is the type of categories that represent a class which is not imported yet."""

    name: Name

    def __subclasscheck__(cls, other: type) -> bool:
        return any((base.__module__, base.__qualname__) == cls.name for base in other.__mro__)


def _category(found: type[Warning] | Name) -> type:
    if isinstance(found, type):
        return found
    module, name = found
    known = getattr(sys.modules.get(module), name, None)
    if isinstance(known, type):
        return known
    return _ByName(name, (Warning,), {"__module__": module, "name": found})


def _numpy_errors() -> tuple[dict[str, str] | None, Any]:
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None, None
    errors, call = numpy.geterr(), numpy.geterrcall()
    return (None, None) if errors == NUMPY and call is None else (errors, call)


def _levels() -> dict[str, int]:
    named = {
        name: logger.level
        for name, logger in logging.root.manager.loggerDict.items()
        if isinstance(logger, logging.Logger) and logger.level != logging.NOTSET
    }
    return {"": logging.root.level, **named}


def _describe_handler(handler: logging.Handler) -> tuple[str, int, logging.Formatter | None] | None:
    if type(handler) is not logging.StreamHandler:
        return None
    names = [name for name in STREAMS if handler.stream in (getattr(sys, name), getattr(sys, f"__{name}__"))]
    return (names[0], handler.level, handler.formatter) if names else None


def apply_handling(handling: Handling) -> None:
    """Applies the settings of another process to this one."""
    warnings.resetwarnings()
    for action, message, category, module, line in reversed(handling.filters):
        warnings.filterwarnings(action, message, _category(category), module, line)  # type: ignore[arg-type]
    if handling.errors is not None:
        numpy = load("numpy")
        numpy.seterrcall(handling.call)
        numpy.seterr(**handling.errors)
    for name, level in handling.levels.items():
        logging.getLogger(name or None).setLevel(level)
    logging.disable(handling.disabled)
    _add_handlers(handling)


def _add_handlers(handling: Handling) -> None:
    root = logging.getLogger()
    present = [_describe_handler(handler) for handler in root.handlers]
    for name, level, formatter in handling.handlers:
        if any(found is not None and found[0] == name for found in present):
            continue
        handler = logging.StreamHandler(getattr(sys, name))
        handler.setLevel(level)
        handler.setFormatter(formatter)
        root.addHandler(handler)
