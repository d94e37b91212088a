"""Searches with hyperopt, and computes hyperopt's algorithms with the same numbers and less work."""
