"""Components inside of a search: space and seed are handed down to those that take them and have none of their own.

What stands of such a component in the config of the outer one is what the component says of itself, so that a space in
another dialect, or the content of a file, is there in the form that a restore makes the same component of.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from runlib.engine import registry
from runlib.engine.component import Component, is_config, to_config

__all__ = ["config_within", "handed_down"]


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


def config_within(given: Any, made: Component, values: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in the config of the outer component: the config of ``made``, without what was handed down to it.

    Args:
        given: What ``made`` was made of: an object, a config, or a bare kind.
        made: The component.
        values: The arguments that ``handed_down`` got.
    """
    config: dict[str, Any] = to_config(made)
    if isinstance(given, Component):
        return config
    [written] = [{}] if isinstance(given, str) else given.values()
    [(kind, arguments)] = config.items()
    return {kind: {n: value for n, value in arguments.items() if n in (written or {}) or values.get(n) is None}}
