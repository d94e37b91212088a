"""Defines the functions of the text form. Each checks its arguments and returns a distribution.

A failed check raises a ``SpaceError`` that says what the function takes and what it got. Bounds are those of hyperopt:
bounds of the logarithm if the name says ``log``, both included for ``hp_uniformint``, half-open for ``hp_randint``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from runlib.errors import SpaceError
from runlib.space.distributions.distribution import Distribution, Integers, Normal, Power, Uniform

__all__ = ["FUNCTIONS", "pairs", "powers"]

MAX_FLOAT = 1.7976931348623157e308
MIN_LOG, MAX_LOG = -708.0, 709.0  # exp of these is a normal float.
MAX_POINTS = 10_000  # A grid has at most so many points.
Make = Callable[[str, list[Any], str], Distribution]


def _uniform(name: str, args: list[Any], path: str) -> Uniform:
    quantised, log = name.startswith("hp_q"), "log" in name
    if not quantised and len(args) != 2:
        raise SpaceError(f"{name} takes 2 bounds, got {len(args)}", path)
    numbers = _numbers(name, args, path, ("low", "high", "q") if quantised else ("low", "high"))
    low, high = _ordered(name, numbers, path)
    if not math.isfinite(high - low):
        raise SpaceError(f"the range of {name} is beyond all floats, got {low:.15g} to {high:.15g}", path)
    if log and (high > MAX_LOG or low < MIN_LOG):
        raise SpaceError(
            f"{name} takes the logarithms of its bounds, between {MIN_LOG:.0f} and {MAX_LOG:.0f}, "
            f"got {low:.15g} and {high:.15g}",
            path,
        )
    q = _positive(name, "q", numbers[2], path) if quantised else None
    integer = name == "hp_uniformint"
    return Uniform(low, high, 1.0 if integer else q, log, integer)


def _normal(name: str, args: list[Any], path: str) -> Normal:
    quantised, log = name.startswith("hp_q"), "log" in name
    numbers = _numbers(name, args, path, ("mu", "sigma", "q") if quantised else ("mu", "sigma"))
    sigma = _positive(name, "sigma", numbers[1], path)
    if log and not MIN_LOG < numbers[0] < MAX_LOG:
        raise SpaceError(
            f"mu of {name} is the mean of the logarithm, between {MIN_LOG:.0f} and {MAX_LOG:.0f}, "
            f"got {numbers[0]:.15g}",
            path,
        )
    return Normal(numbers[0], sigma, _positive(name, "q", numbers[2], path) if quantised else None, log)


def _integers(name: str, args: list[Any], path: str) -> Integers:
    if len(args) not in (1, 2):
        raise SpaceError(f"{name} takes an upper bound, or a lower and an upper one, got {len(args)}", path)
    numbers = _numbers(name, args, path, ("low", "high")[-len(args) :])
    if not all(number.is_integer() and abs(number) < 2**53 for number in numbers):
        raise SpaceError(f"the bounds of {name} must be integers, got {_listed(args)}", path)
    low, high = int(numbers[0]) if len(args) == 2 else 0, int(numbers[-1])
    if low >= high:
        raise SpaceError(f"{name} needs an upper bound above {low}, got {high}, and never takes it itself", path)
    return Integers(low, high)


def _power(name: str, args: list[Any], path: str) -> Power:
    if len(args) not in (3, 4):
        raise SpaceError(f"{name} takes start, stop, q and maybe a base, got {len(args)} arguments", path)
    numbers = _numbers(name, args, path, ("start", "stop", "q", "base")[: len(args)])
    low, high = _ordered(name, numbers, path, ("start", "stop"))
    q = _positive(name, "q", numbers[2], path)
    base = _base(name, args[3:], path)
    for exponent in (low - q, high + q):
        _raised(name, base, exponent, path)
    return Power(base, Uniform(low, high, q))


FUNCTIONS: dict[str, Make] = {
    "hp_loggrid_uniform": _power,
    "hp_lognormal": _normal,
    "hp_loguniform": _uniform,
    "hp_normal": _normal,
    "hp_qlognormal": _normal,
    "hp_qloguniform": _uniform,
    "hp_qnormal": _normal,
    "hp_quniform": _uniform,
    "hp_randint": _integers,
    "hp_uniform": _uniform,
    "hp_uniformint": _uniform,
}


def powers(name: str, args: list[Any], path: str) -> list[Any]:
    """Returns the points of ``hp_loggrid``: base**exponent over equally spaced exponents.

    If the third argument is an int, it is the number of points. If it is a float, it is the step of the exponent.
    """
    if len(args) not in (3, 4):
        raise SpaceError(f"{name} takes start, stop, num and maybe a base, got {len(args)} arguments", path)
    start, stop, _ = _numbers(name, args[:3], path, ("start", "stop", "num"))
    exponents = _exponents(name, start, stop, args[2], path)
    base = _base(name, args[3:], path)
    return [_raised(name, base, exponent, path) for exponent in exponents]


def _exponents(name: str, start: float, stop: float, num: float, path: str) -> list[float]:
    if isinstance(num, int):
        if not 1 <= num <= MAX_POINTS:
            raise SpaceError(f"{name} needs between 1 and {MAX_POINTS} points, got {num}", path)
        gaps: float = num - 1
    else:
        if num <= 0:
            raise SpaceError(f"{name} needs a positive step (a float), got {num}", path)
        gaps = abs(stop - start) / num
        if gaps > MAX_POINTS or not math.isclose(gaps, round(gaps), rel_tol=1e-9, abs_tol=1e-9):
            raise SpaceError(f"{name} cannot go from {start} to {stop} in whole steps of {num}", path)
    count = round(gaps)
    if (start == stop) != (count == 0):
        raise SpaceError(f"{name} from {start} to {stop} cannot have {count + 1} points", path)
    inner = [start + (stop - start) * place / count for place in range(count)]
    return [*inner, stop]


def pairs(name: str, args: list[Any], path: str) -> tuple[tuple[float, ...], list[Any]]:
    """Returns the probabilities and the options of ``hp_pchoice``, which takes a list of [probability, option]."""
    if len(args) != 1 or not isinstance(args[0], list):
        raise SpaceError(f"{name} takes one list of [probability, option] after its label", path)
    if not args[0]:
        raise SpaceError(f"{name} has no options", path)
    for place, pair in enumerate(args[0]):
        if not isinstance(pair, list) or len(pair) != 2:
            raise SpaceError(f"an option of {name} is written [probability, option], got {pair!r}", f"{path}.{place}")
        [weight] = _numbers(name, pair[:1], f"{path}.{place}", ("a probability",))
        if not 0 <= weight <= 1:
            raise SpaceError(f"a probability lies between 0 and 1, got {pair[0]!r}", f"{path}.{place}")
    weights = tuple(float(pair[0]) for pair in args[0])
    if not math.isclose(sum(weights), 1.0, abs_tol=1e-9) or sum(weights[:-1]) > 1.0 + 1e-12:
        raise SpaceError(f"the probabilities of {name} must sum to 1, got {sum(weights)}", path)
    return weights, [pair[1] for pair in args[0]]


def _numbers(name: str, args: list[Any], path: str, names: tuple[str, ...]) -> list[float]:
    """Returns the arguments as finite floats, one for each name."""
    if len(args) != len(names):
        raise SpaceError(f"{name} takes {', '.join(names)}, got {len(args)} arguments", path)
    for what, value in zip(names, args, strict=True):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise SpaceError(f"{what} of {name} must be a number, got {value!r}", path)
        if (isinstance(value, float) and not math.isfinite(value)) or abs(value) > MAX_FLOAT:
            raise SpaceError(f"{what} of {name} must be finite, got {value!r}", path)
    return [float(value) for value in args]


def _ordered(
    name: str, numbers: list[float], path: str, names: tuple[str, str] = ("low", "high")
) -> tuple[float, float]:
    low, high = numbers[:2]
    if not low < high:
        raise SpaceError(f"{names[0]} of {name} must be below {names[1]}, got {low:.15g} and {high:.15g}", path)
    return low, high


def _positive(name: str, what: str, number: float, path: str) -> float:
    if number <= 0:
        raise SpaceError(f"{what} of {name} must be positive, got {number:.15g}", path)
    return number


def _base(name: str, args: list[Any], path: str) -> float:
    [base] = _numbers(name, args or [2.0], path, ("base",))
    if base <= 0 or base == 1:
        raise SpaceError(f"base of {name} must be positive and not 1, got {base:.15g}", path)
    return base


def _raised(name: str, base: float, exponent: float, path: str) -> float:
    try:
        value = base**exponent
    except OverflowError:
        value = math.inf
    if not 0 < value < math.inf:
        raise SpaceError(f"{name} leaves the range of floats at {base:.15g}**{exponent:.15g}", path)
    return float(value)


def _listed(args: list[Any]) -> str:
    return " and ".join(map(repr, args))
