"""Computes a hash of what a function does, from the text of its source.

The hash is the same in every process for the same source, and changes when a line of the function changes. It does not
follow the functions that this one calls. If the source cannot be read (a script from standard input), the compiled code
is hashed, and this hash differs between versions of Python. The hash of the compiled code also shows that a function is
the same under another name, or that a lambda is the same in another statement.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import textwrap
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

from runlib.engine.data.canonical import NotPlain, canonical_json

__all__ = ["fingerprint_code", "fingerprint_function"]


def fingerprint_function(function: Callable[..., Any]) -> str | None:
    """Returns 32 hexadecimal digits; None for a function that was not written in Python."""
    parts = b"".join(_parts(function))
    return hashlib.blake2b(parts, digest_size=16).hexdigest() if parts else None


def fingerprint_code(function: Callable[..., Any]) -> str | None:
    """Returns such a hash of the compiled code, without its name, and of the data bound to it."""
    parts = b"".join(_parts_of_code(function))
    return hashlib.blake2b(parts, digest_size=16).hexdigest() if parts else None


def _parts_of_code(function: Any) -> Iterator[bytes]:
    if isinstance(function, functools.partial):
        inner = fingerprint_code(function.func)
        if inner is not None:
            yield inner.encode() + _data([list(function.args), function.keywords])
        return
    code = _code(function)
    if code is not None:
        yield code + _data(_closure(inspect.unwrap(function)))


def _closure(function: Any) -> list[Any]:
    """Returns the values of the variables around a function."""
    try:
        return [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
    except ValueError:  # A variable has no value yet.
        return []


def _parts(function: Any) -> Iterator[bytes]:
    if isinstance(function, functools.partial):
        inner = fingerprint_function(function.func)
        if inner is not None:
            yield inner.encode() + _data([list(function.args), function.keywords])
        return
    code = _source(function) or _code(function)
    if code is not None:
        yield code


def _data(arguments: Any) -> bytes:
    """Returns the bytes of the arguments in a partial, if they are plain data.

    Other values cannot be told apart across processes, so they give no bytes.
    """
    try:
        return canonical_json(arguments)
    except NotPlain:
        return b""


def _source(function: Any) -> bytes | None:
    target = inspect.unwrap(function)
    if not (inspect.isroutine(target) or inspect.isclass(target)):
        target = type(target)
    try:
        return b"source:" + textwrap.dedent(inspect.getsource(target)).encode("utf-8", "surrogatepass")
    except (OSError, TypeError):
        return None


def _code(function: Any) -> bytes | None:
    target = inspect.unwrap(function)
    if not inspect.isroutine(target) and not inspect.isclass(target):
        target = type(target).__call__
    code = getattr(target, "__code__", None)
    if code is None:
        return None
    defaults = [getattr(target, "__defaults__", None), getattr(target, "__kwdefaults__", None)]
    return b"code:" + _bytes_of(code) + _data(defaults)


def _bytes_of(value: Any) -> bytes:
    """Returns bytes for a code object or one of its constants, without addresses, line numbers and set order."""
    if isinstance(value, CodeType):
        parts = [value.co_code, repr(value.co_names).encode(), repr(value.co_varnames).encode()]
        return b"(" + b",".join([*parts, *map(_bytes_of, value.co_consts)]) + b")"
    if isinstance(value, frozenset):
        return b"{" + b",".join(sorted(map(_bytes_of, value))) + b"}"
    return repr(value).encode("utf-8", "surrogatepass")
