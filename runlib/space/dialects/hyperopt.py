"""Translates spaces of hyperopt: graphs of ``hp.*`` in dicts, lists and tuples, with choices and arithmetic.

A graph is read by the names of its nodes, as ``hyperopt.pyll_utils`` makes them, without importing hyperopt. Variables
keep their exact distributions. ``scope.int`` truncates any number, as Python's ``int`` does. ``scope.float``, ``exp``,
``log`` and ``sqrt`` are known too. Other functions of ``scope`` have no counterpart and are refused by name. A variable
that is used in several options is one variable. A variable that is used twice at the same time is refused when a space
is made of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runlib.engine.arguments import known_arguments
from runlib.engine.data.plain import NotPlain
from runlib.errors import SpaceError
from runlib.space.arithmetic.expression import Term
from runlib.space.dialects.base import canonical, check_data, check_depth, constant, own
from runlib.space.files import is_path
from runlib.space.foreign import is_graph
from runlib.space.forms.functions import FUNCTIONS, pairs
from runlib.space.forms.markers import is_function
from runlib.space.forms.shapes import TUPLE, has_texts, pairs_of
from runlib.space.typed.alternatives import Constant

__all__ = ["from_hyperopt"]

ROOT = "hyperopt"
OPERATIONS = {
    "add": "hp_add",
    "div": "hp_div",
    "mul": "hp_mul",
    "pow": "hp_pow",
    "sub": "hp_sub",
    "truediv": "hp_div",
}
FUNCTIONS_OF_ONE = {"exp": "hp_exp", "log": "hp_log", "sqrt": "hp_sqrt"}
ARGUMENTS = {
    "loguniform": ("low", "high"),
    "lognormal": ("mu", "sigma"),
    "normal": ("mu", "sigma"),
    "qlognormal": ("mu", "sigma", "q"),
    "qloguniform": ("low", "high", "q"),
    "qnormal": ("mu", "sigma", "q"),
    "quniform": ("low", "high", "q"),
    "randint": ("low", "high"),
    "uniform": ("low", "high"),
}


@known_arguments
def from_hyperopt(space: Any) -> Any:
    """Returns the canonical form of a space of hyperopt.

    Args:
        space: The space that ``fmin`` takes: a graph, or dicts, lists and tuples with graphs and literals in them.

    Raises:
        SpaceError: Something in the space is wrong or cannot be expressed. The message names the place and function.
    """
    if is_path(space):
        raise SpaceError(f"takes what fmin takes as its space, got the text {str(space)!r}", ROOT)
    reader = _Reader()
    data = reader.data(space, ROOT)
    reader.agree()
    return canonical(data)


class _Reader:
    def __init__(self) -> None:
        self._variables: dict[str, list[list[Any]]] = {}

    def agree(self) -> None:
        """Turns an integer into the truncated number in steps, if its label has a number in steps elsewhere."""
        for found in self._variables.values():
            if len({variable[0] for variable in found}) > 1:
                for variable in found:
                    if variable[0] == "hp_uniformint":
                        variable[:] = ["hp_int", ["hp_quniform", *variable[1:], 1]]

    def data(self, given: Any, path: str) -> Any:
        """Returns the data of a graph or of plain Python values."""
        check_depth(path)
        if is_graph(given):
            return self._node(given, path)
        if isinstance(given, Term):
            return own(given, path)
        if isinstance(given, Mapping):
            return self._table(given.items(), path)
        if isinstance(given, tuple):
            return [TUPLE, *self._items(given, path)]
        if isinstance(given, list):
            return self._listed(given, path)
        return constant(given, path)

    def _table(self, items: Any, path: str) -> Any:
        found = {key: self.data(item, f"{path}.{key}") for key, item in items}
        if has_texts(found):
            return found
        try:
            return pairs_of(found)
        except NotPlain as error:
            raise SpaceError(error.reason, path) from None

    def _items(self, items: Any, path: str) -> list[Any]:
        return [self.data(item, f"{path}.{place}") for place, item in enumerate(items)]

    def _listed(self, items: Any, path: str) -> list[Any]:
        found = self._items(items, path)
        if is_function(found):  # The first item is a text that would make the list look like a variable.
            found[0] = Constant(found[0]).to_data()
        return found

    def _node(self, node: Any, path: str) -> Any:
        name = node.name
        if name == "literal":
            return constant(node.obj, path)
        if name == "pos_args":  # The node of a tuple has a length.
            made_of_tuple = node.o_len is not None
            return [TUPLE, *self._items(node.pos_args, path)] if made_of_tuple else self._listed(node.pos_args, path)
        if name == "dict" and not node.pos_args:
            return self._table(node.named_args, path)
        if name == "switch":
            return self._choice(node, path)
        if name == "hyperopt_param":
            return self._variable(node, [], path)
        if name in ("float", "int"):
            return self._cast(node, path)
        if name in FUNCTIONS_OF_ONE:
            return [FUNCTIONS_OF_ONE[name], self.data(node.pos_args[0], f"{path}.0")]
        if name == "neg":
            return ["hp_mul", -1, self.data(node.pos_args[0], f"{path}.0")]
        if name in OPERATIONS and len(node.pos_args) == 2:
            sides = [self.data(side, f"{path}.{place}") for place, side in enumerate(node.pos_args)]
            return [OPERATIONS[name], *sides]
        if name == "dict":  # Not all keys are text, so the node holds pairs.
            pairs_in_it = [pair.pos_args for pair in node.pos_args[0].pos_args]
            return self._table([(_key(key, path), value) for key, value in pairs_in_it], path)
        raise _inexpressible(name, path)

    def _choice(self, node: Any, path: str) -> Any:
        index, *options = node.pos_args
        if index.name != "hyperopt_param":
            raise SpaceError(
                f"the switch does not follow an hp.choice but {index.name}, which has no counterpart", path
            )
        label, drawn = self._labelled(index, path)
        found = self._items(options, path)
        if drawn.name == "randint":
            if _arguments(drawn, ("low", "high"), path) != [len(options)]:
                raise SpaceError(f"the index of {label!r} does not go from 0 to {len(options) - 1}", path)
            return ["hp_choice", label, found]
        if drawn.name != "categorical":
            raise _inexpressible(drawn.name, path)
        [shares] = _arguments(drawn, ("p",), path)
        weighted = [[share, option] for share, option in zip(shares, found, strict=True)]
        pairs("hp_pchoice", [weighted], path)
        return ["hp_pchoice", label, weighted]

    def _cast(self, node: Any, path: str) -> Any:
        """Returns a variable with the casts that hyperopt puts around it, or any other number that is cast."""
        casts, inner = [], node
        while inner.name in ("float", "int"):
            casts.append(inner.name)
            inner = inner.pos_args[0]
        if inner.name == "hyperopt_param":
            found = self._variable(inner, casts, path)
        else:
            casts, found = _distinct(casts), self.data(inner, f"{path}.0")
        for cast in reversed(casts):
            found = ["hp_int", found] if cast == "int" else ["hp_mul", 1.0, found]
        return found

    def _variable(self, node: Any, casts: list[str], path: str) -> Any:
        """Returns the variable, and removes those casts that change nothing or that its name implies."""
        label, drawn = self._labelled(node, path)
        if drawn.name not in ARGUMENTS:
            raise _inexpressible(drawn.name, path)
        arguments = _arguments(drawn, ARGUMENTS[drawn.name], path)
        name = _function(drawn.name, arguments, casts)
        arguments = arguments[:2] if name == "hp_uniformint" else arguments
        FUNCTIONS[name](name, arguments, path)
        found = [name, label, *arguments]
        self._variables.setdefault(label, []).append(found)
        return found

    def _labelled(self, node: Any, path: str) -> tuple[str, Any]:
        given = node.pos_args + [value for _, value in node.named_args]
        label = _given(given[0], path)
        if not isinstance(label, str) or not label:
            raise SpaceError(f"the label of a variable must be a text, got {label!r}", path)
        return label, given[1]


def _inexpressible(name: str, path: str) -> SpaceError:
    return SpaceError(f"{name} of hyperopt has no counterpart; compute it in the function instead", path)


def _function(drawn: str, arguments: list[Any], casts: list[str]) -> str:
    """Returns the name in the text form, and removes the casts that this name makes needless from ``casts``."""
    whole = drawn == "randint"
    outer, casts[:] = _distinct(casts), []
    while outer and outer[-1] == ("int" if whole else "float"):
        outer.pop()
    if drawn == "quniform" and arguments[2:] == [1] and outer[-1:] == ["int"]:
        outer.pop()
        casts[:] = outer
        return "hp_uniformint"
    casts[:] = outer
    return f"hp_{drawn}"


def _distinct(casts: list[str]) -> list[str]:
    """Returns the casts without those that repeat the next inner cast."""
    return [cast for place, cast in enumerate(casts) if casts[place + 1 : place + 2] != [cast]]


def _arguments(node: Any, names: tuple[str, ...], path: str) -> list[Any]:
    """Returns the arguments of a draw in the order of their names. An upper bound that is None is left out."""
    given = {**dict(zip(names, node.pos_args, strict=False)), **dict(node.named_args)}
    if len(node.pos_args) > len(names) or not set(given) <= set(names):
        raise SpaceError(f"hp.{node.name} takes {', '.join(names)} here, and no more", path)
    values = [_given(given[name], path) for name in names if name in given]
    return [value for value in values if value is not None]


def _key(node: Any, path: str) -> Any:
    """Returns the key of a dict. A list becomes a tuple, so that the error about an invalid key can show it."""
    found = _given(node, path)
    return tuple(found) if isinstance(found, list) else found


def _given(node: Any, path: str) -> Any:
    """Returns plain data that does not vary."""
    if not is_graph(node):
        return check_data(node, path)
    if node.name == "literal":
        return check_data(node.obj, path)
    if node.name == "pos_args":
        return [_given(item, path) for item in node.pos_args]
    if node.name == "neg":
        return -_given(node.pos_args[0], path)
    raise SpaceError(f"an argument that is calculated ({node.name}) has no counterpart; give a number", path)
