"""Decides which suggestion to try next, from the results so far."""
