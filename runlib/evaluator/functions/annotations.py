"""Reads the annotation of a parameter: whether it means a dict, or a single value.

Annotations are objects or text, and both may be nested: ``dict | None``, ``Optional[Mapping[str, float]]``, ``"dict"``,
an alias, a ``TypedDict``. Text that cannot be evaluated is read by the names in it.
"""

from __future__ import annotations

import ast
import inspect
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["is_dict", "is_single"]

_SINGLES = frozenset({"int", "float", "str", "bool", "complex"})
_DICTS = frozenset({"dict", "Mapping", "MutableMapping", "Dict", "OrderedDict", "defaultdict", "DefaultDict"})
_CHOICES = frozenset({"Optional", "Union"})
_NOTHING = frozenset({"None", "NoneType"})


def is_dict(annotation: Any) -> bool:
    """Returns whether a dict is among what the parameter takes."""
    return any(_is_dict(leaf) for leaf in _leaves(annotation))


def is_single(annotation: Any) -> bool:
    """Returns whether the parameter takes only a number, a text or a truth value."""
    names = {_name(leaf) for leaf in _leaves(annotation)} - _NOTHING
    return bool(names) and names <= _SINGLES


def _is_dict(leaf: Any) -> bool:
    if isinstance(leaf, type):
        return issubclass(leaf, Mapping)
    return _name(leaf) in _DICTS


def _name(leaf: Any) -> str:
    return leaf if isinstance(leaf, str) else getattr(leaf, "__name__", str(leaf))


def _leaves(annotation: Any) -> Iterator[Any]:
    """Yields the classes in an annotation, or their bare names, without what they contain."""
    if annotation is inspect.Parameter.empty:
        return
    if isinstance(annotation, str):
        yield from _leaves_of_text(annotation)
        return
    if isinstance(annotation, typing.ForwardRef):
        yield from _leaves_of_text(annotation.__forward_arg__)
        return
    inner = getattr(annotation, "__value__", getattr(annotation, "__supertype__", None))  # an alias, a new type
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if inner is not None:
        yield from _leaves(inner)
    elif origin is typing.Union or origin is types.UnionType:
        for argument in arguments:
            yield from _leaves(argument)
    elif origin is typing.Annotated:
        yield from _leaves(arguments[0])
    else:
        yield annotation if origin is None else origin


def _leaves_of_text(text: str) -> Iterator[str]:
    try:
        yield from _leaves_of_tree(ast.parse(text.strip(), mode="eval").body)
    except SyntaxError:
        yield text


def _leaves_of_tree(tree: ast.expr) -> Iterator[str]:
    if isinstance(tree, ast.BinOp):
        yield from _leaves_of_tree(tree.left)
        yield from _leaves_of_tree(tree.right)
    elif isinstance(tree, ast.Constant) and isinstance(tree.value, str):
        yield from _leaves_of_text(tree.value)
    elif isinstance(tree, ast.Subscript):
        yield from _leaves_of_subscript(tree)
    else:
        yield ast.unparse(tree).rpartition(".")[2]


def _leaves_of_subscript(tree: ast.Subscript) -> Iterator[str]:
    name = ast.unparse(tree.value).rpartition(".")[2]
    inner = tree.slice.elts if isinstance(tree.slice, ast.Tuple) else [tree.slice]
    if name in _CHOICES:
        for part in inner:
            yield from _leaves_of_tree(part)
    elif name == "Annotated":
        yield from _leaves_of_tree(inner[0])
    else:
        yield name
