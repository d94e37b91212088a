"""A hash of what a function does, as far as that can be read: the text of its source.

It is the same in every process for the same source, and another one when a line of the function changed. It does
not follow what the function calls. Where the source cannot be read (a script from standard input), its compiled
code is hashed, which is another one under another version of Python. That hash alone tells that a function is the
same under another name, or that a lambda is which stands in another statement.
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
    """32 hexadecimal digits; None for what was not written in Python."""
    parts = b"".join(_parts(function))
    return hashlib.blake2b(parts, digest_size=16).hexdigest() if parts else None


def fingerprint_code(function: Callable[..., Any]) -> str | None:
    """The same of what the function does alone: its compiled code, without its name, and the data bound to it."""
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
    """The values of the variables around a function."""
    try:
        return [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
    except ValueError:  # one has none yet
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
    """What is bound in a partial, if it is plain data; other things cannot be told apart across processes."""
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
    """Bytes for a code object or one of its constants, free of addresses, line numbers and the order of sets."""
    if isinstance(value, CodeType):
        parts = [value.co_code, repr(value.co_names).encode(), repr(value.co_varnames).encode()]
        return b"(" + b",".join([*parts, *map(_bytes_of, value.co_consts)]) + b")"
    if isinstance(value, frozenset):
        return b"{" + b",".join(sorted(map(_bytes_of, value))) + b"}"
    return repr(value).encode("utf-8", "surrogatepass")
