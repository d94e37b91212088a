"""Parcels: how an evaluator, and the script that it was defined in, get into a worker."""

from runlib.pool.parcel.packing import pack
from runlib.pool.parcel.unpacking import arriving, is_arriving, unpack

__all__ = ["arriving", "is_arriving", "pack", "unpack"]
