"""The typed parameters that are one of several: options, ordered options, sub-spaces, and the constant.

The options of ``Categorical`` and ``Ordinal`` and the value of ``Constant`` are data: nothing in them varies,
even if it is written like a variable. The options of ``Choice`` are search spaces.
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

MAX_OPTIONS = 100_000  # of something that is gone through


class _Listing(Parameter):
    """What takes a list of options, and says so where they are given one by one."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Check the arguments; ``__init__`` takes them.

        Raises:
            UnknownArgument: There are several options, and no list of them.
        """
        if len(args) > 1:
            shown = ", ".join(map(repr, args)) if len(args) < 5 else f"{args[0]!r}, {args[1]!r}, ..."
            raise UnknownArgument(f"{cls.__name__} takes its options in one list: {cls.__name__}([{shown}])")
        return super().__new__(cls, *args, **kwargs)


@dataclass(frozen=True, eq=False, repr=False)
class Categorical(_Listing):
    """One of several options without an order.

    Args:
        options: Different plain data, in a list or whatever has an order; a set is sorted.
        label, prior, prior_confidence: See ``Parameter``. The prior is an option: to it goes a share of 0.25, 0.5 or
            0.75 of all draws, and the rest to all options alike.

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
        """What its index is drawn from."""
        return _options(self, None if self.prior is None else _place(self, self.prior))


@dataclass(frozen=True, eq=False, repr=False)
class Ordinal(_Listing):
    """One of several options in an order, equally likely; a search may take neighbours for similar.

    Args:
        options: Different plain data, in their order.
        label, prior, prior_confidence: See ``Parameter``. The prior is an option; draws of the index follow a
            normal around its place, as those of an ``Integer`` do.

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
        """What its index is drawn from."""
        place = None if self.prior is None else _place(self, self.prior)
        return Range(0, len(self.options) - 1, integer=True, prior=place, width=self.width)


@dataclass(frozen=True, eq=False, repr=False)
class Constant(Parameter):
    """Always the same: data that stay as they are, even where they look like a variable.

    Args:
        value: Plain data.
        label, prior, prior_confidence: See ``Parameter``; the prior can be the value alone.

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
    """One of several sub-spaces, equally likely; what stands in one is there only if it was chosen.

    Args:
        options: Search spaces: data, parameters, dicts and lists of these.
        label, prior, prior_confidence: See ``Parameter``. The prior is the place of an option, 0 for the first: to it
            goes a share of 0.25, 0.5 or 0.75 of all draws, and the rest to all options alike.

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
        """What its index is drawn from."""
        return _options(self, self.prior)

    def _written(self, name: str, value: Any) -> Any:
        return [*map(to_data, value)] if name == "options" else to_data(value)


def _shaped(given: Parameter, name: str) -> Any:
    """An argument as data, with its tuples and keys."""
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
        shown = " ".join(repr(options).split())  # a table has several lines
        raise given.wrong(f"options of {given.noun} must be a list with something in it, got {shown[:80]}")
    if not isinstance(given, Choice):
        return tuple(options)
    refuse_ranges(options, option=True)
    found = owned(list(options))
    return tuple(as_meant(found, True) if holds(options, is_graph) else found)


def _in_order(given: Parameter, options: Any) -> Any:
    """Options as a list, if they are something that goes through in one order, and a set in sorted order."""
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
    given._set(options=_shaped(given, "options"))  # a parameter among them is no data, and told to be none
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
    """The first option that is equal to ``wanted``."""
    return next((place for place, option in enumerate(given.options) if same(option, wanted)), None)


def _options(given: Categorical | Choice, favourite: int | None) -> Options:
    count = len(given.options)
    if favourite is None:
        return Options(count)
    if given.width > 1:
        raise given.wrong(f"prior_confidence of {given.noun} is a share from 0 to 1, got {given.prior_confidence!r}")
    rest = given.width / count  # the width is one minus the confidence
    return Options(count, tuple(rest + (1 - given.width) * (place == favourite) for place in range(count)))
