"""The text form of a search space: nested plain data in which ``["hp_NAME", label, ...]`` is a variable.

``parse`` makes the tree out of it, or says in one sentence what is wrong and where. All other lists, dicts and
scalars are data and go into every suggestion as they stand. The text form is never changed on the way: an int
stays an int. After the label stand::

    hp_choice            [option, ...]              any data, further variables included
    hp_pchoice           [[p, option], ...]         the p sum to 1
    hp_randint           [low,] high                an int, high excluded
    hp_uniform           low, high
    hp_quniform          low, high, q               rounded to multiples of q
    hp_uniformint        low, high                  an int, both included, each end half as likely
    hp_loguniform        low, high                  exp of a uniform: the bounds are logarithms
    hp_qloguniform       low, high, q
    hp_normal            mu, sigma
    hp_qnormal           mu, sigma, q
    hp_lognormal         mu, sigma                  exp of a normal
    hp_qlognormal        mu, sigma, q
    hp_loggrid           start, stop, num[, base]   base**exponent: num points, or steps of num if it is a float
    hp_loggrid_uniform   start, stop, q[, base]     base**(quniform)
"""

from __future__ import annotations

import difflib
from typing import Any

from runlib.engine.canonical import NotPlain, plain
from runlib.errors import SpaceError
from runlib.space.distributions import Distribution, Options
from runlib.space.functions import FUNCTIONS, pairs, powers
from runlib.space.nodes import Branch, Constant, Items, Leaf, Node, Table, Variable
from runlib.space.tree import Space

__all__ = ["parse"]

CHOICES = ("hp_choice", "hp_loggrid", "hp_pchoice")
NAMES = sorted([*FUNCTIONS, *CHOICES])


def parse(data: Any, path: str = "space") -> Space:
    """The search space that ``data`` writes down.

    Args:
        data: Plain data, or what ``engine.canonical.plain`` makes plain (tuples, numpy scalars).
        path: What the root is called in errors.

    Raises:
        SpaceError: Something is wrong in it; the path names the place.
    """
    try:
        data = plain(data)
    except NotPlain as error:
        raise SpaceError(error.reason, error.path).under(path) from None
    parser = _Parser()
    return Space(parser.node(data, path, None), parser.variables)


class _Parser:
    """Collects the variables on the way through the data."""

    def __init__(self) -> None:
        self.variables: list[Variable] = []
        self.paths: dict[str, str] = {}

    def node(self, data: Any, path: str, condition: tuple[Variable, int] | None) -> Node:
        if isinstance(data, list) and data and isinstance(data[0], str) and data[0].startswith("hp_"):
            return self._function(data, path, condition)
        if isinstance(data, dict):
            table = {key: self.node(item, f"{path}.{key}", condition) for key, item in data.items()}
            return Constant(data) if _constant(table.values()) else Table(table)
        if isinstance(data, list):
            nodes = [self.node(item, f"{path}.{place}", condition) for place, item in enumerate(data)]
            return Constant(data) if _constant(nodes) else Items(nodes)
        return Constant(data)

    def _function(self, data: list[Any], path: str, condition: tuple[Variable, int] | None) -> Node:
        name, *rest = data
        if name not in NAMES:
            raise SpaceError(_unknown(name), path)
        label = self._label(name, rest, path)
        if name in CHOICES:
            return self._choice(name, label, rest[1:], path, condition)
        return Leaf(self._variable(label, path, FUNCTIONS[name](name, rest[1:], path), condition))

    def _label(self, name: str, rest: list[Any], path: str) -> str:
        if not rest or not isinstance(rest[0], str) or not rest[0]:
            got = repr(rest[0]) if rest else "nothing"
            raise SpaceError(f'the label of {name} must be a text, as in ["{name}", "label", ...], got {got}', path)
        label = rest[0]
        if label in self.paths:
            raise SpaceError(
                f"the label {label!r} stands twice, here and at {self.paths[label]}; give each its own", path
            )
        self.paths[label] = path
        return label

    def _variable(
        self, label: str, path: str, distribution: Distribution, condition: tuple[Variable, int] | None
    ) -> Variable:
        parent, option = condition or (None, 0)
        variable = Variable(label, len(self.variables), path, distribution, parent, option)
        self.variables.append(variable)
        return variable

    def _choice(
        self, name: str, label: str, args: list[Any], path: str, condition: tuple[Variable, int] | None
    ) -> Branch:
        weights: tuple[float, ...] | None = None
        if name == "hp_loggrid":
            options: list[Any] = powers(name, args, path)
        elif name == "hp_pchoice":
            weights, options = pairs(name, args, path)
        else:
            options = _options(name, args, path)
        variable = self._variable(label, path, Options(len(options), weights), condition)
        nodes = [self.node(option, f"{path}.{place}", (variable, place)) for place, option in enumerate(options)]
        return Branch(variable, nodes)


def _constant(nodes: Any) -> bool:
    return all(node.constant for node in nodes)


def _options(name: str, args: list[Any], path: str) -> list[Any]:
    if len(args) != 1 or not isinstance(args[0], list):
        raise SpaceError(f"{name} takes one list of options after its label", path)
    if not args[0]:
        raise SpaceError(f"{name} has no options", path)
    options: list[Any] = args[0]
    if isinstance(options[0], str) and options[0].startswith("hp_"):
        raise SpaceError(f"the options of {name} must be a list, got the variable {options!r}", path)
    return options


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, NAMES, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(NAMES)}"
    return f"unknown function {name!r}; {hint}"
