"""Hands space and seed down to the components inside a search that take them and have none of their own.

The config of the outer search holds what such a component says of itself. So a space in another dialect, or the content
of a file, has the form from which a restore makes the same component.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from runlib.engine import registry
from runlib.engine.component import Component, is_config, to_config

__all__ = ["config_within", "handed_down"]


def handed_down(config: Any, values: Mapping[str, Any]) -> Any:
    """Returns a config with further arguments.

    Args:
        config: ``{kind: {arguments}}`` or a bare kind; an object, or a value that is no config, stays unchanged.
        values: The arguments to add, if the class takes them and the config does not have them; None is not added.

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


def config_within(given: Any, made: Component, values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the entry for the config of the outer component: the config of ``made`` without what was handed down.

    Args:
        given: The value from which ``made`` was made: an object, a config, or a bare kind.
        made: The component.
        values: The arguments that ``handed_down`` got.
    """
    config: dict[str, Any] = to_config(made)
    if isinstance(given, Component):
        return config
    [written] = [{}] if isinstance(given, str) else given.values()
    [(kind, arguments)] = config.items()
    return {kind: {n: value for n, value in arguments.items() if n in (written or {}) or values.get(n) is None}}
