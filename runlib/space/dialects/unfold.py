"""Converts parameters with conditions and forbidden combinations to nested choices.

A parameter that others depend on becomes a choice, and each option holds the parameters that are active for its values.
The distribution is that of the following process: draw each parameter by itself, drop the inactive ones, and draw again
if the whole is forbidden. Options are therefore weighted by their share of allowed draws. Values with the same
continuation share an option. Independent parameters stay apart. A parameter that is active in several options is a
separate variable in each.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runlib.errors import SpaceError
from runlib.space.dialects.logic import Formula, assume, names_in

__all__ = ["Part", "unfold"]

MAX_VARIABLES = 2000


@dataclass(frozen=True, slots=True)
class Part:
    """Describes a parameter.

    Attributes:
        leaf: A function that makes its data form from a label and the places of its allowed values, None for all.
        shares: The probability of each value, if it has a list of values.
        runs: Whether only neighbouring values can share an option, as those of an integer.
    """

    leaf: Callable[[str, Sequence[int] | None], Any]
    shares: tuple[float, ...] = ()
    runs: bool = False

    def share(self, place: int) -> float:
        """Returns the probability of a value."""
        return self.shares[place]


# A state holds what is not decided yet: the conditions by name, and the forbidden clauses.
State = tuple[tuple[tuple[str, Formula], ...], tuple[Formula, ...]]


def unfold(parts: Mapping[str, Part], conditions: Mapping[str, Formula], forbidden: Sequence[Formula]) -> Any:
    """Returns the canonical form of a flat space.

    Args:
        parts: The parameters by name.
        conditions: The condition by name under which a parameter is active. Without one, it is always active.
        forbidden: The formulas that must not hold.

    Raises:
        SpaceError: No combination is allowed, or the result is too large.
    """
    state = _settled({name: conditions.get(name, True) for name in parts}, forbidden)
    share, data = (0.0, None) if state is None else _Unfolding(parts).joined(state, {})
    if share <= 0:
        raise SpaceError("the forbidden clauses leave nothing of the space")
    return data


def _settled(conditions: Mapping[str, Formula], forbidden: Sequence[Formula]) -> State | None:
    """Drops inactive parameters and decides what depends on them. Returns None if the state is forbidden."""
    found, clauses = dict(conditions), list(forbidden)
    while gone := [name for name, condition in found.items() if condition is False]:
        for name in gone:
            del found[name]
            found = {other: assume(condition, name, None) for other, condition in found.items()}
            clauses = [assume(clause, name, None) for clause in clauses]
    if any(clause is True for clause in clauses):
        return None
    return tuple(found.items()), tuple(dict.fromkeys(clause for clause in clauses if clause is not False))


class _Unfolding:
    def __init__(self, parts: Mapping[str, Part]) -> None:
        self.parts = parts
        self._labels: dict[str, int] = {}

    def joined(self, state: State, given: Mapping[str, Any]) -> tuple[float, Any]:
        """Returns the share of allowed draws, and the data of the undecided parameters together with ``given``."""
        table, branches, total = dict(given), [], 1.0
        for conditions, clauses in _components(state):
            if len(conditions) == 1 and not clauses:
                name = conditions[0][0]
                table[name] = self._leaf(name, None)
                continue
            share, data = self._branch((conditions, clauses))
            total *= share
            if isinstance(data, dict):
                table.update(data)
            else:
                branches.append(data)
        if not branches:
            return total, table
        parts = [table, *branches] if table else branches
        return total, parts[0] if len(parts) == 1 else ["hp_merge", parts]

    def _branch(self, state: State) -> tuple[float, Any]:
        name = _pivot(state)
        part = self.parts[name]
        groups = [(places, after) for places, after in self._groups(name, state) if any(map(part.share, places))]
        # A single option is no choice, so the parameter itself can have the label.
        label, options = self._label(name) if len(groups) > 1 else "", []
        for places, after in groups:
            share, data = self.joined(after, {name: self._leaf(name, places)})
            options.append((math.fsum(map(part.share, places)) * share, data))
        possible = [(share, data) for share, data in options if share > 0]
        total = math.fsum(share for share, _ in possible)
        if len(possible) < 2:
            return total, possible[0][1] if possible else {}
        return total, _choice(label, [share / total for share, _ in possible], [data for _, data in possible])

    def _groups(self, name: str, state: State) -> list[tuple[list[int], State]]:
        """Groups the values of a parameter with the same continuation, without the forbidden values."""
        groups: list[tuple[list[int], State]] = []
        known: dict[State, list[int]] = {}
        for place in range(len(self.parts[name].shares)):
            after = _after(state, name, place)
            if after is None:
                continue
            before = known.get(after)
            if before is None or (self.parts[name].runs and before[-1] != place - 1):
                known[after] = before = []
                groups.append((before, after))
            before.append(place)
        return groups

    def _leaf(self, name: str, places: Sequence[int] | None) -> Any:
        constant = places is not None and len(places) == 1
        return self.parts[name].leaf("" if constant else self._label(name), places)

    def _label(self, name: str) -> str:
        count = self._labels[name] = self._labels.get(name, 0) + 1
        if sum(self._labels.values()) > MAX_VARIABLES:
            raise SpaceError(
                f"conditions and forbidden clauses unfold to more than {MAX_VARIABLES} variables, of {name!r} the most "
                "lately; drop some or write nested choices"
            )
        return name if count == 1 else f"{name}#{count}"


def _after(state: State, name: str, place: int) -> State | None:
    conditions = {other: assume(condition, name, place) for other, condition in state[0] if other != name}
    return _settled(conditions, [assume(clause, name, place) for clause in state[1]])


def _pivot(state: State) -> str:
    """Returns the first active parameter that something depends on."""
    used = {name for _, condition in state[0] for name in names_in(condition)}
    used |= {name for clause in state[1] for name in names_in(clause)}
    return next(name for name, condition in state[0] if condition is True and name in used)


def _components(state: State) -> list[State]:
    """Splits a state into groups of parameters that depend on each other, each with its clauses."""
    groups: list[set[str]] = []
    links = [{name, *names_in(condition)} for name, condition in state[0]] + [names_in(clause) for clause in state[1]]
    for link in links:
        touching = [group for group in groups if group & link]
        groups = [group for group in groups if not group & link] + [set().union(link, *touching)]
    by_order = [next(group for group in groups if name in group) for name, _ in state[0]]
    found = {id(group): group for group in by_order}.values()
    return [
        (
            tuple(pair for pair in state[0] if pair[0] in group),
            tuple(clause for clause in state[1] if names_in(clause) <= group),
        )
        for group in found
    ]


def _choice(label: str, shares: list[float], options: list[Any]) -> list[Any]:
    if all(math.isclose(share, shares[0], rel_tol=1e-12) for share in shares):
        return ["hp_choice", label, options]
    return ["hp_pchoice", label, [[share, option] for share, option in zip(shares, options, strict=True)]]
