"""Defines parts of a search space that are calculated from other parts."""
