"""Translates spaces of NePS: its dicts and YAML, ``neps.Float`` and the like, ``PipelineSpace``, ``SearchSpace``.

The rules are those of ``neps/space/parsing.py``. A scalar is constant. A tuple, or a list of two ordered numbers, is a
pair of bounds, both included, of integers or floats by their type. Any other list is a categorical. A dict has
``lower`` and ``upper``, or ``choices``, or ``value``. Text like ``1e-5`` is a number, and ``1e3`` is the integer 1000.
As in NePS, bounds of two types and equal bounds are refused. Truth values are options here and never bounds. The
confidence of a prior is low unless another is given. The base of a logarithm does not affect the draws.

Objects of NePS are recognised by the names of their classes, so NePS need not be installed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from runlib.engine.arguments import known_arguments
from runlib.engine.data.native import native
from runlib.engine.data.yaml11 import as_yaml_1_1, where
from runlib.errors import SpaceError
from runlib.space.dialects.base import canonical, constant, is_number, is_own, options, own, table, typed
from runlib.space.dialects.neps_objects import described, elements
from runlib.space.files import is_path, read_space
from runlib.space.typed.alternatives import Categorical, Choice
from runlib.space.typed.quantities import Float, Integer

__all__ = ["from_neps", "from_neps_object", "reread_words"]

WRITTEN = "a dict of parameters, a PipelineSpace or a SearchSpace"
SCIENTIFIC = re.compile(r"-?\d+(\.\d+)?[eE]-?\d+")
TYPES = {"int": Integer, "integer": Integer, "float": Float, "floating": Float}
KNOWN = {
    "choices": {"choices", "type", "prior", "prior_confidence", "prior_index"},
    "lower": {"lower", "upper", "type", "log", "log_base", "prior", "prior_confidence", "is_fidelity"},
    "value": {"value", "type"},
}
OWN_TYPES = {"choices": ("cat", "categorical"), "lower": tuple(TYPES), "value": ("const", "constant")}


def reread_words(node: yaml.Node) -> yaml.Node:
    """Rereads the spaces under the key ``neps`` of a YAML text, at its root or under ``space``, as NePS reads them."""
    return where(node, lambda key, inner: key in (None, "space") and [k.value for k, _ in inner.value] == ["neps"])


@known_arguments
def from_neps(space: Any) -> Any:
    """Returns the canonical form of a space of NePS.

    Args:
        space: The ``pipeline_space``: a dict of plain data and of NePS's parameters, an object of NePS, or the path
            of a YAML file. The file holds such a dict, alone or under ``pipeline_space``, and is read as NePS reads it.

    Raises:
        SpaceError: Something in the space is wrong or has no counterpart here. The path names the place.
    """
    if is_path(space):
        space = read_space(space, "neps", as_yaml_1_1)
        space = space["pipeline_space"] if isinstance(space, dict) and "pipeline_space" in space else space
    found = elements(space)
    if found is not None:  # In a PipelineSpace, a list is a value and not a pair of bounds.
        return canonical(table(native(found), "neps", _element, WRITTEN))
    return canonical(table(native(space), "neps", _parameter, WRITTEN))


def from_neps_object(given: Any) -> Any:
    """Returns the data of a parameter object of NePS. Other values are returned unchanged."""
    words = described(given, "neps")
    return given if words is None else _described(words, "neps")


def _parameter(given: Any, path: str) -> Any:
    if is_own(given):
        return own(given, path)
    if isinstance(given, Mapping):
        return _described(given, path)
    if isinstance(given, list | tuple):
        return _listed(given, path)
    return _element(_number(given), path)


def _element(given: Any, path: str) -> Any:
    """Translates an object of NePS, a parameter in runlib's own forms, or a constant."""
    words = None if is_own(given) else described(given, path)
    if words is not None:
        return _described(words, path)
    return own(given, path) if is_own(given) else constant(given, path)


def _number(value: Any) -> Any:
    """Returns the number that a text in scientific notation means. Other values are returned unchanged."""
    if not isinstance(value, str) or not SCIENTIFIC.fullmatch(value.replace(" ", "")):
        return value
    found = float(value.replace(" ", ""))
    return int(found) if found.is_integer() else found


def _listed(given: list[Any] | tuple[Any, ...], path: str) -> Any:
    values = [_number(value) for value in given]
    if isinstance(given, tuple) and len(given) != 2:
        raise SpaceError(f"a tuple is a pair of bounds, got {given!r}; options are a list", path)
    if len(values) != 2 or not all(map(is_number, values)):
        if isinstance(given, tuple):
            raise SpaceError(f"the bounds in a tuple must be numbers, got {given!r}; options are a list", path)
        return _categorical(values, {}, path)
    mixed = isinstance(values[0], int) != isinstance(values[1], int)  # ``_bounded`` refuses these, in any order.
    if isinstance(given, tuple) or mixed or values[0] <= values[1]:
        return _bounded(values[0], values[1], {}, path)
    return _categorical(values, {}, path)


def _described(words: Mapping[str, Any], path: str) -> Any:
    """Returns a parameter from the dict that describes it."""
    form = next((form for form in KNOWN if form in words), None)
    if form is None:
        raise SpaceError(f"needs lower and upper, or choices, or value, got {sorted(map(str, words))}", path)
    for word in words:
        if word not in KNOWN[form]:
            raise SpaceError(f"unknown word {word!r} beside {form!r}; known are {', '.join(sorted(KNOWN[form]))}", path)
    if words.get("type") is not None and words["type"] not in OWN_TYPES[form]:
        raise SpaceError(f"type beside {form!r} is {' or '.join(OWN_TYPES[form])}, got {words['type']!r}", path)
    if form == "value":
        return constant(_number(words["value"]), path)
    if form == "choices":
        given = options(words["choices"], f"{path}.choices", "choices")
        return _categorical([_number(choice) for choice in given], words, path)
    if "upper" not in words:
        raise SpaceError("has a lower bound and needs an upper one too", path)
    return _bounded(_number(words["lower"]), _number(words["upper"]), words, path)


def _bounded(low: Any, high: Any, words: Mapping[str, Any], path: str) -> Any:
    if not is_number(low) or not is_number(high):
        raise SpaceError(f"lower and upper must be numbers, got {low!r} and {high!r}", path)
    kind = TYPES.get(str(words.get("type")))
    if kind is None:
        if isinstance(low, int) != isinstance(high, int):
            raise SpaceError(
                f"bounds are two integers or two floats, got {low!r} and {high!r}; write {float(low)} and "
                f"{float(high)}, or choices: for a categorical",
                path,
            )
        kind = Integer if isinstance(low, int) else Float
    if not low < high:
        raise SpaceError(f"lower must be below upper, got {low!r} and {high!r}", path)
    named = {"log": words.get("log", False), "fidelity": words.get("is_fidelity", False)}
    return typed(path, kind, low, high, **named, **_prior(words))


def _categorical(choices: list[Any], words: Mapping[str, Any], path: str) -> Any:
    if "prior_index" in words:  # The words come from an object, and its choices may be objects too.
        index = words["prior_index"]
        if not isinstance(index, int) or not 0 <= index < len(choices):
            raise SpaceError(f"prior is the place of a choice, below {len(choices)}, got {index!r}", path)
    if any(is_own(choice) or described(choice, path) is not None for choice in choices):
        nested = [_element(choice, f"{path}.{place}") for place, choice in enumerate(choices)]
        place = {"prior": words["prior_index"]} if "prior_index" in words else {}
        return typed(path, Choice, nested, **(_prior({**words, **place}) if place else {}))
    prior = {"prior": choices[words["prior_index"]]} if "prior_index" in words else {}
    return typed(path, Categorical, choices, **_prior({**words, **prior}))


def _prior(words: Mapping[str, Any]) -> dict[str, Any]:
    if words.get("prior") is None:
        return {}
    return {"prior": _number(words["prior"]), "prior_confidence": words.get("prior_confidence") or "low"}
