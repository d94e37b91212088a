"""Builds hyperopt's own graph of a search space, and finds the order in which hyperopt draws from it.

All draws of a suggestion come from one generator, so the order of the variables decides every value. It follows from
the shape of hyperopt's graph alone and is read from it once. ``draw_order`` steps through the graph as
``hyperopt.pyll.rec_eval`` does, but computes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from hyperopt import hp, tpe
from hyperopt.base import Domain
from hyperopt.pyll import Literal, as_apply, scope

from runlib.search.hyperopt.draws import core
from runlib.space.arithmetic.formula import OPERATIONS, Formula
from runlib.space.arithmetic.unary import Unary
from runlib.space.distributions.distribution import Integers, Normal, Options, Power, Quantile, Range, Uniform
from runlib.space.leaves import Branch, Leaf
from runlib.space.nodes import Fixed, Items, Node, Table, Variable
from runlib.space.tree import Space

__all__ = ["Orders", "draw_order", "to_pyll"]


Made = dict[str, Any]  # hyperopt's nodes by label; a node in several options is one object


def to_pyll(node: Node, made: Made | None = None) -> Any:
    """Returns a part of the tree with hyperopt's nodes for the variables, and None for constants.

    Nothing depends on the constants.
    """
    made = {} if made is None else made
    if isinstance(node, Table):
        return {key if isinstance(key, str) else repr(key): to_pyll(child, made) for key, child in node.varying}
    if isinstance(node, Items):
        return [to_pyll(child, made) for _, child in node.varying]
    if isinstance(node, Formula):
        return OPERATIONS[node.name][1](_operand(node.left, made), _operand(node.right, made))
    if isinstance(node, Unary):
        return getattr(scope, node.name.removeprefix("hp_"))(to_pyll(node.operand, made))
    if not isinstance(node, Branch | Leaf):
        return None
    if node.label not in made:
        made[node.label] = _branch(node, made) if isinstance(node, Branch) else _leaf(node.variable)
    return made[node.label]


def _operand(node: Node, made: Made) -> Any:
    return node.value if isinstance(node, Fixed) else to_pyll(node, made)


def _branch(node: Branch, made: Made) -> Any:
    options = [to_pyll(option, made) for option in node.options]
    distribution = node.variable.distribution
    if isinstance(distribution, Range):  # It is the place of an ordered option.
        return _leaf(node.variable)
    if isinstance(distribution, Options) and distribution.weights is not None:
        return hp.pchoice(node.label, list(zip(distribution.weights, options, strict=True)))
    return hp.choice(node.label, options)


def _leaf(variable: Variable) -> Any:
    given, label = variable.distribution, variable.label
    if isinstance(given, Power | Quantile | Range):
        given = core(given) if isinstance(given, Range) else given.inner
    if isinstance(given, Integers):
        bounds = (given.high,) if given.low == 0 else (given.low, given.high)
        return hp.randint(label, *bounds)
    if not isinstance(given, Normal | Uniform):
        raise TypeError(f"hyperopt has nothing like {given!r}")
    log, step = ("log" if given.log else ""), (() if given.q is None else (given.q,))
    if isinstance(given, Normal):
        return getattr(hp, f"{'q' * len(step)}{log}normal")(label, given.mu, given.sigma, *step)
    return getattr(hp, f"{'q' * len(step)}{log}uniform")(label, given.low, given.high, *step)


class Orders:
    """Finds the order in which hyperopt draws the variables of a space; its graphs are dropped after that."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.by_label = {variable.label: variable for variable in space.variables}

    def prior(self) -> tuple[Variable, ...]:
        """Returns the order of ``rand`` and ``anneal``."""
        if not self.space.variables:  # hyperopt cannot sort a graph of one node.
            return ()
        domain = self._domain()
        draws = {node: self.by_label[label] for label, node in domain.vh.vals_by_label().items()}
        return draw_order(domain.s_idxs_vals, {domain.s_new_ids, domain.s_rng}, draws)

    def posterior(self) -> tuple[Variable, ...]:
        """Returns the order of ``tpe``."""
        if not self.space.variables:
            return ()
        domain = self._domain()
        observed, losses, posterior = tpe.build_posterior_wrapper(domain, 1.0, 0.25)
        known = {domain.s_new_ids, domain.s_rng, *observed.values(), *losses.values()}
        # The value of a label is broadcast_best(samples, ...), and the samples are drawn.
        draws = {node.pos_args[0]: self.by_label[label] for label, node in posterior[1].items()}
        return draw_order(as_apply(posterior), known, draws)

    def _domain(self) -> Any:
        return Domain(lambda suggestion: 0.0, to_pyll(self.space.root))


def draw_order(expression: Any, known: Set[Any], draws: Mapping[Any, Variable]) -> tuple[Variable, ...]:
    """Returns the order in which an evaluation of ``expression`` reaches the nodes of ``draws``.

    Args:
        expression: A graph without a ``switch``, as hyperopt makes for many trials at once.
        known: The nodes with given values.
        draws: The nodes that draw, each with its variable.
    """
    seen, todo, order = set(known), [expression], []
    while todo:
        node = todo.pop()
        if node in seen:
            continue
        if node.name == "switch":
            raise NotImplementedError("this version of hyperopt draws in an order that depends on the values")
        waiting = [] if isinstance(node, Literal) else [part for part in node.inputs() if part not in seen]
        if waiting:
            todo += [node, *waiting]
            continue
        seen.add(node)
        if node in draws:
            order.append(draws[node])
    return tuple(order)
