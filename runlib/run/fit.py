"""Checks, as far as possible before the first trial, that evaluator and search fit together."""

from __future__ import annotations

import random
from collections.abc import Mapping

from runlib.errors import ConfigError
from runlib.evaluator.base import Evaluator
from runlib.evaluator.functions.asynchronous import refuse_asynchronous
from runlib.evaluator.functions.calling import without_parameters
from runlib.evaluator.functions.function import FunctionEvaluator
from runlib.search.base import Search
from runlib.space.nodes import Table
from runlib.space.tree import Space

__all__ = ["check_fit"]


def check_fit(evaluator: Evaluator | None, search: Search) -> None:
    """Checks that the evaluator is not asynchronous and takes the keys that the space has, where these are known.

    A function without any parameter fits only a search that has nothing to suggest.

    Raises:
        ConfigError: The evaluator does not fit; the message says what the function should be or take.
    """
    _refuse_asynchronous(evaluator)
    if not isinstance(evaluator, FunctionEvaluator):
        return
    if not evaluator.takes_nothing:
        _refuse_keys(evaluator, search)
        return
    space = getattr(search, "space", None)
    if space is None:  # the keys are unknown before the first suggestion
        return
    keys = list(space) if isinstance(space, Mapping) else []
    if Space.of(space).variables:
        raise ConfigError(without_parameters(evaluator.bare_name, keys), "evaluator")
    evaluator.without_suggestion = True


def _refuse_keys(evaluator: FunctionEvaluator, search: Search) -> None:
    """Refuses a function that cannot take the suggestions of a space that has the same keys in every suggestion.

    Only runlib's own searches are checked. A search by somebody else may suggest other keys than its space has.
    """
    space = getattr(search, "space", None)
    if not type(search).__module__.startswith("runlib.") or not isinstance(space, Mapping):
        return
    known = Space.of(space)
    if not isinstance(known.root, Table):
        return
    reason = evaluator.mismatch(known.sample(random.Random(0)))
    if reason:
        raise ConfigError(reason, "evaluator")


def _refuse_asynchronous(evaluator: Evaluator | None) -> None:
    try:
        if evaluator is not None:
            refuse_asynchronous(evaluator)
    except ConfigError as error:
        raise error.under("evaluator") from None
