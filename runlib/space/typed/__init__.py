"""Typed parameters: what a user writes as ``Float(0, 1)``."""
