"""Makes a short text that tells a value apart from others, the same in every process.

Plain data is hashed, and so are sets, arrays and simple objects of it, as long as they are small. For code the text is
its name. For anything else it is the type and the size. A path below the folder of the script is relative to that
folder, because the folder may be moved.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

from runlib.engine.data.canonical import canonical_json

__all__ = ["Teller"]

MOST = 10_000  # items in all
LARGEST = 100_000  # characters or bytes of one item
LONGEST = 200  # characters of the text
DEEPEST = 50
_BARE = (bool, int, float, type(None))


class _TooMuch(Exception):
    """States that a value is not small, or not made of data."""


class Teller:
    """Makes the texts for values of one module.

    Args:
        module: The name of the module, which is left out of the names of its classes.
        home: The folder of its file; empty if it has none.
    """

    def __init__(self, module: str, home: str = "") -> None:
        self._module, self._home = module, home

    def tell(self, value: Any, *, whole: bool = True, inside: bool = False) -> str:
        """Returns the text for a value.

        Args:
            value: The value, for example of a global variable.
            whole: Whether to hash values that can be changed in part.
            inside: Whether to include the values in a module.
        """
        if isinstance(value, FunctionType):
            return f"function {value.__qualname__}"[:LONGEST]
        if isinstance(value, ModuleType):
            return self._code(f"module {value.__name__}", value if inside else None)
        if isinstance(value, type):
            return self._code(f"class {value.__qualname__}", value if value.__module__ == self._module else None)
        is_changeable = not isinstance(value, (*_BARE, str, bytes, tuple, frozenset, os.PathLike))
        if is_changeable and not whole:
            return self._kind(value)
        return self._hash(value) or self._kind(value)

    def _hash(self, value: Any) -> str | None:
        try:
            told = canonical_json(_Reader(self._home, self._module).read(value))
        # It is too much or no data, or a user's class cannot be read.
        except Exception:
            return None
        return hashlib.blake2b(told, digest_size=8).hexdigest()

    def _code(self, name: str, holder: Any) -> str:
        """Returns the name of a module or class, and a hash of its data if that counts."""
        held = (
            {} if holder is None else {key: self._hash(value) for key, value in vars(holder).items() if _is_plain(key)}
        )
        told = self._hash({key: value for key, value in held.items() if value is not None}) if held else None
        return f"{name[:LONGEST]}{'' if told is None else f' {told}'}"

    def _kind(self, value: Any) -> str:
        """Returns the type, and the size if it is known at no cost."""
        cls = type(value)
        name = f"{cls.__module__}.{cls.__qualname__}".removeprefix("builtins.").removeprefix(f"{self._module}.")
        try:
            has_shape = getattr(cls, "shape", None) is not None
            size = tuple(value.shape) if has_shape else len(value) if hasattr(cls, "__len__") else None
        except Exception:  # A user's object may have no length yet.
            size = None
        return f"{name}{'' if size is None else f' {size}'}"[:LONGEST]


def _is_plain(name: str) -> bool:
    return not (name.startswith("__") and name.endswith("__"))


class _Reader:
    """Makes plain data of a value, as far as it is small."""

    def __init__(self, home: str, module: str) -> None:
        self._home, self._module = home, module
        self._left = MOST

    def read(self, value: Any, depth: int = 0) -> Any:
        self._left -= 1
        if self._left < 0 or depth > DEEPEST:
            raise _TooMuch
        if type(value) in _BARE:
            return value
        if isinstance(value, str | os.PathLike):
            return self._text(os.fspath(value))
        if isinstance(value, bytes | bytearray):
            return {"bytes": self._short(bytes(value)).hex()}
        return self._parts(value, depth + 1)

    def _parts(self, value: Any, depth: int) -> Any:
        if isinstance(value, dict):
            self._check(value)
            pairs = [[self.read(key, depth), self.read(item, depth)] for key, item in value.items()]
            return {"mapping": sorted(pairs, key=canonical_json)}
        if isinstance(value, list | tuple | range):
            self._check(value)
            return [self.read(item, depth) for item in value]
        if isinstance(value, set | frozenset):
            self._check(value)
            return {"set": sorted((self.read(item, depth) for item in value), key=canonical_json)}
        return self._object(value, depth)

    def _object(self, value: Any, depth: int) -> Any:
        cls = type(value)
        if isinstance(value, SimpleNamespace) or _is_namespace(value) or dataclasses.is_dataclass(value):
            return {cls.__qualname__: self.read(dict(getattr(value, "__dict__", {})), depth)}
        if cls.__module__ == "numpy" and hasattr(value, "tolist"):
            if getattr(value, "size", MOST) >= MOST or value.dtype.hasobject:
                raise _TooMuch
            return {str(value.dtype): self.read(value.tolist(), depth)}
        if cls.__module__ == self._module and type(getattr(value, "__dict__", None)) is dict:
            return {cls.__qualname__: self.read(value.__dict__, depth)}
        raise _TooMuch

    def _check(self, value: Any) -> None:
        if len(value) > self._left:
            raise _TooMuch

    def _short(self, value: Any) -> Any:
        if len(value) > LARGEST:
            raise _TooMuch
        return value

    def _text(self, text: str | bytes) -> Any:
        if isinstance(text, bytes):
            return {"bytes": self._short(text).hex()}
        whole = str(self._short(str(text)))
        if self._home and (whole == self._home or whole.startswith(f"{self._home}{os.sep}")):
            return {"home": whole.removeprefix(self._home)}
        return whole if whole.isascii() else {"text": whole.encode("utf-8", "surrogatepass").hex()}


def _is_namespace(value: Any) -> bool:
    """Returns whether a value is a namespace of ``argparse``, without importing that module."""
    return any(cls.__module__ == "argparse" and cls.__name__ == "Namespace" for cls in type(value).__mro__)
