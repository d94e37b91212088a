"""Defines the contract of a stop: a predicate over the state of a run that ends the run.

A stop is a pure function of the state, so it is the same for a live, a restored and a checked-out run. It limits which
trials are started, never which are suggested. ``a | b`` is done when either is done, ``a & b`` when both are.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable
from numbers import Real
from typing import Any, cast

from runlib.engine.component import Component, from_config
from runlib.errors import RunlibError
from runlib.state.state import State

__all__ = ["Stop"]


class Stop(Component, abstract=True):
    """Is the base class of all stops: override ``done``, and ``room`` if the number of trials is limited."""

    # The method of the run that was last asked for its stop.
    _ask: weakref.WeakMethod[Callable[[str], None]] | None = None

    @classmethod
    def read_short(cls, given: Any) -> Any:
        """Returns the stop for a short form: a number means ``StopMax(40)``, a list its first stop to be done."""
        if isinstance(given, str) and given.strip().isdecimal():
            given = int(given)
        if isinstance(given, Real):
            return {"stop_max": {"count": given}}
        return {"stop_any": {"stops": given}} if isinstance(given, list | tuple) else given

    def __or__(self, other: Any) -> Stop:
        """Returns a ``StopAny``, which is done when either stop is done."""
        return self._joined("stop_any", other)

    def __and__(self, other: Any) -> Stop:
        """Returns a ``StopAll``, which is done when both stops are done."""
        return self._joined("stop_all", other)

    def _joined(self, kind: str, other: Any) -> Stop:
        if not isinstance(other, Stop):
            return cast(Stop, NotImplemented)
        stops = [stop for one in (self, other) for stop in (one.stops if one.kind == kind else [one])]  # type: ignore[attr-defined]
        joined: Stop = from_config({kind: {"stops": stops}}, family=Stop)
        return joined

    def done(self, state: State) -> bool:
        """Returns whether the run has done enough."""
        raise NotImplementedError(f"{type(self).__qualname__} has no done()")

    def room(self, state: State) -> float:
        """Returns how many more results are wanted; the run starts no more trials than that, including running ones.

        It is at least 1 as long as the stop is not done. Otherwise the run could not continue. By default there is no
        limit.
        """
        return 0 if self.done(state) else math.inf

    def short_report(self, state: State) -> str:
        """Returns one sentence for ``status.txt``, such as ``Counted trials: 17/100.``"""
        return f"{self.kind}: {'reached' if self.done(state) else 'not yet reached'}."

    def __call__(self, reason: str = "") -> None:
        """Asks the run that has this stop to end in order, whatever is done by then: ``run.stop(reason)``.

        Raises:
            RunlibError: The stop was not taken from a run, or nobody runs that run.
        """
        ask = None if self._ask is None else self._ask()
        if ask is None:
            raise RunlibError(f"this {self.kind} belongs to no run; call it as run.stop(reason)")
        ask(reason)
