"""Converts objects of NePS to the dicts that NePS uses for the same parameters.

An object is recognised by the names of its class and its base classes. Objects of older spaces (``HPOFloat``) have None
as a missing prior. Objects of newer spaces (``Float``) have ``has_prior`` instead, and the prior of a ``Categorical``
is then the place of a choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runlib.errors import SpaceError

__all__ = ["described", "elements"]

KINDS = ("Categorical", "Constant", "Float", "Integer")
UNKNOWN = ("ByName", "Lazy", "Operation", "Repeated", "Resample", "Resolvable")


def elements(space: Any) -> Mapping[str, Any] | None:
    """Returns the parameters of a ``PipelineSpace`` or a ``SearchSpace`` by name; None for other values."""
    names = _names(space)
    if "PipelineSpace" in names and callable(getattr(space, "get_attrs", None)):
        return dict(space.get_attrs())
    if "SearchSpace" in names and isinstance(getattr(space, "elements", None), Mapping):
        return dict(space.elements)
    return None


def described(given: Any, path: str) -> dict[str, Any] | None:
    """Returns the dict that describes a parameter object; None if the value is not a parameter object.

    Raises:
        SpaceError: The value is an object of NePS that has no counterpart here.
    """
    names = _names(given)
    if "Fidelity" in names and hasattr(given, "domain"):
        inner = described(given.domain, path)
        return None if inner is None else {**inner, "is_fidelity": True}
    kind = next((name.removeprefix("HPO") for name in names if name.removeprefix("HPO") in KINDS), None)
    if kind is None:
        name = next((name for name in UNKNOWN if name in names), None)
        if name is not None:
            raise SpaceError(
                f"{type(given).__name__} of NePS has no counterpart here; write it as nested choices", path
            )
        return None
    if kind == "Constant":
        return {"value": given.value}
    return _categorical(given, path) if kind == "Categorical" else _numeric(kind, given)


def _numeric(kind: str, given: Any) -> dict[str, Any]:
    fidelity = getattr(given, "is_fidelity", False) or getattr(given, "_is_fidelity_compat", False)
    bounds = {"lower": given.lower, "upper": given.upper, "type": kind.lower(), "log": bool(given.log)}
    return {**bounds, "is_fidelity": bool(fidelity), **_prior(given)}


def _categorical(given: Any, path: str) -> dict[str, Any]:
    if not isinstance(given.choices, list | tuple):
        raise SpaceError(f"choices that are a {type(given.choices).__name__} have no counterpart here; list them", path)
    prior = _prior(given)
    if hasattr(given, "has_prior") and prior:
        prior["prior_index"] = prior.pop("prior")
    return {"choices": list(given.choices), **prior}


def _prior(given: Any) -> dict[str, Any]:
    if not getattr(given, "has_prior", True) or given.prior is None:
        return {}
    confidence = getattr(given, "prior_confidence", None)
    return {"prior": given.prior, "prior_confidence": getattr(confidence, "value", confidence)}


def _names(given: Any) -> list[str]:
    return [cls.__name__ for cls in type(given).__mro__]
