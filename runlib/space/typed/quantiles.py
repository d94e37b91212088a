"""Defines the parameter that follows a distribution of ``scipy.stats``. Such a distribution in a space becomes one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from runlib.engine.extras import load
from runlib.space.distributions.quantile import Quantile
from runlib.space.typed.parameter import Parameter

__all__ = ["Quantiles"]


@dataclass(frozen=True, eq=False, repr=False)
class Quantiles(Parameter):
    """Draws a number from a distribution of ``scipy.stats``, continuous or discrete.

    Args:
        stats: The name of the distribution in ``scipy.stats``, such as ``"expon"``.
        parameters: The parameters of the distribution by name, such as ``{"scale": 100}``.
        label: See ``Parameter``. There is no prior, since the distribution is one.

    Raises:
        SpaceError: There is no such distribution, it does not take these parameters, or a prior is given.
    """

    name: ClassVar[str] = "hp_scipy"

    stats: str
    parameters: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(stats=self._plain("stats"), parameters=self._plain("parameters") or None)
        if self.prior is not None:
            raise self.wrong(f"{self.name} takes no prior, got {self.prior!r}: the distribution is one")
        generic = getattr(load("scipy.stats"), self.stats, None) if isinstance(self.stats, str) else None
        if "rv_generic" not in [cls.__name__ for cls in type(generic).__mro__]:
            raise self.wrong(f"there is no distribution {self.stats!r} in scipy.stats")
        if not isinstance(self.parameters or {}, Mapping):
            raise self.wrong(f"parameters of {self.name} are a dict, got {self.parameters!r}")
        self._check()

    def _check(self) -> None:
        try:
            ends = [self.distribution().value(share) for share in (0.01, 0.5, 0.99)]
        except (TypeError, ValueError, OverflowError) as error:
            raise self.wrong(f"{self.stats} of scipy.stats does not take {self.parameters or {}!r}: {error}") from None
        if not all(map(math.isfinite, ends)):
            raise self.wrong(f"{self.stats} of scipy.stats has no quantiles with {self.parameters or {}!r}")

    def distribution(self) -> Quantile:
        """Returns the distribution of the number."""
        return Quantile(self.stats, tuple(sorted((self.parameters or {}).items())))
