"""Samplers that tests name in configs."""

from __future__ import annotations

import random
from typing import Any

from runlib import Space


def sampled(space: Space, seed: int) -> Any:
    """What the space itself would draw."""
    return space.sample(random.Random(seed))


def seventh(space: Space, seed: int) -> Any:
    """One of seven points of a unit interval."""
    return {"x": seed % 7 / 7}


def outside(space: Space, seed: int) -> Any:
    """Not in any space."""
    return {"y": 1}


def no_data(space: Space, seed: int) -> Any:
    """Nothing that a tape could hold."""
    return {"x": object()}


def broken(space: Space, seed: int) -> Any:
    """A sampler with a fault."""
    raise KeyError("seven")
