"""Defines the typed parameters that choose one of several: options, ordered options, sub-spaces, and the constant.

The options of ``Categorical`` and ``Ordinal`` and the value of ``Constant`` are data: nothing in them varies, even if
it is written like a variable. The options of ``Choice`` are search spaces.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, KeysView, ValuesView
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar, Self

from runlib.engine.data.native import is_column, listed
from runlib.engine.data.plain import NotPlain
from runlib.errors import SpaceError, UnknownArgument
from runlib.space.accidents import as_meant, refuse_ranges
from runlib.space.arithmetic.expression import owned, to_data
from runlib.space.distributions.distribution import Options
from runlib.space.distributions.ranges import Range
from runlib.space.foreign import holds, is_graph
from runlib.space.forms.shapes import decoded, encoded
from runlib.space.nodes import same
from runlib.space.refusal import told
from runlib.space.typed.parameter import Parameter

__all__ = ["Categorical", "Choice", "Constant", "Ordinal"]

MAX_OPTIONS = 100_000  # An iterator may yield at most so many options.


class _Listing(Parameter):
    """Is the base class of parameters that take a list of options. An error explains options given one by one."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Checks the arguments before ``__init__`` takes them.

        Raises:
            UnknownArgument: The call has several options and no list of them.
        """
        if len(args) > 1:
            shown = ", ".join(map(repr, args)) if len(args) < 5 else f"{args[0]!r}, {args[1]!r}, ..."
            raise UnknownArgument(f"{cls.__name__} takes its options in one list: {cls.__name__}([{shown}])")
        return super().__new__(cls, *args, **kwargs)


@dataclass(frozen=True, eq=False, repr=False)
class Categorical(_Listing):
    """Chooses one of several options without an order.

    Args:
        options: Different plain data, in a list or another collection with an order. A set is sorted.
        label, prior, prior_confidence: See ``Parameter``. The prior is an option. It gets a share of 0.25, 0.5 or 0.75
            of all draws, and all options share the rest equally.

    Raises:
        SpaceError: An argument is wrong.
    """

    name: ClassVar[str] = "hp_categorical"

    options: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_options(self)

    def _written(self, name: str, value: Any) -> Any:
        return _written(name, value)

    def distribution(self) -> Options:
        """Returns the distribution of the index of the option."""
        return _options(self, None if self.prior is None else _place(self, self.prior))


@dataclass(frozen=True, eq=False, repr=False)
class Ordinal(_Listing):
    """Chooses one of several ordered, equally likely options. A search may treat neighbours as similar.

    Args:
        options: Different plain data, in their order.
        label, prior, prior_confidence: See ``Parameter``. The prior is an option. The index then follows a normal
            distribution around its place, as for an ``Integer``.

    Raises:
        SpaceError: An argument is wrong.
    """

    name: ClassVar[str] = "hp_ordinal"

    options: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_options(self)

    def _written(self, name: str, value: Any) -> Any:
        return _written(name, value)

    def distribution(self) -> Range:
        """Returns the distribution of the index of the option."""
        place = None if self.prior is None else _place(self, self.prior)
        return Range(0, len(self.options) - 1, integer=True, prior=place, width=self.width)


@dataclass(frozen=True, eq=False, repr=False)
class Constant(Parameter):
    """Always returns the same data, which stays as it is even if it looks like a variable.

    Args:
        value: Plain data.
        label, prior, prior_confidence: See ``Parameter``. The prior can only be the value itself.

    Raises:
        SpaceError: An argument is wrong.
    """

    name: ClassVar[str] = "hp_constant"

    value: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(value=_shaped(self, "value"))
        if self.prior is not None and not same(self.value, _shaped(self, "prior")):
            raise self.wrong(f"prior of Constant can only be its value {self.value!r}, got {self.prior!r}")

    def _written(self, name: str, value: Any) -> Any:
        return _written(name, value)


@dataclass(frozen=True, eq=False, repr=False)
class Choice(_Listing):
    """Chooses one of several equally likely sub-spaces. The parameters in a sub-space exist only if it was chosen.

    Args:
        options: Search spaces: data, parameters, dicts and lists of these.
        label, prior, prior_confidence: See ``Parameter``. The prior is the place of an option, 0 for the first. It
            gets a share of 0.25, 0.5 or 0.75 of all draws, and all options share the rest equally.

    Raises:
        SpaceError: An argument is wrong.
    """

    name: ClassVar[str] = "hp_choice"

    options: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(options=_listed(self))
        if self.prior is not None:
            self._set(prior=self._integer("prior"))
            if not 0 <= self.prior < len(self.options):
                raise self.wrong(
                    f"prior of Choice is the place of an option, from 0 to {len(self.options) - 1}, got {self.prior}"
                )

    def distribution(self) -> Options:
        """Returns the distribution of the index of the option."""
        return _options(self, self.prior)

    def _written(self, name: str, value: Any) -> Any:
        return [*map(to_data, value)] if name == "options" else to_data(value)


def _shaped(given: Parameter, name: str) -> Any:
    """Returns an argument as data that keeps its tuples and keys."""
    try:
        return decoded(getattr(given, name))
    except NotPlain as error:
        what, reason = "an option" if name == "options" else name, told(error)
        raise SpaceError(f"{what} of {given.noun}{'' if reason[:3] == 'is ' else ':'} {reason}", error.path) from None


def _written(name: str, value: Any) -> Any:
    return [*map(encoded, value)] if name == "options" else encoded(value)


def _listed(given: Categorical | Ordinal | Choice) -> tuple[Any, ...]:
    options = _in_order(given, given.options)
    if not isinstance(options, list | tuple) or not options:
        shown = " ".join(repr(options).split())  # The repr() of a table has several lines.
        raise given.wrong(f"options of {given.noun} must be a list with something in it, got {shown[:80]}")
    if not isinstance(given, Choice):
        return tuple(options)
    refuse_ranges(options, option=True)
    found = owned(list(options))
    return tuple(as_meant(found, True) if holds(options, is_graph) else found)


def _in_order(given: Parameter, options: Any) -> Any:
    """Returns options from ordered collections as a list, and those from a set in sorted order."""
    if is_column(options):
        return listed(options)
    if isinstance(options, set | frozenset):
        try:
            return sorted(options)
        except TypeError:
            raise given.wrong(
                f"options of {given.noun} are a set, which has no order, and cannot be sorted; give a list, so that "
                "the same is drawn each time"
            ) from None
    if isinstance(options, Iterator | KeysView | ValuesView | deque):
        found = list(islice(options, MAX_OPTIONS + 1))
        if len(found) > MAX_OPTIONS:
            raise given.wrong(f"options of {given.noun} are more than {MAX_OPTIONS}, or there is no end of them")
        return found
    return options


def _check_options(given: Categorical | Ordinal) -> None:
    given._set(options=_listed(given))
    given._set(options=_shaped(given, "options"))  # A parameter among the options raises an error that says so.
    for place, option in enumerate(given.options):
        before = _place(given, option)
        if before != place:
            raise given.wrong(
                f"options {before} and {place} of {given.noun} are the same, {option!r}; drop one, "
                f"or take Choice to have it drawn more often"
            )
    if given.prior is not None:
        given._set(prior=_shaped(given, "prior"))
        if _place(given, given.prior) is None:
            raise given.wrong(f"prior of {given.noun} must be one of its options, got {given.prior!r}")


def _place(given: Categorical | Ordinal, wanted: Any) -> int | None:
    """Returns the place of the first option that is equal to ``wanted``; None if there is none."""
    return next((place for place, option in enumerate(given.options) if same(option, wanted)), None)


def _options(given: Categorical | Choice, prior_place: int | None) -> Options:
    count = len(given.options)
    if prior_place is None:
        return Options(count)
    if given.width > 1:
        raise given.wrong(f"prior_confidence of {given.noun} is a share from 0 to 1, got {given.prior_confidence!r}")
    rest = given.width / count  # The width is one minus the confidence.
    return Options(count, tuple(rest + (1 - given.width) * (place == prior_place) for place in range(count)))
