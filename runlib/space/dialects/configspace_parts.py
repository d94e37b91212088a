"""Converts the hyperparameters of ConfigSpace: each to its data form, and to values that others can depend on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from runlib.errors import SpaceError
from runlib.space.dialects.base import check_data, constant, typed
from runlib.space.dialects.unfold import Part
from runlib.space.typed.alternatives import Categorical, Ordinal
from runlib.space.typed.quantities import Float, Integer

__all__ = ["MAX_VALUES", "listed", "part"]

MAX_VALUES = 10_000  # An integer that others depend on may have at most so many values.


def part(library: Any, given: Any, path: str) -> Part:
    """Returns a hyperparameter in the form that ``unfold`` takes.

    Raises:
        SpaceError: The hyperparameter cannot be expressed.
    """
    if isinstance(given, library.CategoricalHyperparameter):
        return _categorical(given, path)
    if isinstance(given, library.OrdinalHyperparameter):
        return _ordinal(given, path)
    if isinstance(given, library.Constant):
        fixed = constant(given.value, path)
        return Part(lambda label, places: fixed, (1.0,))
    if isinstance(given, library.UniformIntegerHyperparameter):
        return _integer(given, path)
    return _numeric(library, given, path)


def listed(library: Any, given: Any) -> Sequence[Any] | None:
    """Returns the values of a hyperparameter that others can depend on; None if there is no list of them."""
    if isinstance(given, library.CategoricalHyperparameter):
        return list(given.choices)
    if isinstance(given, library.OrdinalHyperparameter):
        return list(given.sequence)
    if isinstance(given, library.Constant):
        return [given.value]
    if isinstance(given, library.UniformIntegerHyperparameter) and given.upper - given.lower < MAX_VALUES:
        return range(int(given.lower), int(given.upper) + 1)
    return None


def _categorical(given: Any, path: str) -> Part:
    weights = [1.0] * len(given.choices) if given.weights is None else [float(weight) for weight in given.weights]
    shares = tuple(weight / math.fsum(weights) for weight in weights)
    choices = check_data(list(given.choices), path)

    def leaf(label: str, places: Sequence[int] | None) -> Any:
        kept = list(range(len(choices)) if places is None else places)
        if not label:
            return constant(choices[kept[0]], path)
        if len({shares[place] for place in kept}) == 1:
            return typed(path, Categorical, [choices[place] for place in kept], label=label)
        total = math.fsum(shares[place] for place in kept)
        return ["hp_pchoice", label, [[shares[place] / total, constant(choices[place], path)] for place in kept]]

    return Part(leaf, shares)


def _ordinal(given: Any, path: str) -> Part:
    sequence = check_data(list(given.sequence), path)

    def leaf(label: str, places: Sequence[int] | None) -> Any:
        kept = list(range(len(sequence)) if places is None else places)
        return (
            typed(path, Ordinal, [sequence[k] for k in kept], label=label)
            if label
            else constant(sequence[kept[0]], path)
        )

    return Part(leaf, (1 / len(sequence),) * len(sequence))


def _integer(given: Any, path: str) -> Part:
    low, high, log = int(given.lower), int(given.upper), bool(given.log)

    def leaf(label: str, places: Sequence[int] | None) -> Any:
        first, last = (low, high) if places is None else (low + places[0], low + places[-1])
        return typed(path, Integer, first, last, log=log, label=label) if label else first

    if high - low >= MAX_VALUES:
        return Part(leaf)
    widths = [math.log((n + 0.5) / (n - 0.5)) if log else 1.0 for n in range(low, high + 1)]
    total = math.fsum(widths)
    return Part(leaf, tuple(width / total for width in widths), runs=True)


def _numeric(library: Any, given: Any, path: str) -> Part:
    kind = next((k for k in ("Uniform", "Normal", "Beta") if isinstance(given, _classes(library, k))), None)
    if kind == "Beta" and given.alpha == given.beta == 1:
        kind = "Uniform"
    if kind not in ("Uniform", "Normal"):
        raise SpaceError(
            f"a {type(given).__name__} cannot be expressed; take a uniform or normal one, or a constant", path
        )
    make = Integer if "Integer" in type(given).__name__ else Float
    named: dict[str, Any] = {"log": bool(given.log)}
    if kind == "Normal":
        named |= _prior(given, path)

    return Part(lambda label, places: typed(path, make, given.lower, given.upper, label=label, **named))


def _classes(library: Any, kind: str) -> tuple[type, ...]:
    return tuple(getattr(library, f"{kind}{number}Hyperparameter") for number in ("Float", "Integer"))


def _prior(given: Any, path: str) -> dict[str, Any]:
    """Returns the prior of a normal, with its spread as a share of the range."""
    if not given.lower <= given.mu <= given.upper:
        raise SpaceError(f"a mean outside the bounds cannot be expressed, got {given.mu!r}", path)
    low, high = float(given.lower), float(given.upper)
    if isinstance(given.lower, int):
        if not float(given.mu).is_integer():
            raise SpaceError(f"the mean of a normal integer must be an integer, got {given.mu!r}", path)
        low, high = low - 0.5, high + 0.5
    # On a logarithmic scale, ConfigSpace measures sigma from the lower bound (UnitScaler.vectorize_size).
    spread = (
        abs(math.log(given.lower + given.sigma)) / math.log(high / low) if given.log else given.sigma / (high - low)
    )
    return {"prior": given.mu, "prior_confidence": 1 - spread}
