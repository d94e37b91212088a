"""Calls a user's sampler: a function of a search space and a seed, or a component that is called like one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runlib.engine.code.naming import find_function, name_function
from runlib.engine.component import Component, from_config, is_config
from runlib.engine.data.canonical import NotPlain
from runlib.engine.data.shape import shaped
from runlib.errors import ConfigError, RunlibError, SearchError, SpaceError
from runlib.space.tree import Space

__all__ = ["Sampler"]


class Sampler:
    """Draws the suggestions of a random search.

    Attributes:
        config: The entry in the config of the search: a component, or the name of a function.

    Args:
        given: A component or its config, a function or its name.
        space: The search space that the sampler is called with.
        context: The context for a component.

    Raises:
        ConfigError: The value is none of these, or a function that no name leads to.
    """

    def __init__(self, given: Any, space: Space, context: Mapping[str, Any] | None) -> None:
        # The keys are sorted, so that the draws of a sampler do not depend on their order in the config.
        self._space = Space.of(_sorted(space.data), full_fidelity=True)
        try:
            self.config, self._call = _found(given, context)
        except ConfigError as error:
            raise error.under("sampler") from error.__cause__
        if not callable(self._call):
            raise ConfigError(f"must be callable with (space, seed), got {given!r}", "sampler")
        self._name = self.config if isinstance(self.config, str) else self.config.kind

    def __call__(self, seed: int) -> Any:
        """Returns a suggestion, plain data in the space.

        Raises:
            SearchError: The sampler failed, or returned something else.
        """
        try:
            suggestion = shaped(self._call(self._space, seed))
            self._space.validate(suggestion)
            suggestion = self._space.spelled(suggestion)
        except NotPlain as error:
            raise SearchError(f"the sampler {self._name} made a suggestion that is no plain data: {error}") from error
        except SpaceError as error:
            raise SearchError(f"the sampler {self._name} left the search space: {error}") from error
        except RunlibError:
            raise
        except Exception as error:
            raise SearchError(f"the sampler {self._name} failed: {type(error).__name__}: {error}") from error
        return suggestion


def _found(given: Any, context: Mapping[str, Any] | None) -> tuple[Any, Any]:
    """Returns the entry for the config, and the object to call."""
    if isinstance(given, Component) or is_config(given) or (isinstance(given, str) and ":" not in given):
        made: Component = from_config(given, context=context, family=Component)
        return made, made
    name = given if isinstance(given, str) else name_function(given) if callable(given) else None
    if name is None:
        raise ConfigError(f"a sampler is a function of (space, seed), its name, or a component, got {given!r}")
    if "<" in name:
        raise ConfigError(
            f"{name} cannot be found by its name, as a restore must; define it at the top of a module, or write a "
            "component"
        )
    return name, find_function(name) if isinstance(given, str) else given


def _sorted(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _sorted(data[key]) for key in sorted(data)}
    return [_sorted(item) for item in data] if isinstance(data, list) else data
