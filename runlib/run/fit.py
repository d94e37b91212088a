"""Whether evaluator and search go together, as far as that can be known before the first trial."""

from __future__ import annotations

from collections.abc import Mapping

from runlib.errors import ConfigError
from runlib.evaluator.asynchronous import refuse_asynchronous
from runlib.evaluator.base import Evaluator
from runlib.evaluator.calling import without_parameters
from runlib.evaluator.function import FunctionEvaluator
from runlib.search.base import Search
from runlib.space.tree import Space

__all__ = ["check_fit"]


def check_fit(evaluator: Evaluator | None, search: Search) -> None:
    """Nothing is to be awaited, and a function without any parameter is for a search that has nothing to suggest.

    Raises:
        ConfigError: It is not so; the message says what the function should be or take.
    """
    _refuse_asynchronous(evaluator)
    if not isinstance(evaluator, FunctionEvaluator) or not evaluator.takes_nothing:
        return
    space = getattr(search, "space", None)
    if space is None:  # nobody knows before the first suggestion
        return
    keys = list(space) if isinstance(space, Mapping) else []
    if Space.of(space).variables:
        raise ConfigError(without_parameters(evaluator.bare_name, keys), "evaluator")
    evaluator.without_suggestion = True


def _refuse_asynchronous(evaluator: Evaluator | None) -> None:
    try:
        if evaluator is not None:
            refuse_asynchronous(evaluator)
    except ConfigError as error:
        raise error.under("evaluator") from None
