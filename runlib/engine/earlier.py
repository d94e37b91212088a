"""Completes configs on tapes that are older than an argument, so that they keep their former meaning.

A config on a tape names all arguments that its component had when the tape was written. An argument that is missing
there was therefore added later. A class states in ``earlier_defaults`` the value that such an older config implies.
A config that a user writes gets the present default instead.
"""

from __future__ import annotations

from typing import Any

from runlib.engine import registry
from runlib.engine.component import is_config
from runlib.engine.data.plain import MAX_DEPTH
from runlib.errors import ConfigError

__all__ = ["with_earlier_defaults"]


def with_earlier_defaults(config: Any, depth: int = 0) -> Any:
    """Returns a config from a tape, including nested ones, with the arguments that were added after it was written.

    A kind that is not registered stays as it is: making the component will raise an error with its name.
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
