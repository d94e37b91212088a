"""Defines the typed parameters that are numbers.

Bounds are values, not logarithms, and both belong to the range. Without a prior, draws are uniform on the range, or on
its logarithm with ``log=True``. The ends of an ``Integer`` are as likely as its other values. With a prior, draws
follow a normal distribution around it on the same scale, cut off at the bounds. Its standard deviation is 0.75, 0.5 or
0.25 of the scale for a low, medium or high confidence, as in NePS (``runlib.space.distributions.bell``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

from runlib.space.distributions.distribution import Normal as NormalDistribution
from runlib.space.distributions.ranges import Range
from runlib.space.forms.functions import MAX_LOG, MIN_LOG
from runlib.space.typed.parameter import Parameter

__all__ = ["Float", "Integer", "LogNormal", "Normal"]


@dataclass(frozen=True, eq=False, repr=False)
class Float(Parameter):
    """Draws a number from ``low`` to ``high``, both included.

    Args:
        low: The least value; above 0 with ``log``.
        high: The greatest value, above ``low``.
        log: Whether draws are uniform in the logarithm.
        step: The distance of values, which are ``low + k * step``, all equally likely. It excludes ``log``.
        fidelity: Whether it is the resource of a trial. A search that ignores fidelities takes ``high``.
        label, prior, prior_confidence: See ``Parameter``. The prior is a value.

    Raises:
        SpaceError: An argument is wrong.
    """

    name: ClassVar[str] = "hp_float"

    low: float
    high: float
    log: bool = False
    step: float | None = None
    fidelity: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(low=self._number("low"), high=self._number("high"))
        if self.step is not None:
            self._set(step=self._number("step"))
        if not self.low < self.high:
            raise self.wrong(f"low of Float must be below high, got {self.low!r} and {self.high!r}")
        _check_range(self)

    def distribution(self) -> Range:
        """Returns the distribution of the number."""
        return Range(self.low, self.high, self.log, False, self.step, self.prior, self.width)


@dataclass(frozen=True, eq=False, repr=False)
class Integer(Parameter):
    """Draws an integer from ``low`` to ``high``, both included and as likely as the others.

    Args:
        low: The least value; above 0 with ``log``.
        high: The greatest value, not below ``low``.
        log: Whether draws are uniform in the logarithm. An integer n is then as likely as the numbers from n - 1/2 to
            n + 1/2.
        step: The distance of values, which are ``low + k * step``. It excludes ``log``.
        fidelity: Whether it is the resource of a trial. A search that ignores fidelities takes the greatest value.
        label, prior, prior_confidence: See ``Parameter``. The prior is a value.

    Raises:
        SpaceError: An argument is wrong.
    """

    name: ClassVar[str] = "hp_integer"

    low: int
    high: int
    log: bool = False
    step: int | None = None
    fidelity: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(low=self._integer("low"), high=self._integer("high"))
        if self.step is not None:
            self._set(step=self._integer("step"))
        if not self.low <= self.high:
            raise self.wrong(f"low of Integer must not be above high, got {self.low} and {self.high}")
        _check_range(self)

    def distribution(self) -> Range:
        """Returns the distribution of the integer."""
        return Range(self.low, self.high, self.log, True, self.step, self.prior, self.width)


def _check_range(given: Float | Integer) -> None:
    given._flag("log")
    given._flag("fidelity")
    if given.log and given.low <= 0:
        raise given.wrong(f"low of {given.noun} must be above 0 with log, got {given.low!r}")
    if given.high - given.low > 1.7e308:
        raise given.wrong(f"the range of {given.noun} is beyond all floats, got {given.low!r} to {given.high!r}")
    _check_step(given)
    if given.prior is not None:
        given._set(prior=given._integer("prior") if isinstance(given, Integer) else given._number("prior"))
        range_ = Range(given.low, given.high, given.log, isinstance(given, Integer), given.step)
        if range_.raw(given.prior) is None:
            raise given.wrong(f"prior of {given.noun} must be {range_.describe()}, got {given.prior!r}")


def _check_step(given: Float | Integer) -> None:
    step = given.step
    if step is None:
        return
    if step <= 0:
        raise given.wrong(f"step of {given.noun} must be positive, got {step!r}")
    if given.log:
        raise given.wrong(f"{given.noun} takes a step or log, not both; leave one out")
    if not step <= given.high - given.low < 2**53 * step:
        raise given.wrong(
            f"step of {given.noun} must lead from low to high in 1 to 2**53 steps, got {step!r} for {given.low!r} to "
            f"{given.high!r}"
        )


@dataclass(frozen=True, eq=False, repr=False)
class Normal(Parameter):
    """Draws a normally distributed number.

    Args:
        mu: The mean.
        sigma: The standard deviation, positive.
        label, prior, prior_confidence: See ``Parameter``. A prior replaces the mean, and the standard deviation
            becomes 0.75, 0.5 or 0.25 of ``sigma``.

    Raises:
        SpaceError: An argument is wrong.
    """

    name: ClassVar[str] = "hp_normal"

    mu: float
    sigma: float

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_normal(self)

    def distribution(self) -> NormalDistribution:
        """Returns the distribution of the number."""
        return _normal(self)


@dataclass(frozen=True, eq=False, repr=False)
class LogNormal(Parameter):
    """Draws a positive number whose logarithm is normally distributed.

    Args:
        mu: The mean of the logarithm.
        sigma: The standard deviation of the logarithm, positive.
        label, prior, prior_confidence: See ``Parameter`` and ``Normal``. The prior is a value, and its logarithm
            replaces ``mu``.

    Raises:
        SpaceError: An argument is wrong.
    """

    name: ClassVar[str] = "hp_lognormal"

    mu: float
    sigma: float

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_normal(self)
        if not MIN_LOG < self.mu < MAX_LOG:
            raise self.wrong(f"mu of LogNormal is the mean of the logarithm, from -708 to 709, got {self.mu!r}")
        if self.prior is not None and self.prior <= 0:
            raise self.wrong(f"prior of LogNormal must be above 0, got {self.prior!r}")

    def distribution(self) -> NormalDistribution:
        """Returns the distribution of the number."""
        return _normal(self)


def _check_normal(given: Normal | LogNormal) -> None:
    given._set(mu=given._number("mu"), sigma=given._number("sigma"))
    if given.sigma <= 0:
        raise given.wrong(f"sigma of {given.noun} must be positive, got {given.sigma!r}")
    if given.prior is not None:
        given._set(prior=given._number("prior"))


def _normal(given: Normal | LogNormal) -> NormalDistribution:
    log = isinstance(given, LogNormal)
    if given.prior is None:
        return NormalDistribution(given.mu, given.sigma, log=log)
    middle = math.log(given.prior) if log else given.prior
    return NormalDistribution(middle, given.width * given.sigma, log=log)
