"""The parts of a run as they are made, noted and compared; each error names the place of the part."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Mapping
from typing import Any

from runlib.engine import registry
from runlib.engine.component import Component, from_config
from runlib.errors import ConfigError
from runlib.evaluator.base import Evaluator
from runlib.run.settings import differences
from runlib.run.view import wrap
from runlib.search.base import Search

__all__ = ["make_search", "noted", "same_evaluator", "warn_of_context"]

log = logging.getLogger("runlib")


def noted(place: str, component: Component) -> dict[str, Any]:
    """The config of a pool or an observer, for the session that notes it.

    Raises:
        ConfigError: It has none, with its place.
    """
    try:
        return component.get_config()
    except ConfigError as error:
        raise error.under(place) from error.__cause__


def make_search(config: Any, context: Mapping[str, Any] | None) -> Search:
    """The search of a run.

    Raises:
        ConfigError: With its place.
    """
    try:
        return from_config(config, context=context, family=Search)
    except ConfigError as error:
        raise error.under("search") from error.__cause__


def same_evaluator(given: Any, config: Any, context: Mapping[str, Any] | None) -> Evaluator:
    """The evaluator given to a restore, if its config is that of the run.

    Raises:
        ConfigError: It is another one; the message says where they differ.
    """
    evaluator = given if isinstance(given, Evaluator) else wrap(given, context)
    found = list(differences(config, evaluator.get_config()))
    if found:
        raise ConfigError(f"is another evaluator than that of the run: {'; '.join(found)}", "evaluator")
    return evaluator


def warn_of_context(context: Mapping[str, Any]) -> None:
    """Say which keys of a context nothing here seems to take: most likely they are misspelt.

    No error, for a component may look into its context without having a default for what it looks for.
    """
    classes = registry.classes(Component)
    known = {key for cls in classes for key in getattr(cls, "default_context", {})}
    known |= {getattr(cls, "kind", "") for cls in classes}
    for key in context:
        if key not in known:
            near = difflib.get_close_matches(str(key)[:80], known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            log.warning("context.%s: nothing here is known to take it%s", str(key)[:80], hint)
