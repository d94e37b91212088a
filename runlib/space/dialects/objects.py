"""Translates objects of other tools that stand as parameters: ``{"x": hp.uniform("x", 0, 1)}``.

Each object is recognised by the names of its classes, so its tool need not be installed. The label of a hyperopt
variable is kept. Any other parameter takes its place as its label.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runlib.engine.data.plain import NotPlain
from runlib.errors import SpaceError
from runlib.space.arithmetic.expression import Term, register_translator
from runlib.space.dialects.configspace import from_configspace, from_hyperparameter
from runlib.space.dialects.hyperopt import from_hyperopt
from runlib.space.dialects.maggy import from_maggy
from runlib.space.dialects.neps import from_neps, from_neps_object
from runlib.space.dialects.optuna import from_distribution, is_distribution
from runlib.space.dialects.scipy import from_frozen, from_scikit_learn
from runlib.space.foreign import class_names, comes_from, is_frozen, is_graph
from runlib.space.refusal import refused
from runlib.space.scikit_learn import is_scikit_learn

__all__ = ["from_object"]


@register_translator
def from_object(value: Any) -> Any:
    """Returns the data of an object of another tool. Other values are returned unchanged.

    Raises:
        SpaceError: The value is such an object and has no counterpart.
    """
    if value is None or isinstance(value, str | int | float | list | tuple | Term):
        return value
    if isinstance(value, dict) and not comes_from(value, "neps"):
        return from_scikit_learn(value) if is_scikit_learn(value) else value
    try:
        return _data(value)
    except SpaceError as error:  # The caller knows the place of the object and adds it to the path.
        raise SpaceError(error.reason, ".".join(error.path.split(".")[1:])) from error.__cause__
    except NotPlain as error:
        raise refused(error) from None


def _data(value: Any) -> Any:
    if is_graph(value):
        return from_hyperopt(value)
    if comes_from(value, "ConfigSpace"):
        return from_configspace(value) if isinstance(value, Mapping) else from_hyperparameter(value)
    if is_distribution(value):
        return from_distribution(value)
    if is_frozen(value):
        return from_frozen(value)
    if class_names(value) & {"PipelineSpace", "SearchSpace"}:
        return from_neps(value)
    if "Searchspace" in class_names(value):
        return from_maggy(value)
    return from_neps_object(value)
