"""Configs on tapes that are older than an argument: they mean what was done before there was that argument.

A config on a tape names all arguments that its component had when it was written, so one that is missing there is
younger than the tape. A class says in ``earlier_defaults`` what such a config means by its silence; what people write
themselves gets the default of today.
"""

from __future__ import annotations

from typing import Any

from runlib.engine import registry
from runlib.engine.component import is_config
from runlib.engine.data.plain import MAX_DEPTH
from runlib.errors import ConfigError

__all__ = ["with_earlier_defaults"]


def with_earlier_defaults(config: Any, depth: int = 0) -> Any:
    """A config as it stands on a tape, nested ones included, with the arguments that it is too old to name.

    A kind that is not known here stays as it is: whoever makes the component will miss it by name.
    """
    if depth > MAX_DEPTH:
        return config
    if isinstance(config, list):
        return [with_earlier_defaults(item, depth + 1) for item in config]
    if not isinstance(config, dict):
        return config
    inner = {key: with_earlier_defaults(value, depth + 1) for key, value in config.items()}
    if not is_config(inner):
        return inner
    [(kind, arguments)] = inner.items()
    missing = _earlier(kind)
    return {kind: {**missing, **(arguments or {})}} if missing else inner


def _earlier(kind: str) -> dict[str, Any]:
    try:
        return dict(getattr(registry.lookup(kind), "earlier_defaults", {}))
    except ConfigError:
        return {}
