"""Defines the typed parameters, which a user writes as ``Float(0, 1)``."""
