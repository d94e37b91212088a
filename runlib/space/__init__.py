"""Defines search spaces: the tree that every search uses, and the text form from which it is made.

This package imports ``objects``, which registers the conversions of objects of other tools. They must be registered
before any parameter gets such an object.
"""

from runlib.space.dialects import objects

__all__ = ["objects"]
