"""Converts the data of a search space to its tree. It finds the variables and gives them labels and places.

The parser writes into the data, which is a copy. It fills in the labels and defaults of typed parameters, so that the
data ends up in the canonical form. A parameter in a formula is hidden: its raw number goes into the memo, since the
suggestion does not show it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from runlib.engine.data.plain import NotPlain
from runlib.engine.data.shape import shaped
from runlib.engine.extras import load
from runlib.errors import SpaceError
from runlib.space.arithmetic.formula import OPERATIONS, Formula
from runlib.space.arithmetic.unary import UNARY, Unary
from runlib.space.distributions.distribution import Distribution, Options
from runlib.space.forms.functions import FUNCTIONS, pairs, powers
from runlib.space.forms.labels import Labels
from runlib.space.forms.markers import TYPED, is_function, read_typed
from runlib.space.forms.merge import merged
from runlib.space.forms.shapes import SHAPES, TUPLE, as_dict
from runlib.space.leaves import Branch, Leaf
from runlib.space.nodes import Fixed, Items, Node, Table, Tuple, Variable
from runlib.space.typed.alternatives import Categorical, Choice, Constant, Ordinal
from runlib.space.typed.parameter import Parameter
from runlib.space.typed.quantiles import Quantiles
from runlib.space.typed.quantities import Float, Integer, LogNormal, Normal

__all__ = ["Parser", "Place"]

CHOICES = ("hp_choice", "hp_loggrid", "hp_pchoice")
NAMES = [
    *sorted([*FUNCTIONS, *CHOICES]),
    *sorted({*TYPED} - {*FUNCTIONS, *CHOICES}),
    *OPERATIONS,
    *UNARY,
    "hp_merge",
    *SHAPES,
]


@dataclass(frozen=True, slots=True)
class Place:
    """Describes the place in the data that the parser has reached.

    Attributes:
        path: The dotted path, for messages.
        parent: The choice above, or None.
        option: The option of that choice.
        hidden: Whether the place lies inside a formula.
        above: All choices above by label, each with its option.
    """

    path: str
    parent: Variable | None = None
    option: int = 0
    hidden: bool = False
    above: tuple[tuple[str, int], ...] = ()

    def inner(self, key: str | int) -> Place:
        """Returns the place one level further in."""
        return replace(self, path=f"{self.path}.{key}")


class Parser:
    """Makes the tree of a space and collects its variables.

    Args:
        root: The path of the whole space.
        full_fidelity: Whether fidelities become constants at their upper bounds.
    """

    def __init__(self, root: str, full_fidelity: bool) -> None:
        self.variables: list[Variable] = []
        self._root, self._full_fidelity = root, full_fidelity
        self._labels = Labels()
        self._by_label: dict[str, Variable] = {}

    def tree(self, data: Any) -> Node:
        """Returns the tree that the whole of ``data`` describes.

        Raises:
            SpaceError: Something in the data is wrong.
        """
        root = self.node(data, Place(self._root))
        self._labels.check()
        return root

    def node(self, data: Any, place: Place) -> Node:
        """Returns the part of the tree that ``data`` describes. Typed forms in ``data`` are made canonical.

        Raises:
            SpaceError: Something in the data is wrong.
        """
        if is_function(data):
            return self._function(data, place)
        if isinstance(data, dict):
            table = {key: self.node(item, place.inner(key)) for key, item in data.items()}
            return Fixed({key: _value(node) for key, node in table.items()}) if _fixed(table.values()) else Table(table)
        if isinstance(data, list):
            nodes = [self.node(item, place.inner(index)) for index, item in enumerate(data)]
            return Fixed([_value(node) for node in nodes]) if _fixed(nodes) else Items(nodes)
        return Fixed(data)

    def _function(self, data: list[Any], place: Place) -> Node:
        name, *rest = data
        if name in OPERATIONS:
            return self._formula(name, rest, place)
        if name in UNARY:
            return self._unary(name, rest, place)
        if name == "hp_merge":
            return self._merge(rest, place)
        if name in SHAPES:
            return self._shape(name, rest, place)
        parameter = read_typed(data, place.path)
        if parameter is not None:
            return self._typed(parameter, data, place)
        if name not in NAMES:
            raise SpaceError(_unknown(name), place.path)
        label = self._label(data, place)
        if name in CHOICES:
            return self._choice(name, label, rest[1:], place)
        if name not in FUNCTIONS:
            raise SpaceError(f'{name} takes a dict of arguments, as in ["{name}", "label", {{...}}]', place.path)
        return Leaf(self._variable(label, place, FUNCTIONS[name](name, rest[1:], place.path)))

    def _formula(self, name: str, operands: list[Any], place: Place) -> Node:
        if len(operands) != 2:
            raise SpaceError(f'{name} is written ["{name}", a, b], got {len(operands)} operands', place.path)
        left, right = (self._operand(name, operand, place.inner(k)) for k, operand in enumerate(operands))
        made = Formula(name, left, right, place.path)
        return Fixed(made.assemble([])) if left.constant and right.constant else made

    def _unary(self, name: str, operands: list[Any], place: Place) -> Node:
        if len(operands) != 1:
            raise SpaceError(f'{name} is written ["{name}", a], got {len(operands)} operands', place.path)
        made = Unary(name, self._operand(name, operands[0], place.inner(0)), place.path)
        return Fixed(made.assemble([])) if made.operand.constant else made

    def _shape(self, name: str, items: list[Any], place: Place) -> Node:
        if name == TUPLE:
            nodes = [self.node(item, place.inner(index)) for index, item in enumerate(items)]
            return Fixed(tuple(map(_value, nodes))) if _fixed(nodes) else Tuple(nodes)
        try:
            data = as_dict(items)
            shaped(dict.fromkeys(data))
        except NotPlain as error:
            raise SpaceError(error.reason, place.path) from None
        table = {key: self.node(item, place.inner(str(key))) for key, item in data.items()}
        return Fixed({key: _value(node) for key, node in table.items()}) if _fixed(table.values()) else Table(table)

    def _merge(self, args: list[Any], place: Place) -> Node:
        if len(args) != 1 or not isinstance(args[0], list) or not args[0] or is_function(args[0]):
            raise SpaceError('hp_merge is written ["hp_merge", [part, ...]], the parts being dicts', place.path)
        return merged([self.node(part, place.inner(index)) for index, part in enumerate(args[0])], place.path)

    def _operand(self, name: str, data: Any, place: Place) -> Node:
        node = self.node(data, replace(place, hidden=True))
        if not node.numeric:
            raise SpaceError(f"{name} takes numbers and variables that are numbers, got {data!r}", place.path)
        return node

    def _typed(self, parameter: Parameter, data: list[Any], place: Place) -> Node:
        label = parameter.label or place.path[len(self._root) + 1 :] or "value"
        arguments = parameter.to_data()[-1]
        data[:] = [parameter.name, label, arguments]
        self._labels.claim(label, data, place.path, place.above)
        if isinstance(parameter, Constant):
            return Fixed(parameter.value)
        if isinstance(parameter, Float | Integer):
            return self._range(parameter, label, place)
        if isinstance(parameter, Normal | LogNormal | Quantiles):
            return Leaf(self._variable(label, place, parameter.distribution()))
        return self._alternatives(parameter, label, place, arguments["options"])

    def _range(self, parameter: Float | Integer, label: str, place: Place) -> Node:
        distribution = parameter.distribution()
        if parameter.fidelity and self._full_fidelity:
            return Fixed(distribution.value(distribution.most))
        return Leaf(self._variable(label, place, distribution, fidelity=parameter.fidelity))

    def _alternatives(self, parameter: Parameter, label: str, place: Place, options: list[Any]) -> Node:
        if isinstance(parameter, Choice):
            variable = self._variable(label, place, parameter.distribution())
            return self._branch(variable, options, place)
        if not isinstance(parameter, Categorical | Ordinal):
            raise TypeError(f"a {type(parameter).__name__} has no place in a tree")
        # The options are all different, so the suggestion shows which one it is.
        variable = self._variable(label, place, parameter.distribution(), shown=True)
        return Branch(variable, [Fixed(option) for option in parameter.options])

    def _choice(self, name: str, label: str, args: list[Any], place: Place) -> Branch:
        weights: tuple[float, ...] | None = None
        if name == "hp_loggrid":
            options: list[Any] = powers(name, args, place.path)
        elif name == "hp_pchoice":
            weights, options = pairs(name, args, place.path)
        else:
            options = _options(name, args, place.path)
        return self._branch(self._variable(label, place, Options(len(options), weights)), options, place)

    def _branch(self, variable: Variable, options: list[Any], place: Place) -> Branch:
        inside = [
            replace(place.inner(index), parent=variable, option=index, above=(*place.above, (variable.label, index)))
            for index in range(len(options))
        ]
        return Branch(variable, [self.node(option, inner) for option, inner in zip(options, inside, strict=True)])

    def _variable(
        self, label: str, place: Place, distribution: Distribution, *, fidelity: bool = False, shown: bool = False
    ) -> Variable:
        memorable = place.hidden or (distribution.memorable and not shown)
        before = self._by_label.get(label)
        if before is not None and place.parent is not None:  # It stands in another option, as ``Labels`` has checked.
            before.share(place.parent, place.option, memorable=memorable)
            return before
        variable = Variable(
            label,
            len(self.variables),
            place.path,
            distribution,
            place.parent,
            place.option,
            memorable,
            fidelity,
        )
        self.variables.append(variable)
        self._by_label[label] = variable
        return variable

    def _label(self, data: list[Any], place: Place) -> str:
        name, *rest = data
        if not rest or not isinstance(rest[0], str) or not rest[0]:
            got = repr(rest[0]) if rest else "nothing"
            reason = f'the label of {name} must be a text, as in ["{name}", "label", ...], got {got}'
            raise SpaceError(reason, place.path)
        self._labels.claim(rest[0], data, place.path, place.above)
        return rest[0]


def _fixed(nodes: Any) -> bool:
    return all(node.constant for node in nodes)


def _value(node: Node) -> Any:
    return node.assemble([])


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
    near = load("difflib").get_close_matches(name, NAMES, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(NAMES)}"
    return f"unknown function {name!r}; {hint}"
