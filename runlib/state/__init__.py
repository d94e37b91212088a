"""Computes the state of a run, which is a fold over its tape."""
