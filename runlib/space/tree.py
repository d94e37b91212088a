"""The tree of a search space: compiled once, used by every search.

Every search makes its suggestions by ``Space.walk`` or by rows of raw numbers: the active variables are met from
the root on, choices before what depends on them, and ``assemble`` makes fresh plain data. The way back, from a
suggestion of old to the raw numbers, is ``read``. How the tree was written down is no concern of it.
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
    """A search space: ``Space.of({"x": Float(0, 1), "n": ["hp_randint", "n", 5]})``.

    Attributes:
        root: The tree.
        variables: All variables; the raw number of ``variables[i]`` is item i of a row. A variable stands behind the
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
        """The search space that is written down in ``space``.

        Args:
            space: Typed parameters, variables in text form (``runlib.space.forms.text``), arithmetic on them, and plain
                data, in dicts and lists or alone; objects of other tools, wherever a parameter can stand;
                ``{dialect: space}`` (``runlib.space.dialects``); the path of a YAML or JSON file; or a ``Space``.
            path: What the root is called in errors.
            full_fidelity: Whether a parameter with ``fidelity=True`` becomes a constant at its upper bound, as it is
                for a search that knows no fidelity.

        Raises:
            SpaceError: Something is wrong in it; the path names the place.
        """
        data = space.data if isinstance(space, Space) else canonical_data(space, path)
        parser = Parser(path, full_fidelity)
        made = cls(parser.tree(data), parser.variables, data)
        made._made_with = path, full_fidelity
        return made

    @property
    def data(self) -> Any:
        """The canonical form, plain data: with the labels and without the defaults of typed parameters."""
        return self._data.assemble([])

    @property
    def fidelities(self) -> tuple[Variable, ...]:
        """The variables that are the resource of a trial."""
        return tuple(variable for variable in self.variables if variable.fidelity)

    def walk(self, draw: Draw) -> Any:
        """A suggestion: fresh plain data.

        Args:
            draw: Gives the raw number of a variable; asked for the active ones alone, choices before what
                depends on them.

        Raises:
            SpaceError: Arithmetic in the space has no finite value there.
        """
        row = self._blank[:]
        for variable, index, parent, option in self._plan:
            if parent < 0 or row[parent] == option:
                row[index] = draw(variable)
        return self.root.assemble(row)

    def assemble(self, row: Sequence[float]) -> Any:
        """The suggestion with these raw numbers.

        Raises:
            SpaceError: Arithmetic in the space has no finite value there.
        """
        return self.root.assemble(row)

    def sample(self, rng: Rng) -> Any:
        """A random suggestion: ``assemble(random_row(rng))``.

        Variables follow their distributions, priors included; fidelities are at their upper bounds.

        Args:
            rng: ``random.Random`` or ``numpy.random.Generator``; one number of ``rng.random()`` is used for each active
                variable.

        Raises:
            SpaceError: Arithmetic in the space has no finite value there.
        """
        return self.root.assemble(self.random_row(rng))

    def random_row(self, rng: Rng) -> Row:
        """The raw numbers of a random suggestion, NaN where inactive."""
        row, random = self._blank[:], rng.random
        for index, from_unit, parent, option in self._draws:
            if parent < 0 or row[parent] == option:
                row[index] = from_unit(random())
        return row

    def row_at(self, units: Sequence[float]) -> Row:
        """The raw numbers at a point of the unit cube, NaN where inactive: for quasi-random sequences.

        Args:
            units: A number in [0, 1) for each variable, by index; those of inactive variables do not matter.
        """
        row = self._blank[:]
        for index, from_unit, parent, option in self._draws:
            if parent < 0 or row[parent] == option:
                row[index] = from_unit(units[index])
        return row

    def count(self) -> int | None:
        """The number of points, None if there is no end of them.

        Branches of a choice add, what stands side by side multiplies; fidelities are held at their upper bounds. Of a
        formula the points of its variables count, of options that overlap the points of each, and options of
        probability 0 not at all.
        """
        return self.root.count()

    def validate(self, suggestion: Any) -> None:
        """Nothing, if the suggestion lies in the space.

        A formula of several variables cannot be solved: of it alone the range is checked.

        Raises:
            SpaceError: It does not; the path is the place in the suggestion, the reason what is admissible there.
        """
        try:
            suggestion = shaped(suggestion)
        except NotPlain as error:
            raise SpaceError(error.reason, error.path).under("suggestion") from None
        check(self.root, suggestion, "suggestion")

    def spelled(self, suggestion: Any) -> Any:
        """The suggestion as a search in this space would write it: 1 for 1.0 where there are integers, and so on.

        What does not lie in the space stays as it is. Two suggestions are one point if they are spelled alike.

        Raises:
            NotPlain: The suggestion is no plain data.
        """
        return spelled(self.root, shaped(suggestion), self._blank[:])

    def memo(self, row: Sequence[float]) -> dict[str, float] | None:
        """What ``read`` needs beside the suggestion: by label, or None for nothing."""
        found = {
            label: int(row[index]) if whole else float(row[index])
            for label, index, whole in self._memorable
            if row[index] == row[index]
        }
        return found or None

    def read(self, suggestion: Any, memo: Memo | None) -> Row:
        """The raw numbers of an own suggestion, NaN where inactive; its constants are not compared.

        Raises:
            SpaceError: The suggestion or the memo is not of this space.
        """
        row = self._blank[:]
        try:
            self.root.read(suggestion, memo or {}, row)
        except (LookupError, TypeError, ValueError) as error:
            raise SpaceError(f"does not fit the search space ({error!r})") from error
        return row

    def locate(self, suggestion: Any) -> Row | None:
        """The raw numbers of a suggestion that somebody else made, or None if it is not in the space.

        None as well where a formula of several variables stands, for that cannot be solved.
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
    """Each variable with its index, and the index and option of a choice that it depends on (-1 if on none).

    One with several places stands there once for each of these, behind all that it depends on.
    """
    if any(variable.also for variable in variables):
        variables = sorted(variables, key=lambda variable: variable.depth)
    return [
        (variable, variable.index, parent.index if parent else -1, option)
        for variable in variables
        for parent, option in variable.places or ((None, 0),)
    ]


def _unit(variable: Variable) -> Callable[[float], float]:
    """What turns a unit number into the raw number of a variable."""
    return variable.at_top if variable.fidelity else variable.distribution.from_unit
