"""Translates spaces of ConfigSpace: hyperparameters of every kind but beta, conditions, and forbidden clauses.

A suggestion is the flat dict of the active hyperparameters, like ``dict(configuration)``. Conditions and forbidden
clauses become nested choices (``runlib.space.dialects.unfold``) with exactly the same distribution if they involve only
categorical, ordinal, constant and uniform integer hyperparameters. For other kinds they are refused by name.

Forbidden combinations are never drawn, instead of being drawn and rejected. A search learns from its suggestions, and
a quasi-random or evenly spaced sequence cannot draw again.

Bounds are included. A normal is cut off at the bounds; for integers, it is cut off half a step beyond them and rounded.
An integer n on a logarithmic scale is as likely as the numbers from n - 1/2 to n + 1/2. Defaults and ``meta`` are
ignored.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from runlib.engine.arguments import known_arguments
from runlib.engine.data.native import native
from runlib.engine.extras import load
from runlib.errors import SpaceError
from runlib.space.dialects.base import canonical
from runlib.space.dialects.configspace_parts import MAX_VALUES, listed, part
from runlib.space.dialects.logic import Formula, all_of, any_of
from runlib.space.dialects.unfold import unfold
from runlib.space.files import is_path, read_space

__all__ = ["from_configspace", "from_hyperparameter"]

ROOT = "configspace"
MAX_PAIRS = 100_000  # A forbidden relation may involve at most so many pairs of values.


@known_arguments
def from_configspace(space: Any) -> Any:
    """Returns the canonical form of a space of ConfigSpace.

    Args:
        space: A ``ConfigSpace.ConfigurationSpace``, the dict that its ``to_serialized_dict`` returns, a dict that
            ``ConfigurationSpace`` itself takes (``{"a": (0, 10), "b": ["x", "y"], "c": 3}``), or a file that holds a
            dict, as its ``to_yaml`` and ``to_json`` write it.

    Raises:
        SpaceError: Something in the space is wrong or cannot be expressed. The message names the hyperparameter or
            clause.
        MissingExtra: ConfigSpace is not installed.
    """
    library = load("ConfigSpace", "configspace")
    given = _configuration_space(library, read_space(space, ROOT) if is_path(space) else space)
    reader = _Reader(library, given)
    try:
        return canonical(unfold(reader.parts, reader.conditions(), reader.forbidden()))
    except SpaceError as error:
        raise error if error.path else error.under(ROOT) from None


def from_hyperparameter(given: Any) -> Any:
    """Returns the data form of one hyperparameter. Its name is left out if the place can serve as the label.

    Raises:
        SpaceError: The hyperparameter cannot be expressed.
    """
    found = part(load("ConfigSpace", "configspace"), given, ROOT).leaf(str(given.name), None)
    named = isinstance(found, list) and len(found) == 3 and isinstance(found[2], dict)
    return [found[0], found[2]] if named else found


def _configuration_space(library: Any, space: Any) -> Any:
    if isinstance(space, library.ConfigurationSpace):
        return space
    if not isinstance(space, Mapping):
        raise SpaceError(f"takes a ConfigurationSpace or a dict, got one of type {type(space).__name__}", ROOT)
    try:
        own = native(copy.deepcopy(dict(space)))  # ConfigSpace removes keys from the dict that it reads.
        if isinstance(own.get("hyperparameters"), list):
            return library.ConfigurationSpace.from_serialized_dict(own)
        return library.ConfigurationSpace(space=own)
    except Exception as error:  # Any error of ConfigSpace about a wrong space is reported with its own message.
        said = " ".join(str(error).split())
        raise SpaceError(f"ConfigSpace does not take this: {type(error).__name__}: {said}", ROOT) from error


class _Reader:
    """Reads one ConfigurationSpace."""

    def __init__(self, library: Any, space: Any) -> None:
        self.space = space
        self.parts = {str(given.name): part(library, given, f"{ROOT}.{given.name}") for given in space.values()}
        self._values = {str(given.name): listed(library, given) for given in space.values()}

    def conditions(self) -> dict[str, Formula]:
        """Returns the condition under which each hyperparameter is active."""
        found: dict[str, list[Formula]] = {}
        for condition in self.space.conditions:
            found.setdefault(str(condition.child.name), []).append(self._condition(condition))
        return {name: all_of(parts) for name, parts in found.items()}

    def forbidden(self) -> list[Formula]:
        """Returns the formulas that must not hold."""
        return [self._clause(clause) for clause in self.space.forbidden_clauses]

    def _condition(self, given: Any) -> Formula:
        if hasattr(given, "components"):
            join = _join(given)
            return join(map(self._condition, given.components))
        name = str(given.parent.name)
        return self._test(name, lambda value: given.satisfied_by_value({name: value}), f"the condition {given}")

    def _clause(self, given: Any) -> Formula:
        if hasattr(given, "components"):
            join = _join(given)
            return join(map(self._clause, given.components))
        if hasattr(given, "left"):
            return self._relation(given)
        name = str(given.hyperparameter.name)
        return self._test(name, lambda value: given.is_forbidden_value({name: value}), f"the clause {given}")

    def _relation(self, given: Any) -> Formula:
        left, right = str(given.left.name), str(given.right.name)
        what = f"the clause {given}"
        pairs_to_try = len(self._listed(left, what)) * len(self._listed(right, what))
        if pairs_to_try > MAX_PAIRS:
            raise SpaceError(f"{what} relates {pairs_to_try} pairs of values, at most {MAX_PAIRS} can be", ROOT)
        pairs = [
            all_of(
                [("is", left, frozenset([place])), self._test(right, self._related(given, left, right, value), what)]
            )
            for place, value in enumerate(self._listed(left, what))
        ]
        return any_of(pairs)

    @staticmethod
    def _related(given: Any, left: str, right: str, value: Any) -> Callable[[Any], Any]:
        return lambda other: given.is_forbidden_value({left: value, right: other})

    def _test(self, name: str, holds: Callable[[Any], Any], what: str) -> Formula:
        """Returns the formula of a condition on one hyperparameter."""
        places = frozenset(place for place, value in enumerate(self._listed(name, what)) if holds(value))
        return ("is", name, places) if places else False

    def _listed(self, name: str, what: str) -> Sequence[Any]:
        values = self._values.get(name)
        if values is None:
            kind = type(self.space[name]).__name__
            raise SpaceError(
                f"{what} speaks of a {kind}, which has no list of values; only categorical, ordinal, constant and "
                f"uniform integer hyperparameters (up to {MAX_VALUES} values) can decide on others",
                f"{ROOT}.{name}",
            )
        return values


def _join(given: Any) -> Callable[..., Formula]:
    return any_of if "Or" in type(given).__name__ else all_of
