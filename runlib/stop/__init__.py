"""Decides when a run has done enough."""

from runlib.stop.all import StopAll
from runlib.stop.any import StopAny
from runlib.stop.base import Stop
from runlib.stop.cost import StopCost
from runlib.stop.duration import StopDuration
from runlib.stop.errors import StopErrors
from runlib.stop.loss import StopLoss
from runlib.stop.max import StopMax
from runlib.stop.no_progress import StopNoProgress

__all__ = [
    "Stop",
    "StopAll",
    "StopAny",
    "StopCost",
    "StopDuration",
    "StopErrors",
    "StopLoss",
    "StopMax",
    "StopNoProgress",
]
