"""Recognises and reads the data forms of typed parameters and of arithmetic.

A typed form is ``[name, {arguments}]`` or ``[name, label, {arguments}]``. Four of the names are also names of the text
form. The text form never ends with a dict, so the two cannot be confused.
"""

from __future__ import annotations

from typing import Any

from runlib.errors import SpaceError
from runlib.space.arithmetic.expression import Expression
from runlib.space.arithmetic.formula import OPERATIONS
from runlib.space.typed.alternatives import Categorical, Choice, Constant, Ordinal
from runlib.space.typed.parameter import Parameter
from runlib.space.typed.quantiles import Quantiles
from runlib.space.typed.quantities import Float, Integer, LogNormal, Normal

__all__ = ["TYPED", "from_data", "is_function", "read_typed"]

CLASSES: list[type[Parameter]] = [Categorical, Choice, Constant, Float, Integer, LogNormal, Normal, Ordinal, Quantiles]
TYPED: dict[str, type[Parameter]] = {cls.name: cls for cls in CLASSES}


def is_function(data: Any) -> bool:
    """Returns whether plain data is a variable or a calculation in one of the forms."""
    return isinstance(data, list) and bool(data) and isinstance(data[0], str) and data[0].startswith("hp_")


def read_typed(data: list[Any], path: str) -> Parameter | None:
    """Returns the parameter that a list describes; None if the list is not a typed form.

    Raises:
        SpaceError: The list is a typed form and is wrong.
    """
    name, *rest = data
    if name not in TYPED or not rest or not isinstance(rest[-1], dict):
        return None
    if len(rest) > 2 or (len(rest) == 2 and rest[0] is not None and not (isinstance(rest[0], str) and rest[0])):
        raise SpaceError(f'{name} is written ["{name}", "label", {{...}}], the label being a text, got {data!r}', path)
    try:
        return TYPED[name].from_arguments(rest[0] if len(rest) == 2 else None, rest[-1])
    except SpaceError as error:
        raise error.under(path) from None


def from_data(data: Any, path: str = "space") -> Any:
    """Returns a space in which typed forms and arithmetic are objects. All other data stays unchanged.

    The inverse is ``runlib.space.arithmetic.expression.to_data``.

    Raises:
        SpaceError: A typed form is wrong.
    """
    if is_function(data):
        return _object(data, path)
    if isinstance(data, dict):
        return {key: from_data(item, f"{path}.{key}") for key, item in data.items()}
    if isinstance(data, list | tuple):
        items = [from_data(item, f"{path}.{place}") for place, item in enumerate(data)]
        return tuple(items) if isinstance(data, tuple) else items
    return data


def _object(data: list[Any], path: str) -> Any:
    if data[0] in OPERATIONS and len(data) == 3:
        return Expression(data[0], *(from_data(item, f"{path}.{place}") for place, item in enumerate(data[1:])))
    made = read_typed(data, path)
    if isinstance(made, Choice):
        options = [from_data(option, f"{path}.{place}") for place, option in enumerate(made.options)]
        return Choice(options, label=made.label, prior=made.prior, prior_confidence=made.prior_confidence)
    if made is None:
        return [data[0], *(from_data(item, f"{path}.{place}") for place, item in enumerate(data[1:]))]
    return made
