"""From parameters with conditions and forbidden combinations to nested choices.

A parameter that others depend on becomes a choice, and what is active with each of its values stands in that option.
The distribution is that of drawing each parameter by itself, dropping the inactive ones, and drawing again where the
whole is forbidden: options are weighted by the share of draws that is allowed in them. Values with which all goes on
alike share an option; parameters that have nothing to do with each other stay apart. A parameter that is active in
several options is a variable of its own in each.
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
    """A parameter.

    Attributes:
        leaf: Makes its data form from a label and the places of its admissible values, None for all of them.
        shares: The probability of each value, if it has a list of values.
        runs: Whether only neighbouring values can share an option, as those of an integer.
    """

    leaf: Callable[[str, Sequence[int] | None], Any]
    shares: tuple[float, ...] = ()
    runs: bool = False

    def share(self, place: int) -> float:
        """The probability of a value."""
        return self.shares[place]


State = tuple[tuple[tuple[str, Formula], ...], tuple[Formula, ...]]  # what is not decided yet: conditions, forbidden


def unfold(parts: Mapping[str, Part], conditions: Mapping[str, Formula], forbidden: Sequence[Formula]) -> Any:
    """The canonical form of a flat space.

    Args:
        parts: The parameters by name.
        conditions: By name, when a parameter is active; always, if nothing is said.
        forbidden: What must not hold.

    Raises:
        SpaceError: Nothing is allowed, or it becomes too large.
    """
    state = _settled({name: conditions.get(name, True) for name in parts}, forbidden)
    share, data = (0.0, None) if state is None else _Unfolding(parts).joined(state, {})
    if share <= 0:
        raise SpaceError("the forbidden clauses leave nothing of the space")
    return data


def _settled(conditions: Mapping[str, Formula], forbidden: Sequence[Formula]) -> State | None:
    """Parameters that turned out inactive are dropped, and what follows; None if it is forbidden."""
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
        """The share of draws that is allowed, and the data of what is open beside what is ``given``."""
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
        # With one option there is no choice, and the label is free for the parameter itself.
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
        """The values of a parameter that go on alike, without those that are forbidden."""
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
    """The first active parameter that something depends on."""
    used = {name for _, condition in state[0] for name in names_in(condition)}
    used |= {name for clause in state[1] for name in names_in(clause)}
    return next(name for name, condition in state[0] if condition is True and name in used)


def _components(state: State) -> list[State]:
    """The parameters that have to do with each other, each group with its clauses."""
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
