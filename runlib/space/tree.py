"""Defines the tree of a search space, which is compiled once and used by every search.

Every search makes its suggestions by ``Space.walk`` or from rows of raw numbers. Active variables are visited from the
root on, choices before the variables that depend on them, and ``assemble`` makes fresh plain data. ``read`` converts an
earlier suggestion back to raw numbers. The tree does not depend on the form in which the space was written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from runlib.engine.arguments import known_arguments
from runlib.engine.data.plain import NotPlain
from runlib.engine.data.shape import shaped
from runlib.errors import SpaceError
from runlib.space.dialects import canonical_data
from runlib.space.distributions.ranges import Rng
from runlib.space.forms.parser import Parser
from runlib.space.nodes import INACTIVE, Draw, Fixed, Memo, Node, Row, Variable
from runlib.space.spelling import spelled
from runlib.space.validation import check

__all__ = ["Space"]


@known_arguments
class Space:
    """Represents a search space: ``Space.of({"x": Float(0, 1), "n": ["hp_randint", "n", 5]})``.

    Attributes:
        root: The root node of the tree.
        variables: All variables. The raw number of ``variables[i]`` is item i of a row. A variable comes after the
            first choice that it depends on.
    """

    def __init__(self, root: Node, variables: Sequence[Variable], data: Any) -> None:
        self.root = root
        self.variables = tuple(variables)
        self._data = Fixed(data)
        self._made_with = "space", False
        self._memorable = [(v.label, v.index, v.distribution.whole) for v in variables if v.memorable]
        self._plan = _plan(self.variables)
        self._draws = [(index, _unit(v), parent, option) for v, index, parent, option in self._plan]
        self._blank = [INACTIVE] * len(self.variables)

    @classmethod
    def of(cls, space: Any, path: str = "space", *, full_fidelity: bool = False) -> Space:
        """Returns the search space that ``space`` describes.

        Args:
            space: Typed parameters, variables in text form (``runlib.space.forms.text``), arithmetic on them, and plain
                data, in dicts and lists or alone. Objects of other tools may replace parameters. Other forms are
                ``{dialect: space}`` (``runlib.space.dialects``), the path of a YAML or JSON file, and a ``Space``.
            path: The name of the root in error messages.
            full_fidelity: Whether a parameter with ``fidelity=True`` becomes a constant at its upper bound, for a
                search that ignores fidelities.

        Raises:
            SpaceError: The space is wrong. The path names the place.
        """
        data = space.data if isinstance(space, Space) else canonical_data(space, path)
        parser = Parser(path, full_fidelity)
        made = cls(parser.tree(data), parser.variables, data)
        made._made_with = path, full_fidelity
        return made

    @property
    def data(self) -> Any:
        """Returns the canonical form as plain data, with labels and without the defaults of typed parameters."""
        return self._data.assemble([])

    @property
    def fidelities(self) -> tuple[Variable, ...]:
        """Returns the variables that are the resource of a trial."""
        return tuple(variable for variable in self.variables if variable.fidelity)

    def walk(self, draw: Draw) -> Any:
        """Returns a suggestion as fresh plain data.

        Args:
            draw: A function that returns the raw number of a variable. It is only called for active variables,
                choices before the variables that depend on them.

        Raises:
            SpaceError: Arithmetic in the space has no finite value for these numbers.
        """
        row = self._blank[:]
        for variable, index, parent, option in self._plan:
            if parent < 0 or row[parent] == option:
                row[index] = draw(variable)
        return self.root.assemble(row)

    def assemble(self, row: Sequence[float]) -> Any:
        """Returns the suggestion with these raw numbers.

        Raises:
            SpaceError: Arithmetic in the space has no finite value for these numbers.
        """
        return self.root.assemble(row)

    def sample(self, rng: Rng) -> Any:
        """Returns a random suggestion: ``assemble(random_row(rng))``.

        Variables follow their distributions, including priors. Fidelities are at their upper bounds.

        Args:
            rng: A ``random.Random`` or ``numpy.random.Generator``. Each active variable uses one number of
                ``rng.random()``.

        Raises:
            SpaceError: Arithmetic in the space has no finite value for these numbers.
        """
        return self.root.assemble(self.random_row(rng))

    def random_row(self, rng: Rng) -> Row:
        """Returns the raw numbers of a random suggestion, NaN for inactive variables."""
        row, random = self._blank[:], rng.random
        for index, from_unit, parent, option in self._draws:
            if parent < 0 or row[parent] == option:
                row[index] = from_unit(random())
        return row

    def row_at(self, units: Sequence[float]) -> Row:
        """Returns the raw numbers at a point of the unit cube, NaN for inactive variables, for quasi-random sequences.

        Args:
            units: A number in [0, 1) for each variable, by index. Those of inactive variables are ignored.
        """
        row = self._blank[:]
        for index, from_unit, parent, option in self._draws:
            if parent < 0 or row[parent] == option:
                row[index] = from_unit(units[index])
        return row

    def count(self) -> int | None:
        """Returns the number of points; None if it is infinite.

        The counts of the options of a choice are added, and the counts of other parts are multiplied. Fidelities are
        held at their upper bounds. For a formula, the points of its variables are counted. Options that overlap count
        in full, and options of probability 0 do not count.
        """
        return self.root.count()

    def validate(self, suggestion: Any) -> None:
        """Raises an error if the suggestion does not lie in the space.

        A formula of several variables cannot be solved, so only its range is checked.

        Raises:
            SpaceError: The suggestion does not lie in the space. The path is the place, and the reason says what is
                allowed there.
        """
        try:
            suggestion = shaped(suggestion)
        except NotPlain as error:
            raise SpaceError(error.reason, error.path).under("suggestion") from None
        check(self.root, suggestion, "suggestion")

    def spelled(self, suggestion: Any) -> Any:
        """Returns the suggestion as a search in this space would write it, for example 1 for 1.0 where it has integers.

        Values that do not lie in the space stay as they are. Two suggestions are one point if this form is equal.

        Raises:
            NotPlain: The suggestion is not plain data.
        """
        return spelled(self.root, shaped(suggestion), self._blank[:])

    def memo(self, row: Sequence[float]) -> dict[str, float] | None:
        """Returns what ``read`` needs besides the suggestion, by label; None if it needs nothing."""
        found = {
            label: int(row[index]) if whole else float(row[index])
            for label, index, whole in self._memorable
            if row[index] == row[index]
        }
        return found or None

    def read(self, suggestion: Any, memo: Memo | None) -> Row:
        """Returns the raw numbers of a suggestion of this space, NaN if inactive. Constants are not compared.

        Raises:
            SpaceError: The suggestion or the memo does not belong to this space.
        """
        row = self._blank[:]
        try:
            self.root.read(suggestion, memo or {}, row)
        except (LookupError, TypeError, ValueError) as error:
            raise SpaceError(f"does not fit the search space ({error!r})") from error
        return row

    def locate(self, suggestion: Any) -> Row | None:
        """Returns the raw numbers of a suggestion of another origin; None if it does not lie in the space.

        It also returns None if the space has a formula of several variables, which cannot be solved.
        """
        row = self._blank[:]
        return row if self.root.locate(suggestion, row) else None

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.data, *self._made_with)

    def __repr__(self) -> str:
        return f"Space.of({self.data!r})"


def _again(data: Any, path: str, full_fidelity: bool) -> Space:
    return Space.of(data, path, full_fidelity=full_fidelity)


def _plan(variables: Sequence[Variable]) -> list[tuple[Variable, int, int, int]]:
    """Returns each variable with its index and with the index and option of its choice (-1 if it depends on none).

    A variable with several places is listed once for each of them, after all choices that it depends on.
    """
    if any(variable.also for variable in variables):
        variables = sorted(variables, key=lambda variable: variable.depth)
    return [
        (variable, variable.index, parent.index if parent else -1, option)
        for variable in variables
        for parent, option in variable.places or ((None, 0),)
    ]


def _unit(variable: Variable) -> Callable[[float], float]:
    """Returns the function that turns a unit number into the raw number of a variable."""
    return variable.at_top if variable.fidelity else variable.distribution.from_unit
