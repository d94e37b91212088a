"""Spells a suggestion as a search would, from the config of the search alone, so that no plugin is needed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from runlib.errors import RunlibError
from runlib.space.tree import Space

__all__ = ["Spelling"]


class Spelling:
    """Spells suggestions as the search of a run would.

    Args:
        config: The config of the search, ``{kind: {arguments}}``, as a tape holds it.
    """

    def __init__(self, config: Any) -> None:
        self._config = config

    def __call__(self, suggestion: Any) -> Any:
        """Returns plain data in the spelling of the search, if its space is known and the suggestion lies in it."""
        return suggestion if self._space is None else self._space.spelled(suggestion)

    @cached_property
    def _space(self) -> Space | None:
        data = _space_in(self._config)
        try:
            return None if data is None else Space.of(data)
        except RunlibError:  # A user's own search may mean something else by its space.
            return None


def _space_in(config: Any) -> Any:
    """Returns the space of a search; for several searches in a row, that of the first that has one."""
    if not isinstance(config, Mapping) or len(config) != 1:
        return None
    [arguments] = config.values()
    if not isinstance(arguments, Mapping):
        return None
    if isinstance(arguments.get("space"), dict | list):
        return arguments["space"]
    parts = arguments.get("searches")
    listed = [part for part in parts if isinstance(part, Mapping)] if isinstance(parts, list) else []
    spaces: list[Any] = [_space_in(part.get("search")) for part in listed]
    return next((space for space in spaces if space is not None), None)
