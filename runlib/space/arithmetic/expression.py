"""Defines arithmetic on parameters: ``1 + Float(0, 1)`` has the data form ``["hp_add", 1, ["hp_float", ...]]``.

A space is written with ``Term`` objects, plain data, and objects of other tools for which a translator is registered.
``to_data`` turns a whole space into plain data. Terms are immutable, and equal if their data is equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from runlib.engine.data.canonical import canonical_json
from runlib.engine.data.plain import MAX_DEPTH, NotPlain, plain
from runlib.engine.data.shape import shaped
from runlib.errors import SpaceError
from runlib.space.arithmetic.formula import OPERATIONS
from runlib.space.forms.shapes import TUPLE, has_texts, pairs_of
from runlib.space.refusal import refused

__all__ = ["Expression", "Term", "is_written", "owned", "register_translator", "to_data"]

Number = int | float
Translate = Callable[[Any], Any]

_translators: list[Translate] = []


def register_translator(translate: Translate) -> Translate:
    """Registers a function that converts an object of another tool to data and returns any other value unchanged.

    The path of a ``SpaceError`` that the function raises starts at the object.
    """
    _translators.append(translate)
    return translate


def _translated(space: Any) -> Any:
    for translate in _translators:
        found = translate(space)
        if found is not space:
            return found
    return space


class Term:
    """Is the base class of objects that a space can contain and that support arithmetic."""

    __slots__ = ()

    def to_data(self) -> list[Any]:
        """Returns the data form, without a label if none was given."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Term):
            return NotImplemented
        return type(self) is type(other) and canonical_json(self.to_data()) == canonical_json(other.to_data())

    def __hash__(self) -> int:
        return hash(canonical_json(self.to_data()))

    def __add__(self, other: Term | Number) -> Expression:
        return Expression("hp_add", self, other)

    def __radd__(self, other: Number) -> Expression:
        return Expression("hp_add", other, self)

    def __sub__(self, other: Term | Number) -> Expression:
        return Expression("hp_sub", self, other)

    def __rsub__(self, other: Number) -> Expression:
        return Expression("hp_sub", other, self)

    def __mul__(self, other: Term | Number) -> Expression:
        return Expression("hp_mul", self, other)

    def __rmul__(self, other: Number) -> Expression:
        return Expression("hp_mul", other, self)

    def __truediv__(self, other: Term | Number) -> Expression:
        return Expression("hp_div", self, other)

    def __rtruediv__(self, other: Number) -> Expression:
        return Expression("hp_div", other, self)

    def __pow__(self, other: Term | Number) -> Expression:
        return Expression("hp_pow", self, other)

    def __rpow__(self, other: Number) -> Expression:
        return Expression("hp_pow", other, self)

    def __neg__(self) -> Expression:
        return Expression("hp_mul", -1, self)


class Expression(Term):
    """Combines two terms or numbers by an operation: ``["hp_add", left, right]``.

    Args:
        name: The operation: ``hp_add``, ``hp_sub``, ``hp_mul``, ``hp_div`` or ``hp_pow``.
        left: A number, a term, or a variable in text form.
        right: A number, a term, or a variable in text form.

    Raises:
        SpaceError: The operation is unknown, or an operand is not data.
    """

    __slots__ = ("left", "name", "right")
    left: Any
    name: str
    right: Any

    def __init__(self, name: str, left: Any, right: Any) -> None:
        if name not in OPERATIONS:
            raise SpaceError(f"unknown operation {name!r}; known are {', '.join(OPERATIONS)}")
        for place, value in (("name", name), ("left", owned(left, "0")), ("right", owned(right, "1"))):
            object.__setattr__(self, place, value)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"an Expression cannot be changed; make another one instead of setting {name!r}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"an Expression cannot be changed; {name!r} stays")

    def __reduce__(self) -> tuple[Any, ...]:
        return Expression, (self.name, self.left, self.right)

    def to_data(self) -> list[Any]:
        """Returns ``[name, left, right]`` as plain data."""
        return [self.name, to_data(self.left), to_data(self.right)]

    def __repr__(self) -> str:
        return f"({_shown(self.left)} {OPERATIONS[self.name][0]} {_shown(self.right)})"


def _shown(operand: Any) -> str:
    # Parentheses are needed, since -2 ** x means -(2 ** x).
    return f"({operand!r})" if isinstance(operand, int | float) and operand < 0 else repr(operand)


def to_data(space: Any, depth: int = 0) -> Any:
    """Returns a copy of a space in which terms and objects of other tools are data. Other values stay unchanged.

    Raises:
        SpaceError: An object of another tool has no counterpart. The path names its place.
    """
    if isinstance(space, Term):
        return space.to_data()
    found = _translated(space)
    if found is not space or depth > MAX_DEPTH:  # The space may contain itself. Callers that need data report it.
        return found
    if isinstance(space, dict):
        found = {key: _inner(item, key, depth) for key, item in space.items()}
        if has_texts(found):
            return found
        _refuse_no_data(found.items())
        return pairs_of(found)
    if not isinstance(space, list | tuple):
        return space
    if is_written(space):
        return _function(space, depth)
    items = _list(space, depth)
    if not isinstance(space, tuple):
        return items
    _refuse_no_data(enumerate(items))
    return [TUPLE, *items]


def _refuse_no_data(items: Iterable[tuple[Any, Any]]) -> None:
    """Refuses values that are no data while they have their original places. The form of a tuple shifts the places."""
    for place, item in items:
        try:
            plain(item)
        except NotPlain as error:
            raise error.under(str(place)) from None


def is_written(items: Any) -> bool:
    """Returns whether a list or tuple is a variable or a calculation in text form."""
    return bool(items) and isinstance(items[0], str) and items[0].startswith("hp_")


def _list(items: Any, depth: int) -> list[Any]:
    return [_inner(item, place, depth) for place, item in enumerate(items)]


def _function(items: Any, depth: int) -> list[Any]:
    """Converts a text form. A tuple that belongs to the form becomes a list, and a tuple that is a value stays one."""
    name, *rest = items
    if name in _LISTS and rest and isinstance(rest[-1], list | tuple) and not is_written(rest[-1]):
        inside = rest[-1]
        if name == "hp_pchoice":
            inside = [list(pair) if isinstance(pair, tuple) else pair for pair in inside]
        items = [*items[:-1], list(inside)]
    elif rest and isinstance(rest[-1], dict) and isinstance(rest[-1].get("options"), tuple):
        items = [*items[:-1], {**rest[-1], "options": list(rest[-1]["options"])}]
    return _list(items, depth)


_LISTS = ("hp_choice", "hp_merge", "hp_pchoice")  # The last argument of these functions is a list.


def _inner(item: Any, key: Any, depth: int) -> Any:
    try:
        return to_data(item, depth + 1)
    except NotPlain as error:
        raise error.under(str(key)) from None
    except SpaceError as error:
        raise error.under(str(key)) from error.__cause__


def owned(space: Any, path: str = "") -> Any:
    """Returns a copy of a space that other code cannot change, made of immutable terms and plain data around them.

    Raises:
        SpaceError: Something in the space is neither a term nor data.
    """
    try:
        plain(to_data(space))
    except NotPlain as error:
        raise refused(error, path) from None
    except SpaceError as error:
        raise error.under(path) from error.__cause__
    return _owned(space)


def _owned(space: Any) -> Any:
    if isinstance(space, Term):
        return space
    space = _translated(space)
    if isinstance(space, dict):
        return {key: _owned(item) for key, item in zip(shaped(dict.fromkeys(space)), space.values(), strict=True)}
    if isinstance(space, list | tuple):
        items = [_owned(item) for item in space]
        return tuple(items) if isinstance(space, tuple) and not is_written(space) else items
    return plain(space)
