"""Makes the space of a search that draws from it, and warns of content that is probably a mistake."""

from __future__ import annotations

from typing import Any

from runlib.space import accidents
from runlib.space.dialects import resolved
from runlib.space.tree import Space

__all__ = ["space_of"]


def space_of(space: Any, *, full_fidelity: bool = True) -> Space:
    """Returns the space that a search was given under the name ``space``.

    Raises:
        SpaceError: The space is wrong; the error has the place.

    Warns:
        SpaceWarning: A list of two numbers stands where a parameter could stand, or nothing varies at all.
    """
    given = space if isinstance(space, Space) else resolved(space, "space")
    made = Space.of(given, "space", full_fidelity=full_fidelity)
    accidents.warn_of_lists(given, "space")
    if not made.fidelities and made.count() == 1:
        accidents.warn_of_constants(given, "space")
    return made
