"""The contract of a stop: a predicate over the state of a run that ends it.

A stop is a pure function of the state, so that it is the same for a live run, a restored and a checked-out one.
A stop limits what is started, never what is suggested. ``a | b`` is whichever comes first, ``a & b`` both.
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
    """Base of all stops: override ``done``, and ``room`` where the number of trials is limited."""

    _ask: weakref.WeakMethod[Callable[[str], None]] | None = None  # of the run that was last asked for its stop

    @classmethod
    def read_short(cls, given: Any) -> Any:
        """A number means so many trials, ``StopMax(40)``; a list means whichever of its stops comes first."""
        if isinstance(given, str) and given.strip().isdecimal():
            given = int(given)
        if isinstance(given, Real):
            return {"stop_max": {"count": given}}
        return {"stop_any": {"stops": given}} if isinstance(given, list | tuple) else given

    def __or__(self, other: Any) -> Stop:
        """``StopAny``: whichever comes first."""
        return self._joined("stop_any", other)

    def __and__(self, other: Any) -> Stop:
        """``StopAll``: once both are reached."""
        return self._joined("stop_all", other)

    def _joined(self, kind: str, other: Any) -> Stop:
        if not isinstance(other, Stop):
            return cast(Stop, NotImplemented)
        stops = [stop for one in (self, other) for stop in (one.stops if one.kind == kind else [one])]  # type: ignore[attr-defined]
        joined: Stop = from_config({kind: {"stops": stops}}, family=Stop)
        return joined

    def done(self, state: State) -> bool:
        """Whether the run has done enough."""
        raise NotImplementedError(f"{type(self).__qualname__} has no done()")

    def room(self, state: State) -> float:
        """How many more results are wanted; the run starts no more trials than that, running ones included.

        At least 1 as long as the stop is not done, or the run could not go on. Without limit by default.
        """
        return 0 if self.done(state) else math.inf

    def short_report(self, state: State) -> str:
        """One sentence for ``status.txt``, such as ``Counted trials: 17/100.``"""
        return f"{self.kind}: {'reached' if self.done(state) else 'not yet reached'}."

    def __call__(self, reason: str = "") -> None:
        """``run.stop(reason)``: ask the run of which this is the stop to end in order, whatever is done by then.

        Raises:
            RunlibError: It was not taken from a run, or nobody runs that.
        """
        ask = None if self._ask is None else self._ask()
        if ask is None:
            raise RunlibError(f"this {self.kind} belongs to no run; call it as run.stop(reason)")
        ask(reason)
