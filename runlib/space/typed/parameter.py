"""Defines what all typed parameters share: label and prior, the data form, equality and text.

A parameter checks its arguments when it is made, from a program or from a file. The data form
``["hp_float", label, {"low": 0, "high": 1}]`` is therefore read by making the parameter and needs no checks of its own.
An argument at its default is not written.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, Self

from runlib.engine.arguments import KnownArguments
from runlib.engine.data.plain import NotPlain, plain
from runlib.engine.synonyms import near
from runlib.errors import SpaceError
from runlib.space.arithmetic.expression import Term, to_data
from runlib.space.distributions.bell import WIDTHS

__all__ = ["Parameter"]

MAX_FLOAT = 1.7976931348623157e308


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Parameter(KnownArguments, Term):
    """Is the base class of the typed parameters.

    Attributes:
        label: The name of the parameter, unique in the space. Without it, the place is the name, such as ``a.b.0``.
        prior: The value that the user expects to be good, or None. Draws favour its neighbourhood.
        prior_confidence: The strength of the prior: ``"low"``, ``"medium"`` (the default), ``"high"`` or a number
            below 1. One minus that number is the spread of the draws, as a share of the range. The three names mean
            0.25, 0.5 and 0.75.
    """

    name: ClassVar[str]

    label: str | None = None
    prior: Any = None
    prior_confidence: str | float | None = None

    def __post_init__(self) -> None:
        if self.label is not None and (not isinstance(self.label, str) or not self.label):
            raise self.wrong(f"the label of {self.noun} must be a text, got {self.label!r}")
        if self.prior is None and self.prior_confidence is not None:
            raise self.wrong(f"prior_confidence of {self.noun} says nothing without a prior; give one too")
        if self.prior is not None:
            given = "medium" if self.prior_confidence is None else self._plain("prior_confidence")
            self._set(prior_confidence=given)
            if given not in WIDTHS if isinstance(given, str) else not _is_share(given):
                raise self.wrong(
                    f"prior_confidence of {self.noun} is low, medium or high, got {given!r}; a number below 1 will do"
                )

    @property
    def noun(self) -> str:
        """Returns the name of the parameter type in error messages."""
        return type(self).__name__

    @property
    def width(self) -> float:
        """Returns the standard deviation of draws with the prior, as a share of the range."""
        given = "medium" if self.prior_confidence is None else self.prior_confidence
        return WIDTHS[given] if isinstance(given, str) else 1 - given

    def wrong(self, reason: str) -> SpaceError:
        """Returns the error to raise for a wrong argument."""
        return SpaceError(reason)

    def to_data(self) -> list[Any]:
        """Returns ``[name, label, {arguments}]`` as plain data, without the label if there is none."""
        written = {name: self._written(name, value) for name, value in self.arguments().items()}
        return [self.name, *([self.label] if self.label else []), written]

    def _written(self, name: str, value: Any) -> Any:
        """Returns an argument in the data form."""
        return to_data(value)

    def arguments(self) -> dict[str, Any]:
        """Returns the arguments that are not at their defaults, without the label."""
        given = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "label"}
        defaults = {item.name: item.default for item in fields(self)}
        if self.prior is not None:
            defaults["prior_confidence"] = MISSING  # It is always written beside a prior.
        ordered = sorted(given.items(), key=lambda pair: pair[0].startswith("prior"))
        return {name: value for name, value in ordered if _differs(value, defaults[name])}

    @classmethod
    def from_arguments(cls, label: str | None, arguments: Mapping[str, Any]) -> Self:
        """Returns the parameter that a data form describes.

        Raises:
            SpaceError: An argument is wrong, unknown or missing.
        """
        known = {item.name: item for item in fields(cls) if item.name != "label"}
        for name in arguments:
            if name not in known:
                meant = near(name, known)
                hint = f"did you mean {meant[0]!r}?" if meant else f"it takes {', '.join(known)}"
                raise SpaceError(f"unknown argument {name!r} of {cls.name}; {hint}")
        for name, item in known.items():
            if item.default is MISSING and name not in arguments:
                raise SpaceError(f"{cls.name} needs the argument {name!r}")
        return cls(label=label, **arguments)

    def __repr__(self) -> str:
        needed = [item.name for item in fields(self) if item.default is MISSING]
        given = {**self.arguments(), **({"label": self.label} if self.label else {})}
        shown = [repr(given[name]) for name in needed]
        shown += [f"{name}={value!r}" for name, value in given.items() if name not in needed]
        return f"{type(self).__name__}({', '.join(shown)})"

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _plain(self, name: str) -> Any:
        """Returns an argument as plain data."""
        try:
            return plain(getattr(self, name))
        except NotPlain as error:
            raise SpaceError(f"{name} of {self.noun} {error.reason}", error.path) from None

    def _number(self, name: str) -> float:
        """Returns an argument that must be a finite number."""
        value = self._plain(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(f"{name} of {self.noun} must be a number, got {value!r}")
        if (isinstance(value, float) and not math.isfinite(value)) or abs(value) > MAX_FLOAT:
            raise self.wrong(f"{name} of {self.noun} must be finite, got {value!r}")
        return float(value) + 0.0

    def _integer(self, name: str) -> int:
        """Returns an argument that must be an integer that a float represents exactly."""
        value = self._number(name)
        if not value.is_integer() or abs(value) >= 2**53:
            raise self.wrong(f"{name} of {self.noun} must be an integer below 2**53, got {getattr(self, name)!r}")
        return int(value)

    def _flag(self, name: str) -> None:
        self._set(**{name: self._plain(name)})
        if not isinstance(getattr(self, name), bool):
            raise self.wrong(f"{name} of {self.noun} must be true or false, got {getattr(self, name)!r}")


def _is_share(given: Any) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool) and -math.inf < given < 1


def _differs(value: Any, default: Any) -> bool:
    return default is MISSING or value is not default
