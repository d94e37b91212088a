"""Converts what an evaluator returned to plain data, as far as possible.

A value is data, becomes data (see ``foreign.py``), is bytes, or is left out and named. So a value beside the loss never
costs the loss. A list keeps null in the place of a value that is left out, and a dict leaves out the key. A key that is
a number or a truth value becomes its text. Bytes are collected separately, because they become a file of the trial.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from types import CoroutineType
from typing import Any

from runlib.engine.code.classes import class_name
from runlib.engine.data.native import is_column
from runlib.engine.data.plain import MAX_DEPTH, NotPlain, plain
from runlib.evaluator.foreign import simpler

__all__ = ["Conversion", "close_awaitable"]

NAMED = 20  # values left out that are named; the rest is counted
FILES = 100  # files of one result
STEPS = 10  # conversions from a value of some library to data
_LONGEST = 200
_AS_THEY_ARE = frozenset({bool, int, float, str, type(None)})

Place = tuple[str | int, ...]


class Conversion:
    """Converts one result.

    Attributes:
        files: The bytes in the result, each with its place; an empty text replaces them there.
    """

    def __init__(self) -> None:
        self.files: list[tuple[Place, bytes]] = []
        self._dropped: dict[str, str] = {}
        self._more = 0
        self._within: set[int] = set()  # values around the current one, to notice a cycle

    @property
    def dropped(self) -> dict[str, str]:
        """Returns the reason for each value that was left out, by its place."""
        return {**self._dropped, **({"...": f"and {self._more} more"} if self._more else {})}

    def drop(self, place: Place, reason: str) -> None:
        """Notes that a value is left out."""
        name = _cut(".".join(map(str, place)))
        if len(self._dropped) < NAMED and name not in self._dropped:
            self._dropped[name] = _cut(reason)
        else:
            self._more += 1

    def mapping(self, value: Mapping[Any, Any], place: Place = ()) -> dict[str, Any]:
        """Returns a dict without the values that cannot be data."""
        result: dict[str, Any] = {}
        for key, item in value.items():
            try:
                name = _key(key)
                if name in result:
                    raise NotPlain("another key has the same text")
                result[name] = self.value(item, (*place, name))
            except NotPlain as error:
                close_awaitable(item)
                self.drop((*place, _shown(key)), _reason(error))
        return result

    def value(self, value: Any, place: Place = (), steps: int = 0) -> Any:
        """Returns any value as data; ``steps`` counts the conversions that led to it.

        Raises:
            NotPlain: The value itself is no data; wrong values inside it are left out.
        """
        if type(value) in _AS_THEY_ARE:
            return plain(value)
        if len(place) > MAX_DEPTH or steps > STEPS or id(value) in self._within:
            raise NotPlain(f"is nested deeper than {MAX_DEPTH} levels, or contains itself")
        self._within.add(id(value))
        try:
            return self._inner(value, place, steps)
        except BaseException as error:
            raise _of_reading(error) from None
        finally:
            self._within.discard(id(value))

    def _inner(self, value: Any, place: Place, steps: int) -> Any:
        if isinstance(value, bytes | bytearray | memoryview):
            return self._aside(bytes(value), place)
        if isinstance(value, Mapping):
            return self.mapping(value, place)
        if isinstance(value, list | tuple):
            return self._sequence(value, place)
        if not is_column(value):  # A column may have an index, which a list would lose.
            with contextlib.suppress(NotPlain):
                return plain(value)  # a scalar: a subclass of int, float or str, or one of numpy
        found = simpler(value)
        return plain(value) if found is value else self.value(found, place, steps + 1)

    def _sequence(self, value: Iterable[Any], place: Place) -> list[Any]:
        result: list[Any] = []
        for index, item in enumerate(value):
            try:
                result.append(self.value(item, (*place, index)))
            except NotPlain as error:
                close_awaitable(item)
                self.drop((*place, index), _reason(error))
                result.append(None)
        return result

    def _aside(self, data: bytes, place: Place) -> str:
        if len(self.files) >= FILES:
            raise NotPlain(f"is more than the {FILES} files of one result; put them together")
        self.files.append((place, data))
        return ""


def close_awaitable(value: Any) -> None:
    """Closes a coroutine that nobody will await, so that Python does not warn of it later."""
    if type(value) is CoroutineType:
        value.close()


def _of_reading(error: BaseException) -> NotPlain:
    """Returns the error for anything that a user's class raises when it is read, including SystemExit."""
    if isinstance(error, NotPlain):
        return error
    return NotPlain(f"could not be read: {class_name(type(error))}: {_shown(error)}")


def _key(key: Any) -> str:
    """Returns the text of a key.

    Raises:
        NotPlain: The key has no text from which it could be read again.
    """
    try:
        found = key if isinstance(key, str) else _simple(key)
    except BaseException as error:
        raise _of_reading(error) from None
    if isinstance(found, str):
        return str(plain(found))
    if found is None or isinstance(found, bool | int | float):
        return str(found)
    raise NotPlain(f"a key must be text or a number, got one of type {class_name(type(key))}")


def _simple(key: Any) -> Any:
    try:
        return plain(key)
    except NotPlain:
        return simpler(key)


def _reason(error: NotPlain) -> str:
    return f"{error.path}: {error.reason}" if error.path else error.reason


def _shown(key: Any) -> str:
    try:
        return str(key).encode("utf-8", "backslashreplace").decode()
    except BaseException:  # A user's failing str() must not hide the message.
        return f"a {class_name(type(key))}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
