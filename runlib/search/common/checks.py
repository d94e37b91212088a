"""Checks the arguments of a search: each function returns the value, or says in one sentence what was expected.

All of them raise ``ConfigError`` with the name of the argument as its path.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

from runlib.engine.data.canonical import NotPlain, plain
from runlib.engine.data.native import native
from runlib.engine.synonyms import near
from runlib.errors import ConfigError

__all__ = ["data", "flag", "integer", "method", "named_method", "positive", "seed"]

METHODS = ("tpe", "rand", "anneal")
OTHER_NAMES = {"random": "rand", "annealing": "anneal"}
DEFAULT_MIX = ((0.1, "rand"), (0.2, "anneal"), (0.7, "tpe"))


def named_method(given: Any) -> Any:
    """Returns the method as data.

    Another tool's name for a method is accepted. For a function of hyperopt, the error says which name to use.
    """
    if callable(given) and not isinstance(given, str | Mapping):
        inner = getattr(given, "func", given)  # the function in a functools.partial
        name = str(getattr(inner, "__module__", "")).rpartition(".")[2]
        way = f'say method="{name}"' if name in METHODS else f"known are {', '.join(METHODS)}"
        rest = "; what partial(...) fixes are arguments of Hyperopt" if inner is not given else ""
        raise ConfigError(f"takes the name of a method, and no function; {way}{rest}", "method")
    found = data("method", given)
    return OTHER_NAMES.get(found, found) if isinstance(found, str) else found


def method(method: Any) -> tuple[str, tuple[tuple[float, str], ...]]:
    """Returns the method, and the (probability, method) pairs of a mix."""
    if isinstance(method, Mapping) and list(method) == ["mix"]:
        return "mix", _mix(method["mix"])
    if not isinstance(method, str) or method not in (*METHODS, "mix"):
        known = ", ".join((*METHODS, "mix"))
        meant = near(str(method).removesuffix(".suggest"), METHODS, cutoff=0.5)
        hint = f"; did you mean {meant[0]!r}?" if meant else ""
        raise ConfigError(
            f"unknown method {method!r}; known are {known}, and {{'mix': [[p, method], ...]}}{hint}", "method"
        )
    return method, DEFAULT_MIX if method == "mix" else ()


def _mix(pairs: Any) -> tuple[tuple[float, str], ...]:
    path = "method.mix"
    if not isinstance(pairs, list | tuple) or not pairs:
        raise ConfigError(f"a mix is a list of [probability, method], got {pairs!r}", path)
    found: list[tuple[float, str]] = []
    for place, pair in enumerate(pairs):
        where = f"{path}.{place}"
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise ConfigError(f"an item of a mix is written [probability, method], got {pair!r}", where)
        if pair[1] not in METHODS:
            raise ConfigError(f"unknown method {pair[1]!r}; a mix knows {', '.join(METHODS)}", where)
        found.append((_probability(pair[0], where), pair[1]))
    shares = [share for share, _ in found]
    if not math.isclose(sum(shares), 1.0, abs_tol=1e-9) or sum(shares[:-1]) > 1.0 + 1e-12:
        raise ConfigError(f"the probabilities of a mix must sum to 1, got {sum(shares)}", path)
    return tuple(found)


def _probability(value: Any, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ConfigError(f"a probability lies between 0 and 1, got {value!r}", path)
    return float(value)


def data(name: str, value: Any) -> Any:
    """Returns ``value`` as plain data."""
    try:
        return plain(value)
    except NotPlain as error:
        raise ConfigError(error.reason, error.path).under(name) from None


def integer(name: str, value: Any, least: int | None = None) -> int:
    """Returns an integer that is not below ``least``."""
    value = data(name, value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(f"must be an integer, got {value!r}", name)
    if least is not None and value < least:
        raise ConfigError(f"must be at least {least}, got {value}", name)
    return value


def seed(value: Any) -> int:
    """Returns the integer that a search is seeded by."""
    if value is None:
        raise ConfigError("must be an integer, got None; leave it out for 123, so that the run can be repeated", "seed")
    if callable(getattr(value, "random", None)) or callable(getattr(value, "random_sample", None)):
        raise ConfigError(
            f"must be an integer, got a {type(value).__name__}; give the number that it was made with, as in "
            "default_rng(1): seed=1",
            "seed",
        )
    return integer("seed", value)


def positive(name: str, value: Any) -> float:
    """Returns a finite number above 0."""
    value = data(name, value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ConfigError(f"must be a positive number, got {value!r}", name)
    return cast(float, value)


def flag(name: str, value: Any) -> bool:
    """Returns True or False."""
    value = native(value)
    if not isinstance(value, bool):
        raise ConfigError(f"must be true or false, got {value!r}", name)
    return value
