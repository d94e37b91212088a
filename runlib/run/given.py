"""What a run takes for its settings, as types; what it keeps of them is plainer (``settings``)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from runlib.state.state import Direction
from runlib.stop.base import Stop

__all__ = ["AnyDirection", "AnyStop", "Exceptional", "Exceptions"]

Exceptional = str | type[BaseException]
Exceptions = Collection[Exceptional] | Exceptional
AnyDirection = Direction | Literal["minimize", "maximize"]
AnyStop = Stop | Mapping[str, Any] | int | Sequence[Any]
