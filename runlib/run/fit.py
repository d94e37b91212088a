"""Whether evaluator and search go together, as far as that can be known before the first trial."""

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
    """A function takes the keys that the space has, where these are known, and nothing is to be awaited.

    One without any parameter is for a search that has nothing to suggest.

    Raises:
        ConfigError: It is not so; the message says what the function should be or take.
    """
    _refuse_asynchronous(evaluator)
    if not isinstance(evaluator, FunctionEvaluator):
        return
    if not evaluator.takes_nothing:
        _refuse_keys(evaluator, search)
        return
    space = getattr(search, "space", None)
    if space is None:  # nobody knows before the first suggestion
        return
    keys = list(space) if isinstance(space, Mapping) else []
    if Space.of(space).variables:
        raise ConfigError(without_parameters(evaluator.bare_name, keys), "evaluator")
    evaluator.without_suggestion = True


def _refuse_keys(evaluator: FunctionEvaluator, search: Search) -> None:
    """A function is refused that takes no suggestion of a space which has the same keys in each of them.

    Only of runlib's own searches that is known: one of somebody else may suggest other things than its space has.
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
