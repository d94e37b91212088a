"""Searches: what to try next, from what was told."""
