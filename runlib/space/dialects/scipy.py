"""Translates distributions of ``scipy.stats`` with their parameters, and the dicts of them that scikit-learn searches.

Some become parameters of runlib: ``uniform``, ``loguniform``, ``randint``, ``norm``, ``lognorm``, and ``truncnorm``
around a mean within its bounds. Any other is drawn by its quantiles (``runlib.space.typed.quantiles``).

In ``RandomizedSearchCV``, a list beside distributions is a choice. The same holds here for a dict that contains only
distributions of scipy, lists, and values. A list of such dicts is a choice of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from runlib.engine.data.native import is_column, native
from runlib.errors import SpaceError
from runlib.space.dialects.base import check_data, constant, drawn_by_place, typed
from runlib.space.foreign import is_frozen
from runlib.space.scikit_learn import is_grid, is_scikit_learn
from runlib.space.typed.quantiles import Quantiles
from runlib.space.typed.quantities import Float, Integer, LogNormal, Normal

__all__ = ["alternatives", "from_frozen", "from_scikit_learn"]

PATH = "scipy"
Arguments = Mapping[str, Any]


def from_frozen(given: Any) -> Any:
    """Returns the data of a distribution.

    Raises:
        SpaceError: The distribution has no counterpart.
    """
    name, arguments = _name(given), _arguments(given)
    make = KNOWN.get(name)
    found = None if make is None else make(arguments)
    if found is not None:
        return found
    if not callable(getattr(given, "ppf", None)):
        raise SpaceError(f"{type(given).__name__} of scipy.stats has no counterpart; take one of its older kind", PATH)
    return typed(PATH, Quantiles, name, arguments)


def _name(given: Any) -> str:
    return str(given.dist.name) if hasattr(given, "dist") else type(given).__name__.lower()


def _arguments(given: Any) -> dict[str, Any]:
    """Returns the parameters by their names."""
    if not hasattr(given, "dist"):  # The distributions of scipy 1.15 and later have their parameters as attributes.
        return {name: native(getattr(given, name)) for name in ("a", "b", "mu", "sigma") if hasattr(given, name)}
    dist = given.dist
    names = [name.strip() for name in (dist.shapes or "").split(",") if name.strip()]
    names += ["loc", "scale"] if hasattr(dist, "pdf") else ["loc"]
    found = {**dict(zip(names, given.args, strict=False)), **given.kwds}
    return {name: check_data(value, f"{PATH}.{name}") for name, value in found.items()}


def _uniform(given: Arguments) -> Any:
    if "a" in given:
        return typed(PATH, Float, given["a"], given["b"])
    low = given.get("loc", 0)
    return typed(PATH, Float, low, low + given.get("scale", 1))


def _loguniform(given: Arguments) -> Any:
    scale = given.get("scale", 1)
    return None if given.get("loc", 0) else typed(PATH, Float, given["a"] * scale, given["b"] * scale, log=True)


def _randint(given: Arguments) -> Any:
    loc = given.get("loc", 0)
    return typed(PATH, Integer, given["low"] + loc, given["high"] + loc - 1)


def _norm(given: Arguments) -> Any:
    mean, deviation = ("mu", "sigma") if "mu" in given else ("loc", "scale")
    return typed(PATH, Normal, given.get(mean, 0), given.get(deviation, 1))


def _lognorm(given: Arguments) -> Any:
    return None if given.get("loc", 0) else typed(PATH, LogNormal, math.log(given.get("scale", 1)), given["s"])


def _truncnorm(given: Arguments) -> Any:
    """Returns a prior with its spread as a share of the range; None if its mean is outside or its range infinite."""
    mean, deviation = given.get("loc", 0), given.get("scale", 1)
    low, high = mean + given["a"] * deviation, mean + given["b"] * deviation
    if not low <= mean <= high or not math.isfinite(high - low):
        return None
    return typed(PATH, Float, low, high, prior=mean, prior_confidence=1 - deviation / (high - low))


KNOWN: dict[str, Callable[[Arguments], Any]] = {
    "lognorm": _lognorm,
    "loguniform": _loguniform,
    "norm": _norm,
    "normal": _norm,
    "randint": _randint,
    "reciprocal": _loguniform,
    "truncnorm": _truncnorm,
    "uniform": _uniform,
}


def from_scikit_learn(space: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the data of a dict for which ``is_scikit_learn`` is true. Lists become options.

    Raises:
        SpaceError: Something in the dict is wrong. The path names the place.
    """
    return {key: _value(value, str(key)) for key, value in space.items()}


def _value(value: Any, path: str) -> Any:
    if is_frozen(value):
        try:
            return from_frozen(value)
        except SpaceError as error:
            raise SpaceError(error.reason, path) from error.__cause__
    if isinstance(value, list | tuple) or is_column(value):
        return drawn_by_place(list(native(value)), path)
    return constant(value, path)


def alternatives(space: Any) -> Any:
    """Returns a list of dicts in the form of scikit-learn as a choice of these. Other spaces stay unchanged."""
    if not isinstance(space, list) or not any(map(is_scikit_learn, space)):
        return space
    if not all(is_scikit_learn(item) or is_grid(item) for item in space):
        return space
    made = [{key: _value(value, f"{place}.{key}") for key, value in item.items()} for place, item in enumerate(space)]
    return ["hp_choice", {"options": made}]
