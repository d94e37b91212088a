"""Components inside of a search: space and seed are handed down to those that take them and have none of their own."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from runlib.engine import registry
from runlib.engine.component import Component, is_config

__all__ = ["handed_down"]


def handed_down(config: Any, values: Mapping[str, Any]) -> Any:
    """A config with further arguments.

    Args:
        config: ``{kind: {arguments}}`` or a bare kind; an object, and what is no config, stays as it is.
        values: Arguments for it, as far as its class takes them and the config has not got them; None is not handed on.

    Raises:
        UnknownKind: The kind is not registered.
    """
    if isinstance(config, str):
        config = {config: {}}
    if isinstance(config, Component) or not is_config(config):
        return config
    [(kind, arguments)] = config.items()
    taken = inspect.signature(registry.lookup(kind)).parameters
    more = {name: value for name, value in values.items() if name in taken and value is not None}
    return {kind: {**more, **(arguments or {})}}
